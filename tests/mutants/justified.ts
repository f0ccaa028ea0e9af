/**
 * Mutants by rule that change nothing anybody could notice, each with why.
 *
 * @module
 */
import type { Change } from "./rules.ts";

/** A mutant that is let live. */
export interface Justified {
  readonly file: string;
  readonly rule: string;
  /** The line that it changes. */
  readonly before: string;
  /** Why no test can notice it, or need not. */
  readonly why: string;
}

/** The mutants that are let live. */
export const justified: readonly Justified[] = [
  {
    file: "ffi/dgram/sends.ts",
    rule: "goes on",
    before: "if (this.#scheduled) return;",
    why: "Whoever looks twice finds nothing left to send.",
  },
  {
    file: "ffi/linux/completion_queue.ts",
    rule: "not done",
    before: "this.#active.length = this.#ready = 0;",
    why: "It lets go of receivers that no longer run: they have no place.",
  },
  {
    file: "ffi/linux/descriptors.ts",
    rule: "not done",
    before: "listens = true;",
    why: "A second look at the unload finds nothing left to close.",
  },
  {
    file: "ffi/linux/segments.ts",
    rule: "goes on",
    before:
      "if (messages.field(slot, MSGHDR.controlLength) === 0) return false;",
    why: "It spares a look at messages where there are none.",
  },
  {
    file: "ffi/session/buffer.ts",
    rule: "goes on",
    before: "if (this.#record.closing) return;",
    why: "Whoever gives a buffer up again finds nothing left to do.",
  },
  {
    file: "ffi/session/ledger.ts",
    rule: "< is <=",
    before: "if (handle < 0 && key !== 0) waits.closeNotification(key);",
    why: "No handle is 0.",
  },
  {
    file: "ffi/session/own_address.ts",
    rule: "< is <=",
    before: "if (socket < 0) return false;",
    why: "No handle is 0.",
  },
  {
    file: "ffi/session/ledger.ts",
    rule: "goes on",
    before: "if (!this.extended) return;",
    why: "It spares a loop over slices that are null already.",
  },
  {
    file: "ffi/session/ledger.ts",
    rule: "not done",
    before: "if (count > 0) auditor?.(this);",
    why: "Only tests listen, and they are told of the next change.",
  },
  {
    file: "ffi/session/ledger.ts",
    rule: "not done",
    before: "auditor?.(this);",
    why: "Only tests listen, and they are told of the next change.",
  },
  {
    file: "ffi/linux/completion_queue.ts",
    rule: "goes on",
    before: "if (other === entry) return;",
    why: "To swap a receiver with itself changes nothing.",
  },
  {
    file: "ffi/linux/epoll.ts",
    rule: "< is <=",
    before: 'if (fd < 0) throw unavailable("epoll_create1", this.library);',
    why: "Descriptor 0 is the standard input.",
  },
  {
    file: "ffi/linux/pool_thread.ts",
    rule: ">= is >",
    before: "if (this.#second >= 0) hold(library, this.#second);",
    why: "Descriptor 0 is the standard input.",
  },
  {
    file: "ffi/linux/reactor.ts",
    rule: "< is <=",
    before: "const handle = fd < 0 ? null : watch(Pipe, fd, listener);",
    why: "Descriptor 0 is the standard input.",
  },
  {
    file: "ffi/linux/reactor.ts",
    rule: ">= is >",
    before: "if (fd >= 0) library.symbols.close(fd);",
    why: "Descriptor 0 is the standard input.",
  },
  {
    file: "ffi/winsock/thread_end.ts",
    rule: "not done",
    before: "listens = true;",
    why: "A second look at the unload finds nothing left to close.",
  },
  {
    file: "ffi/winsock/waits.ts",
    rule: ">= is >",
    before:
      "index >= WAIT_OBJECT_0 + MAXIMUM_WAIT_OBJECTS && index !== WAIT_TIMEOUT",
    why: "The objects of a wait are counted from 0, and the last one is 63.",
  },
];

/** Whether a mutant is let live. */
export function isJustified(file: string, change: Change): boolean {
  return justified.some((one) =>
    one.file === file && one.rule === change.rule &&
    one.before === change.before
  );
}
