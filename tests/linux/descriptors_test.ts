/** Descriptors of a worker where the C library cannot tell the end of a thread. */
import { assertEquals } from "@std/assert";
import { NOT_LINUX, skipped } from "../skip.ts";
import { askWorker } from "../unit/ask_worker.ts";

const URL_OF_WORKER = new URL("descriptors_worker.ts", import.meta.url);

/** What is wrong, and what is called for two descriptors. */
const CASES = [
  ["there is no glibc", "", []],
  ["there is no memory", "calloc", ["calloc", "calloc"]],
  ["a DIR begins with something else", "dirfd", ["calloc", "dirfd"]],
  [
    "a thread takes no more destructors",
    "__cxa_thread_atexit_impl",
    ["calloc", "dirfd", "__cxa_thread_atexit_impl"],
  ],
] as const;

for (const [what, fails, calls] of CASES) {
  const name = `hold() leaves descriptors to release() where ${what}`;
  Deno.test({
    name,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      assertEquals(await askWorker(URL_OF_WORKER, fails), {
        calls: [...calls],
        held: [1001, 1002],
        // A second time it is somebody else's.
        released: [0, -1],
        closed: [1001],
      });
    },
  });
}
