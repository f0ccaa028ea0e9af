import { assertEquals } from "@std/assert";
import { featureNames } from "../../ffi/linux/uring/features.ts";

Deno.test("featureNames() has the header's name of each bit", () => {
  assertEquals(featureNames(0), []);
  // Linux 6.1: `IORING_FEAT_LINKED_FILE`, 1U << 12, was its newest.
  const old = featureNames((1 << 13) - 1);
  assertEquals([old.length, old[0], old.at(-1)], [
    13,
    "SINGLE_MMAP",
    "LINKED_FILE",
  ]);
  assertEquals(featureNames(1 << 1 | 1 << 5 | 1 << 11 | 1 << 14), [
    "NODROP",
    "FAST_POLL",
    "CQE_SKIP",
    "RECVSEND_BUNDLE",
  ]);
});

Deno.test("featureNames() tells bits that are newer by their numbers", () => {
  assertEquals(featureNames(1 << 17 | 1 << 18 | 1 << 31), [
    "NO_IOWAIT",
    "bit 18",
    "bit 31",
  ]);
});
