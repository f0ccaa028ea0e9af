/**
 * Deliberate faults, each a replacement of text in the package, and the tests
 * that have to notice.
 *
 * @module
 */

/** One deliberate fault. */
export interface Mutant {
  /** What goes wrong. */
  readonly name: string;
  /** The file, from the top of the project. */
  readonly file: string;
  /** The text that is replaced; there must be exactly one. */
  readonly find: string;
  /** What stands in its place. */
  readonly replace: string;
  /** The test files that are run, in this order. */
  readonly tests: readonly string[];
}

const LIFETIME = [
  "tests/session/lifetime_test.ts",
  "tests/session/buffer_test.ts",
  "tests/model/",
];
const QUEUE = [
  "tests/session/dequeue_test.ts",
  "tests/session/teardown_test.ts",
  "tests/session/notify_test.ts",
  "tests/session/capacity_test.ts",
];
const WINSOCK = [
  "tests/winsock/call_test.ts",
  "tests/winsock/errors_test.ts",
  "tests/winsock/waits_test.ts",
  "tests/winsock/connections_test.ts",
  "tests/winsock/leftovers_test.ts",
  "tests/winsock/operations_test.ts",
];
const LINUX = [
  "tests/linux/backend_test.ts",
  "tests/model/",
  "tests/contract/linux_test.ts",
];

const LEDGER = "ffi/session/ledger.ts";
const REQUESTS = "ffi/session/requests.ts";
const SESSION = "ffi/session/session.ts";
const RIO_CALLS = "ffi/winsock/rio_calls.ts";

/** The faults, from the session down to the systems. */
export const mutants: readonly Mutant[] = [
  {
    name: "a buffer is deregistered while requests use it",
    file: LEDGER,
    find: "if (record.inFlight > 0 || !this.buffers.delete(record)) return;",
    replace: "if (!this.buffers.delete(record)) return;",
    tests: LIFETIME,
  },
  {
    name: "a registration is not remembered: its memory is not kept",
    file: LEDGER,
    find: "this.buffers.add(record);",
    replace: "",
    tests: LIFETIME,
  },
  {
    name: "a buffer is not deregistered with its last completion",
    file: REQUESTS,
    find: "if (--buffer.inFlight === 0 && buffer.closing) {",
    replace: "if (--buffer.inFlight < 0 && buffer.closing) {",
    tests: LIFETIME,
  },
  {
    name: "teardown: buffers go before their sockets are drained",
    file: SESSION,
    find:
      "this.#core.drain(() => this.#core.ledger.outstanding === 0, DISPOSE_MS);",
    replace: "",
    tests: LIFETIME,
  },
  {
    name: "teardown: sockets are closed last",
    file: SESSION,
    find: `    ledger.closeSockets();
    waiter.cancelAll();`,
    replace: `    ledger.closed = true;
    waiter.cancelAll();`,
    tests: LIFETIME,
  },
  {
    name: "teardown: a queue is closed under its sockets",
    file: LEDGER,
    find: "if (record.sockets > 0 || record.closed) return;",
    replace: "if (record.closed) return;",
    tests: LIFETIME,
  },
  {
    name: "teardown: the library goes while requests are outstanding",
    file: LEDGER,
    find: "this.backend.close(!drained);",
    replace: "this.backend.close(false);",
    tests: ["tests/session/abandoned_test.ts"],
  },
  {
    name: "teardown: what was given up is not counted",
    file: LEDGER,
    find: "this.abandoned += this.buffers.size;",
    replace: "",
    tests: ["tests/session/abandoned_test.ts"],
  },
  {
    name: "a queue's count of sockets is not decremented",
    file: LEDGER,
    find: "    sendQueue.sockets--;\n",
    replace: "",
    tests: LIFETIME,
  },
  {
    name: "a closed socket's entries stay reserved",
    file: LEDGER,
    find: "    sendQueue.reserved -= record.sends;\n",
    replace: "",
    tests: [...QUEUE, ...LIFETIME],
  },
  {
    name: "a request's buffer is not counted as in use",
    file: REQUESTS,
    find: "if (request.buffer !== null) request.buffer.inFlight++;",
    replace: "",
    tests: LIFETIME,
  },
  {
    name: "a request's further slices are not counted as in use",
    file: REQUESTS,
    find: "if (buffer !== null) buffer.inFlight++;",
    replace: "",
    tests: LIFETIME,
  },
  {
    name: "a count of outstanding sends is not decremented",
    file: REQUESTS,
    find: "if (request.isSend) record.outstandingSends--;",
    replace: "if (request.isSend) record.outstandingSends -= 0;",
    tests: LIFETIME,
  },
  {
    name: "completions are lost when their queue closes with the last one",
    file: "ffi/session/queue.ts",
    find: "if (taken.length > 0 && this.closed) return taken;",
    replace: "",
    tests: QUEUE,
  },
  {
    name: "completions are lost when a visitor throws",
    file: "ffi/session/queue.ts",
    find: "if (seen < count) this.#putBack(results, seen, count);",
    replace: "",
    tests: QUEUE,
  },
  {
    name: "a wait that has fired is forgotten by a second notify()",
    file: "ffi/session/queue.ts",
    find:
      'if (waiter.isWaiting(this.#key)) check(WSAEALREADY, "RIONotify", attempt);',
    replace: "",
    tests: ["tests/model/regressions_test.ts"],
  },
  {
    name: "whoever waits is not told that the queue was closed",
    file: "ffi/session/waiter.ts",
    find: "this.#take(key)?.resolve(false);",
    replace: "this.#take(key);",
    tests: [...QUEUE, ...LIFETIME],
  },
  {
    name: "requests can be posted with a buffer that was deregistered",
    file: "ffi/session/post.ts",
    find: "if (buffer.closing) {",
    replace: "if (buffer.closing && slice.length < 0) {",
    tests: ["tests/session/closed_test.ts", ...LIFETIME],
  },
  {
    name: "a destination is not asked for",
    file: "ffi/session/post.ts",
    find: "if (isSend && !core.permissions.everything) {",
    replace: "if (isSend && core.permissions.everything === null) {",
    tests: ["tests/session/permissions_test.ts"],
  },
  {
    name: "the address of memory leaves out where its part begins",
    file: "ffi/memory.ts",
    find: "Deno.UnsafePointer.value(base) + BigInt(bytes.byteOffset)",
    replace: "Deno.UnsafePointer.value(base)",
    tests: ["tests/unit/memory_test.ts"],
  },
  {
    name: "the invalid buffer id is taken to be -1",
    file: RIO_CALLS,
    find: "if (id === RIO_INVALID_BUFFERID || id === 0)",
    replace: "if (id === -1 || id === 0)",
    tests: WINSOCK,
  },
  {
    name: "the error of RIONotify is read from the last error",
    file: RIO_CALLS,
    find: "return RIONotify.int32;",
    replace: "return RIONotify.int32 === 0 ? 0 : this.#error();",
    tests: WINSOCK,
  },
  {
    name: "a corrupt queue is taken to be a negative count",
    file: RIO_CALLS,
    find: "return RIODequeueCompletion.uint32;",
    replace: "return RIODequeueCompletion.int32;",
    tests: WINSOCK,
  },
  {
    name: "a pending request is taken to be refused",
    file: RIO_CALLS,
    find: "return error === WSA_IO_PENDING ? 0 : error;",
    replace: "return error;",
    tests: WINSOCK,
  },
  {
    name: "a frame keeps the results of an earlier dequeue",
    file: RIO_CALLS,
    find: "if (results !== this.#results) {",
    replace: "if (this.#results === null) {",
    tests: [...WINSOCK, ...QUEUE],
  },
  {
    name: "a frame keeps the offset of an earlier slice",
    file: RIO_CALLS,
    find: "words[at + 2] = slice.offset;",
    replace: "words[at + 2] ||= slice.offset;",
    tests: [...WINSOCK, ...LIFETIME],
  },
  {
    name: "a request queue is touched after its socket was closed",
    file: RIO_CALLS,
    find: "    this.#live.delete(requestQueue);\n",
    replace: "",
    tests: WINSOCK,
  },
  {
    name: "the request queue used last is touched after its socket was closed",
    file: RIO_CALLS,
    find:
      "    this.#live.delete(requestQueue);\n    this.#recent = RIO_INVALID_RQ;",
    replace: "    this.#live.delete(requestQueue);",
    tests: WINSOCK,
  },
  {
    name: "arguments are cut to 32 bits",
    file: "ffi/winsock/call.ts",
    find: "this.#words[at + HIGH] = highWord(value);",
    replace: "this.#words[at + HIGH] = 0;",
    tests: WINSOCK,
  },
  {
    name: "a slot of an overlapped call is free while the call goes on",
    file: "ffi/winsock/operations.ts",
    find: "    if (operation.arrived) this.#free.push(operation.slot);",
    replace: "    this.#free.push(operation.slot);",
    tests: WINSOCK,
  },
  {
    name: "handles are closed under a wait that goes on",
    file: "ffi/winsock/waiter.ts",
    find: `finished === null || this.#portCall === "pending" ||
      this.#eventCall === "pending"`,
    replace: "finished === null",
    tests: WINSOCK,
  },
  {
    name: "Winsock is not given up",
    file: "ffi/winsock/backend.ts",
    find: "this.#waiter.close(() => this.#symbols.WSACleanup());",
    replace: "this.#waiter.close(() => {});",
    tests: WINSOCK,
  },
  {
    name: "a result is queued one place too far",
    file: "ffi/linux/completion_queue.ts",
    find: "const slot = (this.#head + this.count) & this.#mask;",
    replace: "const slot = (this.#head + this.count + 1) & this.#mask;",
    tests: LINUX,
  },
  {
    name: "a batch goes past the end of the ring",
    file: "ffi/linux/ring.ts",
    find: "Math.min(this.pending, BATCH, this.capacity - slot)",
    replace: "Math.min(this.pending, BATCH)",
    tests: LINUX,
  },
  {
    name: "requests move to the wrong place when a ring grows",
    file: "ffi/linux/ring.ts",
    find: "const from = i & old.mask;",
    replace: "const from = (i + 1) & old.mask;",
    tests: LINUX,
  },
  {
    name: "deferred requests do not end when their socket is closed",
    file: "ffi/linux/ring.ts",
    find: "while (this.head !== this.tail) this.complete(status, 0);",
    replace: "while (this.head !== this.committed) this.complete(status, 0);",
    tests: LINUX,
  },
  {
    name: "the kernel writes to memory that was deregistered",
    file: "ffi/linux/ring.ts",
    find: "if (registration !== null && !registration.usable) return i;",
    replace: "if (registration === undefined) return i;",
    tests: LINUX,
  },
  {
    name: "descriptors are closed under a wait that goes on",
    file: "ffi/linux/poller.ts",
    find: `    if (this.#waiting) this.#signal();
    else this.#release();`,
    replace: "    this.#release();",
    tests: [...LIFETIME, ...LINUX],
  },
  {
    name: "the rest of a send starts over",
    file: "ffi/linux/stream.ts",
    find: "vectors[at + IOVEC_LENGTH] = length - moved;",
    replace: "vectors[at + IOVEC_LENGTH] = length;",
    tests: LINUX,
  },
  {
    name: "a datagram that was cut passes for a whole one",
    file: "ffi/linux/datagram.ts",
    find: "if ((flags & linux.MSG_TRUNC) === 0) ring.complete(0, bytes);",
    replace: "if ((flags & linux.MSG_TRUNC) >= 0) ring.complete(0, bytes);",
    tests: LINUX,
  },
  {
    name: "a wait is not ended when the first try was interrupted",
    file: "ffi/linux/poller.ts",
    find: "this.#signalled = this.#write() || this.#write();",
    replace: "this.#signalled = this.#write();",
    tests: ["tests/faults/linux_regressions_test.ts"],
  },
  {
    name: "nothing is looked at after the sleep of a wait",
    file: "ffi/arrival.ts",
    find: `    await sleep();
    look();`,
    replace: "    await sleep();",
    tests: ["tests/unit/arrival_test.ts"],
  },
  {
    name: "the system directory is taken for known",
    file: "ffi/winsock/library.ts",
    find: "if (length === 0 || length > text.length) {",
    replace: "if (length > text.length) {",
    tests: ["tests/security/library_test.ts"],
  },
];
