/**
 * What a kernel says that its io_uring has.
 *
 * Source: io_uring_setup(2), and the header `linux/io_uring.h`.
 *
 * @module
 */

/** By the number of its bit, each without `IORING_FEAT_`. */
const NAMES = [
  "SINGLE_MMAP",
  "NODROP",
  "SUBMIT_STABLE",
  "RW_CUR_POS",
  "CUR_PERSONALITY",
  "FAST_POLL",
  "POLL_32BITS",
  "SQPOLL_NONFIXED",
  "EXT_ARG",
  "NATIVE_WORKERS",
  "RSRC_TAGS",
  "CQE_SKIP",
  "LINKED_FILE",
  "REG_REG_RING",
  "RECVSEND_BUNDLE",
  "MIN_TIMEOUT",
  "RW_ATTR",
  "NO_IOWAIT",
] as const;

/** The names of features, and the numbers of the bits that are newer. */
export function featureNames(features: number): readonly string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((features >>> bit & 1) === 1) names.push(NAMES[bit] ?? `bit ${bit}`);
  }
  return names;
}
