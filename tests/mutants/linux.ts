/**
 * Deliberate faults in the Linux backend.
 *
 * @module
 */
import { LIFETIME, LINUX, type Mutant } from "./mutant.ts";

const RING = "ffi/linux/ring.ts";
const POLL = "ffi/linux/poll.ts";

/** The faults. */
export const linux: readonly Mutant[] = [
  {
    name: "a result is queued one place too far",
    edits: [{
      file: "ffi/linux/result_queue.ts",
      find: "const slot = (this.#head + this.count++) & this.#mask;",
      replace: "const slot = (this.#head + ++this.count) & this.#mask;",
    }],
    linux: LINUX,
  },
  {
    name: "a batch goes past the end of the ring",
    edits: [{
      file: RING,
      find: "Math.min(this.pending, BATCH, messages.capacity - slot)",
      replace: "Math.min(this.pending, BATCH)",
    }],
    linux: LINUX,
  },
  {
    name: "requests move to the wrong place when a ring grows",
    edits: [{
      file: RING,
      find: "const from = before!.slot(i);",
      replace: "const from = before!.slot(i + 1);",
    }],
    linux: LINUX,
  },
  {
    name: "deferred requests do not end when their socket is closed",
    edits: [{
      file: RING,
      find: "while (this.#head !== this.#tail) {",
      replace: "while (this.#head !== this.#committed) {",
    }],
    linux: LINUX,
  },
  {
    name: "the kernel writes to memory that was deregistered",
    edits: [{
      file: RING,
      find: "if (!this.request(slot + i).usable) return i;",
      replace: "if (this.request(slot + i) === undefined) return i;",
    }],
    linux: LINUX,
  },
  {
    name: "descriptors are closed under a wait that goes on",
    edits: [{
      file: POLL,
      find: `    if (this.#waiting) this.#signal();
    else this.#closeAll();`,
      replace: "    this.#closeAll();",
    }],
    linux: [...LIFETIME, ...LINUX],
  },
  {
    name: "the rest of a send starts over",
    edits: [{
      file: "ffi/linux/messages.ts",
      find: "writePointer(words, at + IOVEC.base, base + bytes);",
      replace: "writePointer(words, at + IOVEC.base, base);",
    }],
    linux: LINUX,
  },
  {
    name: "a datagram that was cut passes for a whole one",
    edits: [{
      file: "ffi/linux/datagram.ts",
      find: "if ((flags & linux.MSG_TRUNC) === 0) {",
      replace: "if ((flags & linux.MSG_TRUNC) >= 0) {",
    }],
    linux: LINUX,
  },
  {
    name: "a wait is not ended when the first try was interrupted",
    edits: [{
      file: POLL,
      find: "this.#signalled = this.#write() || this.#write();",
      replace: "this.#signalled = this.#write();",
    }],
    linux: ["tests/faults/linux_regressions_test.ts"],
  },
];
