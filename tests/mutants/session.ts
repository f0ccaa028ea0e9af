/**
 * Deliberate faults in sessions, and in the memory that they hand out.
 *
 * @module
 */
import { LIFETIME, type Mutant, QUEUE } from "./mutant.ts";

const LEDGER = "ffi/session/ledger.ts";
const TEARDOWN = "ffi/session/teardown.ts";
const SESSION = "ffi/session/session.ts";
const RINGS = "ffi/winsock/rings.ts";

/** The faults. */
export const session: readonly Mutant[] = [
  {
    name: "requests go on when the program has ended",
    edits: [{
      file: TEARDOWN,
      find: "for (const ledger of [...busy]) reclaim(ledger);",
      replace: "",
    }],
    linux: ["tests/session/unload_memory_test.ts"],
  },
  {
    name: "nobody dequeues what completes late on a queue that was closed",
    edits: [{
      file: "ffi/session/late_drain.ts",
      find: "this.#queues.add(queue);",
      replace: "",
    }],
    linux: ["tests/net/late_ends_test.ts"],
  },
  {
    name: "a buffer is deregistered while requests use it",
    edits: [{
      file: LEDGER,
      find: "if (record.inFlight > 0 || !this.buffers.delete(record)) return;",
      replace: "if (!this.buffers.delete(record)) return;",
    }],
    linux: LIFETIME,
    windows: true,
  },
  {
    name: "a registration is not remembered: its memory is not kept",
    edits: [{
      file: LEDGER,
      find: "this.buffers.add(record);",
      replace: "",
    }],
    linux: LIFETIME,
  },
  {
    name: "a buffer is not deregistered with its last completion",
    edits: [{
      file: LEDGER,
      find: "if (--buffer.inFlight === 0 && buffer.closing)",
      replace: "if (--buffer.inFlight < 0 && buffer.closing)",
    }],
    linux: LIFETIME,
  },
  {
    name: "teardown: buffers go before their sockets are drained",
    edits: [{
      file: SESSION,
      find: "    drainNow(core, core.ledger, DISPOSE_MS);\n",
      replace: "",
    }],
    linux: LIFETIME,
  },
  {
    name: "teardown: time counts, however seldom anybody has looked",
    edits: [{
      file: "ffi/session/teardown.ts",
      find: "if (looks >= LOOKS && timeNow() >= end) return;",
      replace: "if (looks >= 1 && timeNow() >= end) return;",
    }],
    linux: ["tests/unit/teardown_test.ts"],
  },
  {
    name: "teardown: sockets are closed last",
    edits: [{
      file: SESSION,
      find: `    ledger.closeSockets();
    // After that`,
      replace: `    ledger.closed = true;
    // After that`,
    }],
    linux: LIFETIME,
  },
  {
    name: "teardown: a queue is closed under its sockets",
    edits: [{
      file: LEDGER,
      find: "if (record.users > 0 || record.closed) return;",
      replace: "if (record.closed) return;",
    }],
    linux: LIFETIME,
    windows: true,
  },
  {
    name: "teardown: the library goes while requests are outstanding",
    edits: [{
      file: TEARDOWN,
      find: "ledger.backend.close(!drained);",
      replace: "ledger.backend.close(false);",
    }],
    linux: ["tests/session/abandoned_test.ts"],
  },
  {
    name: "teardown: what was given up is not counted",
    edits: [{
      file: TEARDOWN,
      find: "ledger.abandoned += ledger.buffers.size;",
      replace: "",
    }],
    linux: ["tests/session/abandoned_test.ts"],
  },
  {
    name: "a queue's count of sockets is not decremented",
    edits: [{
      file: LEDGER,
      find: "      queue.users--;\n",
      replace: "",
    }],
    linux: LIFETIME,
  },
  {
    name: "a closed socket's entries stay reserved",
    edits: [{
      file: LEDGER,
      find: "      queue.reserved -= limit;\n",
      replace: "",
    }],
    linux: [...QUEUE, ...LIFETIME],
  },
  {
    name: "a request's buffer is not counted as in use",
    edits: [{
      file: LEDGER,
      find: "if (request.buffer !== null) request.buffer.inFlight++;",
      replace: "",
    }],
    linux: LIFETIME,
  },
  {
    name: "a request's further slices are not counted as in use",
    edits: [{
      file: LEDGER,
      find: "if (buffer !== null) buffer.inFlight++;",
      replace: "",
    }],
    linux: LIFETIME,
  },
  {
    name: "a count of outstanding sends is not decremented",
    edits: [{
      file: LEDGER,
      find: "(isSend ? socket.sends : socket.receives).outstanding--;",
      replace: "if (!isSend) socket.receives.outstanding--;",
    }],
    linux: LIFETIME,
  },
  {
    name: "completions are lost when their queue closes with the last one",
    edits: [{
      file: "ffi/session/queue.ts",
      find:
        "if (taken.length > 0 && this.closed) return taken as RioCompletion[];",
      replace: "",
    }],
    linux: QUEUE,
  },
  {
    name: "completions are lost when a visitor throws",
    edits: [{
      file: "ffi/session/queue.ts",
      find: "if (seen < count) this.#putBack(results, seen, count);",
      replace: "",
    }],
    linux: QUEUE,
  },
  {
    name: "a wait that has fired is forgotten by a second notify()",
    edits: [{
      file: "ffi/session/queue.ts",
      find:
        'if (waiter.isWaiting(key)) check(WSAEALREADY, "RIONotify", attempt);',
      replace: "",
    }],
    linux: ["tests/model/regressions_test.ts"],
  },
  {
    name: "whoever waits is not told that the queue was closed",
    edits: [{
      file: "ffi/session/waiter.ts",
      find: "    pending.wait.ended(false);",
      replace: "",
    }],
    linux: [...QUEUE, ...LIFETIME],
  },
  {
    name: "a session is not told that others need the native wait",
    edits: [{
      file: "ffi/session/waiter.ts",
      find: "    if (this.#idle.length > 0) this.#tellIdle();",
      replace: "",
    }],
    linux: ["tests/session/shared_wait_test.ts"],
  },
  {
    name: "a native wait that nobody needs outlasts its session",
    edits: [{
      file: "ffi/session/waiter.ts",
      find: `return NativePromise.resolve();
    this.#waits.wake();`,
      replace: "return NativePromise.resolve();",
    }],
    linux: ["tests/net/datagram_test.ts"],
  },
  {
    name: "a connection is not told that its session was closed",
    edits: [{
      file: "ffi/net/streams/direct.ts",
      find: "      reader.close();",
      replace: "",
    }],
    linux: ["tests/net/tcp_close_test.ts"],
  },
  {
    name: "a read trusts what a class says of its length",
    edits: [{
      file: "ffi/linux/direct.ts",
      find:
        "const length = lengthOf(into);\n    for (;;) {\n      const got = symbols.recv(",
      replace:
        "const length = into.length;\n    for (;;) {\n      const got = symbols.recv(",
    }],
    linux: ["tests/linux/direct_test.ts"],
  },
  {
    name: "requests can be posted with a buffer that was deregistered",
    edits: [{
      file: "ffi/session/post.ts",
      find: "if (buffer.closing) {",
      replace: "if (buffer.closing && slice.length < 0) {",
    }],
    linux: ["tests/session/closed_test.ts", ...LIFETIME],
  },
  {
    name: "a destination is not asked for",
    edits: [{
      file: "ffi/session/post.ts",
      find:
        "if (isSend && !core.permissions.everything && !isPermitted(options!)) {",
      replace: "if (isSend && isPermitted(options!)) {",
    }],
    linux: ["tests/session/permissions_test.ts"],
  },
  {
    name: "the address of memory leaves out where its part begins",
    edits: [{
      file: "ffi/memory.ts",
      find: "Deno.UnsafePointer.value(base) + BigInt(bytes.byteOffset)",
      replace: "Deno.UnsafePointer.value(base)",
    }],
    linux: ["tests/unit/memory_test.ts"],
  },
  {
    name: "nothing is looked at after the sleep of a wait",
    edits: [{
      file: "ffi/arrival.ts",
      find: `    await sleep();
    look();`,
      replace: "    await sleep();",
    }],
    linux: ["tests/unit/arrival_test.ts"],
  },
  {
    name: "buffers are deregistered before closesocket",
    edits: [{
      file: LEDGER,
      find: "    for (const socket of this.sockets) this.closeSocket(socket);",
      replace: `    for (const buffer of this.buffers) {
      buffer.inFlight = 0;
      this.releaseBuffer(buffer);
    }
    for (const socket of this.sockets) this.closeSocket(socket);`,
    }],
    windows: true,
  },
  {
    name: "a buffer is deregistered twice",
    edits: [{
      file: LEDGER,
      find: "    this.backend.rings.deregisterBuffer(record.id);",
      replace: `    this.backend.rings.deregisterBuffer(record.id);
    this.backend.rings.deregisterBuffer(record.id);`,
    }],
    windows: true,
  },
  {
    name: "nothing is drained before the rest is released",
    edits: [{
      file: SESSION,
      find: "    drainNow(core, core.ledger, DISPOSE_MS);\n",
      replace: "    core.ledger.completed = core.ledger.posted;\n",
    }],
    windows: true,
  },
  {
    name: "an event is closed before its queue",
    edits: [{
      file: LEDGER,
      find: `    this.backend.rings.closeCompletionQueue(handle);
    if (key !== 0) this.backend.waits.closeNotification(key);`,
      replace: `    if (key !== 0) this.backend.waits.closeNotification(key);
    this.backend.rings.closeCompletionQueue(handle);`,
    }],
    windows: true,
  },
  {
    name: "WSACleanup comes before RIODeregisterBuffer",
    edits: [{
      file: TEARDOWN,
      find: "  const drained = ledger.outstanding === 0;\n",
      replace: `  const drained = ledger.outstanding === 0;
  ledger.backend.close(!drained);
`,
    }],
    windows: true,
  },
  {
    name: "WSACleanup is left out",
    edits: [{
      file: TEARDOWN,
      find: "ledger.backend.close(!drained);",
      replace: "ledger.backend.close(true);",
    }],
    windows: true,
  },
  {
    name: "closesocket is left out",
    edits: [{
      file: LEDGER,
      find: "const errno = this.backend.sockets.close(record.handle);",
      replace: "const errno = 0;",
    }],
    windows: true,
  },
  {
    name: "requests are posted after closesocket",
    edits: [{
      file: "ffi/session/post.ts",
      find: "  if (!record.closed && !queue?.closing) return;\n",
      replace: "  if (!record.closed || !queue?.closing) return;\n",
    }, {
      file: RINGS,
      find: "    this.#live.delete(requestQueue);\n",
      replace: "",
    }],
    windows: true,
  },
  {
    name: "RIODeregisterBuffer is left out",
    edits: [{
      file: LEDGER,
      find: "    this.backend.rings.deregisterBuffer(record.id);\n",
      replace: "",
    }],
    windows: true,
  },
  {
    name: "a wait that cannot be let go is woken before it can look",
    edits: [{
      file: "ffi/session/waiter.ts",
      find: `    this.#wait();
    // Not before: a wait that was woken in advance does not look.
    this.#waits.wake();`,
      replace: `    this.#waits.wake();
    this.#wait();`,
    }],
    linux: ["tests/net/unreferenced_test.ts"],
  },
];
