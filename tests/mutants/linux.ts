/**
 * Deliberate faults in the Linux backend.
 *
 * @module
 */
import { LIFETIME, LINUX, type Mutant } from "./mutant.ts";

const RING = "ffi/linux/ring.ts";
const POLL = "ffi/linux/poll.ts";
const REACTOR = "ffi/linux/reactor.ts";
const THREAD = "ffi/linux/pool_thread.ts";

/** Tests of sleeps. */
const SLEEPS = ["sleep", "closed_outside", "ways"]
  .map((name) => `tests/linux/${name}_test.ts`);

const STREAM = "ffi/linux/uring/stream.ts";
const THREAD_END = ["tests/linux/thread_end_test.ts"];
const REQUESTS = "ffi/linux/uring/requests.ts";
const REQUESTS_TESTS = [
  "tests/linux/uring_requests_test.ts",
  "tests/linux/uring_sessions_test.ts",
];
const URING = ["tests/linux/uring_test.ts", "tests/linux/uring_ring_test.ts"];

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
      file: THREAD,
      find: "if (this.#call === null) return done();",
      replace: "if (this.#call !== undefined) return done();",
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
      file: THREAD,
      find: " || signal(library, this.#second);",
      replace: ";",
    }],
    linux: ["tests/faults/linux_regressions_test.ts"],
  },
  {
    name: "a process ends before a wait that was woken",
    edits: [{
      file: THREAD,
      find: "if (this.#signalled) setCallReferenced(this.#call, true);",
      replace: "",
    }],
    linux: SLEEPS,
  },
  {
    name: "the signals of others are not read",
    edits: [{
      file: THREAD,
      find: "(this.#signalled || (told & POLLIN) !== 0) &&",
      replace: "this.#signalled &&",
    }],
    linux: SLEEPS,
  },
  {
    name: "a descriptor that cannot be read passes for a signal",
    edits: [{
      file: REACTOR,
      find: "listener.told(read);",
      replace: "listener.told(read || true);",
    }],
    linux: SLEEPS,
  },
  {
    name: "a second sleeper is opened while the class behind pipes is loaded",
    edits: [{
      file: POLL,
      find:
        `if (this.#sleeper === null && this.#way !== "thread") loadReactor();
    if (this.#closed) return this.#sleeper;
    return this.#sleeper ??= openSleeper`,
      replace: `if (this.#sleeper !== null) return this.#sleeper;
    if (this.#way !== "thread") loadReactor();
    if (this.#closed) return this.#sleeper;
    return this.#sleeper = openSleeper`,
    }],
    linux: SLEEPS,
  },
  {
    name: "a wait sleeps although it was ended while its sleeper was opened",
    edits: [{
      file: POLL,
      find: "sleeper !== null && !this.#isOver",
      replace: "sleeper !== null",
    }],
    linux: SLEEPS,
  },
  {
    name: "a sleeper that gives up after the end is replaced",
    edits: [{
      file: POLL,
      find: "if (!works && !this.#closed) this.#replaceSleeper();",
      replace: "if (!works) this.#replaceSleeper();",
    }],
    linux: SLEEPS,
  },
  {
    name: "a wait that is woken before it sleeps does not look",
    edits: [{
      file: POLL,
      find: "!soon && !this.#woken && this.#isWanted()",
      replace: "!soon && this.#isWanted()",
    }],
    linux: ["tests/contract/linux_test.ts"],
  },
  {
    name: "a wait that has ended keeps the process alive",
    edits: [{
      file: POLL,
      find: "this.#sleeper?.rest();",
      replace: "",
    }],
    linux: ["tests/session/exit_test.ts"],
  },
  {
    name: "an event loop that never calls back is asked for ever",
    edits: [{
      file: REACTOR,
      find: "proven ??= false;",
      replace: "proven ??= true;",
    }],
    linux: SLEEPS,
  },
  {
    name: "a receive that was not submitted outlives its descriptor",
    edits: [{ file: STREAM, find: "    uring.submit();\n", replace: "" }],
    linux: URING,
  },
  {
    name: "a receive stays in the ring when its socket is closed",
    edits: [{
      file: STREAM,
      find: "uring.cancel(this.#index, this.#bulk ? ARRIVAL : RECEIVE);",
      replace: "",
    }],
    linux: URING,
  },
  {
    name: "a request that was not submitted outlives its descriptor",
    edits: [{ file: REQUESTS, find: "    this.submit();\n", replace: "" }],
    linux: REQUESTS_TESTS,
  },
  {
    name: "a request stays in the ring when its socket is closed",
    edits: [{
      file: REQUESTS,
      find: "this.#uring.cancel(this.#index, this.#kind);",
      replace: "",
    }],
    linux: REQUESTS_TESTS,
  },
  {
    name: "a request ends while the kernel may write to its memory",
    edits: [{
      file: REQUESTS,
      find: "if (!this.isOut) return this.#end();\n    this.#uring",
      replace:
        "if (!this.isOut) return this.#end();\n    this.#direction.end();\n    this.#uring",
    }],
    linux: [...REQUESTS_TESTS, "tests/exhaustive/exhaustive_test.ts"],
  },
  {
    name: "the memory of a request in the ring is not kept",
    edits: [{
      file: REQUESTS,
      find: "this.#memory = registration!.view;",
      replace: "",
    }],
    linux: REQUESTS_TESTS,
  },
  {
    name: "what the kernel had received before a close is not told",
    edits: [{
      file: REQUESTS,
      find: "if (result !== -ECANCELED) direction.landed(kind, result);",
      replace: "",
    }],
    linux: REQUESTS_TESTS,
  },
  {
    name: "sends that were posted before sending ends are lost",
    edits: [{
      file: "ffi/linux/sockets.ts",
      find: "found.user?.flush?.();",
      replace: "{}",
    }],
    linux: REQUESTS_TESTS,
  },
  {
    name: "a session with requests in the ring outlives its program",
    edits: [{
      file: "ffi/session/teardown.ts",
      find: "if (!ledger.backend.capabilities.overlapped) return;",
      replace: "if (ledger.backend.direct !== null) return;",
    }],
    linux: REQUESTS_TESTS,
  },
  {
    name: "the ring is closed before those who have requests in it",
    edits: [{
      file: "ffi/unload.ts",
      find: "if (first) calls.unshift(call);",
      replace: "if (first) calls.push(call);",
    }],
    linux: ["tests/unit/unload_test.ts"],
  },
  {
    name: "a buffer is given back before all of it was read",
    edits: [{
      file: STREAM,
      find: "if (this.#start === this.#end) this.#giveBack();",
      replace: "this.#giveBack();",
    }],
    linux: URING,
  },
  {
    name: "an index is another's while requests of its owner are in flight",
    edits: [{
      file: STREAM,
      find: "if (!this.#receives && !this.#polls && this.#slot < 0) {",
      replace: "{",
    }],
    linux: URING,
  },
  {
    name: "a stream ends where no buffer is left",
    edits: [{
      file: STREAM,
      find: "  ENOBUFS,\n  ENOMEM,\n]);",
      replace: "]);",
    }],
    linux: URING,
  },
  {
    name: "a ring that does not work is used on and on",
    edits: [{
      file: "ffi/linux/uring/uring.ts",
      find: "if (++this.#failures < FAILURES) {",
      replace: "if (++this.#failures < Infinity) {",
    }],
    linux: URING,
  },
  {
    name: "a descriptor that is closed is closed again when the thread ends",
    edits: [{
      file: "ffi/linux/descriptors.ts",
      find: "    block[0] = NONE;\n    spare.push(block);",
      replace: "    spare.push(block);",
    }],
    linux: THREAD_END,
  },
  {
    name: "a connection stays open when its thread ends",
    edits: [{
      file: "ffi/linux/socket.ts",
      find: "hold(library, fd);",
      replace: "// Not held.",
    }],
    linux: THREAD_END,
  },
  {
    name: "the ring of a worker is mapped, which keeps its sockets open",
    edits: [{
      file: "ffi/linux/uring/ring.ts",
      find: "if (IN_WORKER) this.#giveMemory(params);",
      replace: "",
    }, {
      file: "ffi/linux/uring/ring.ts",
      find: "if (!IN_WORKER) {",
      replace: "{",
    }],
    linux: THREAD_END,
  },
  {
    name: "a sleep on a thread of the pool keeps a worker that ends",
    edits: [{
      file: "ffi/linux/pool_thread.ts",
      find: "const SLEEP_MS = 1000;",
      replace: "const SLEEP_MS = -1;",
    }],
    linux: ["tests/linux/processes_test.ts"],
  },
];
