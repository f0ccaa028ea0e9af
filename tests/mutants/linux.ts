/**
 * Deliberate faults in the Linux backend.
 *
 * @module
 */
import { LIFETIME, LINUX, type Mutant } from "./mutant.ts";

const RING = "ffi/linux/ring.ts";
const POLLER = "ffi/linux/poller.ts";

/** The faults. */
export const linux: readonly Mutant[] = [
  {
    name: "a result is queued one place too far",
    edits: [{
      file: "ffi/linux/completion_queue.ts",
      find: "const slot = (this.#head + this.count) & this.#mask;",
      replace: "const slot = (this.#head + this.count + 1) & this.#mask;",
    }],
    linux: LINUX,
  },
  {
    name: "a batch goes past the end of the ring",
    edits: [{
      file: RING,
      find: "Math.min(this.pending, BATCH, this.capacity - slot)",
      replace: "Math.min(this.pending, BATCH)",
    }],
    linux: LINUX,
  },
  {
    name: "requests move to the wrong place when a ring grows",
    edits: [{
      file: RING,
      find: "const from = i & old.mask;",
      replace: "const from = (i + 1) & old.mask;",
    }],
    linux: LINUX,
  },
  {
    name: "deferred requests do not end when their socket is closed",
    edits: [{
      file: RING,
      find: "while (this.head !== this.tail) this.complete(status, 0);",
      replace: "while (this.head !== this.committed) this.complete(status, 0);",
    }],
    linux: LINUX,
  },
  {
    name: "the kernel writes to memory that was deregistered",
    edits: [{
      file: RING,
      find: "if (registration !== null && !registration.usable) return i;",
      replace: "if (registration === undefined) return i;",
    }],
    linux: LINUX,
  },
  {
    name: "descriptors are closed under a wait that goes on",
    edits: [{
      file: POLLER,
      find: `    if (this.#waiting) this.#signal();
    else this.#release();`,
      replace: "    this.#release();",
    }],
    linux: [...LIFETIME, ...LINUX],
  },
  {
    name: "the rest of a send starts over",
    edits: [{
      file: "ffi/linux/stream.ts",
      find: "vectors[at + IOVEC_LENGTH] = length - moved;",
      replace: "vectors[at + IOVEC_LENGTH] = length;",
    }],
    linux: LINUX,
  },
  {
    name: "a datagram that was cut passes for a whole one",
    edits: [{
      file: "ffi/linux/datagram.ts",
      find: "if ((flags & linux.MSG_TRUNC) === 0) ring.complete(0, bytes);",
      replace: "if ((flags & linux.MSG_TRUNC) >= 0) ring.complete(0, bytes);",
    }],
    linux: LINUX,
  },
  {
    name: "a wait is not ended when the first try was interrupted",
    edits: [{
      file: POLLER,
      find: "this.#signalled = this.#write() || this.#write();",
      replace: "this.#signalled = this.#write();",
    }],
    linux: ["tests/faults/linux_regressions_test.ts"],
  },
];
