/**
 * The structures that `recvmmsg` and its relatives take, in 32-bit words.
 *
 * Source: `recvmmsg(2)`, `recvmsg(2)`, `readv(2)`; the same on x86-64 and ARM64.
 *
 * @module
 */

/** The most messages of one system call. */
export const BATCH = 64;

/** `struct msghdr`: the word at which each field starts. */
export const MSGHDR = {
  name: 0,
  nameLength: 2,
  iov: 4,
  iovCount: 6,
  control: 8,
  controlLength: 10,
  flags: 12,
  words: 14,
} as const;

/** `struct mmsghdr`: a `msghdr`, then the bytes that were moved. */
export const MMSGHDR = { bytes: 14, words: 16 } as const;

/** `struct iovec`. */
export const IOVEC = { base: 0, length: 2, words: 4 } as const;

/** Writes a pointer, an address below 2^53, as two words. */
export function writePointer(
  words: Uint32Array,
  at: number,
  address: number,
): void {
  // A word keeps 32 bits of a Number, and no fraction.
  words[at] = address;
  words[at + 1] = address / 0x100000000;
}
