/**
 * Deliberate faults in the Winsock backend.
 *
 * @module
 */
import { LIFETIME, type Mutant, QUEUE, WINSOCK } from "./mutant.ts";

const RINGS = "ffi/winsock/rings.ts";
const SHARED = "ffi/winsock/shared.ts";
const WAITS = "ffi/winsock/waits.ts";

/** The faults. */
export const winsock: readonly Mutant[] = [
  {
    name: "a queue is told of whose event could not be reset",
    edits: [{
      file: WAITS,
      find: "if (this.#symbols.ResetEvent(event) !== 0) this.#found.push(key);",
      replace: "this.#symbols.ResetEvent(event);\n      this.#found.push(key);",
    }],
    linux: ["tests/winsock/waits_test.ts"],
  },
  {
    name: "an accept whose number was lost is taken to have failed",
    edits: [{
      file: "ffi/winsock/connections.ts",
      find: "if (symbols.CancelIoEx(handle, overlapped) !== 0) return true;",
      replace:
        "if (symbols.CancelIoEx(handle, overlapped) !== 0) return false;",
    }],
    linux: ["tests/winsock/lost_errors_test.ts"],
  },
  {
    name: "an accept that has ended by itself is taken to have failed",
    edits: [{
      file: "ffi/winsock/operations.ts",
      find: "return statusOf(slot)[0] !== PENDING;",
      replace: "return false;",
    }],
    linux: ["tests/winsock/lost_errors_test.ts"],
  },
  {
    name: "DispCallFunc is used without a proof",
    edits: [{
      file: "ffi/winsock/proof.ts",
      find: "call !== null && callsWell(symbols, call) ? call : null;",
      replace: "call;",
    }],
    linux: WINSOCK,
  },
  {
    name: "what a closed socket still holds is not waited for",
    edits: [{
      file: "ffi/winsock/settling.ts",
      find: "if (result !== -transient) break;",
      replace: "break;",
    }],
    linux: WINSOCK,
  },
  {
    name: "the invalid buffer id is taken to be -1",
    edits: [{
      file: RINGS,
      find: "return this.#handle(call, RIO_INVALID_BUFFERID);",
      replace: "return this.#handle(call, -1);",
    }],
    linux: WINSOCK,
  },
  {
    name: "the error of RIONotify is read from the last error",
    edits: [{
      file: RINGS,
      find: "return RIONotify.int32;",
      replace: "return RIONotify.int32 === 0 ? 0 : this.#error();",
    }],
    linux: WINSOCK,
  },
  {
    name: "a corrupt queue is taken to be a negative count",
    edits: [{
      file: RINGS,
      find: "const count = RIODequeueCompletion.uint32;",
      replace: "const count = RIODequeueCompletion.int32;",
    }],
    linux: WINSOCK,
  },
  {
    name: "a pending request is taken to be refused",
    edits: [{
      file: RINGS,
      find: "return error === WSA_IO_PENDING ? 0 : error;",
      replace: "return error;",
    }],
    linux: WINSOCK,
  },
  {
    name: "a frame keeps the results of an earlier dequeue",
    edits: [{
      file: RINGS,
      find: "if (results !== this.#results) {",
      replace: "if (this.#results === null) {",
    }],
    linux: [...WINSOCK, ...QUEUE],
  },
  {
    name: "a frame keeps the offset of an earlier slice",
    edits: [{
      file: RINGS,
      find: "words[at + 2] = slice.offset;",
      replace: "words[at + 2] ||= slice.offset;",
    }],
    linux: [...WINSOCK, ...LIFETIME],
  },
  {
    name: "a request queue is touched after its socket was closed",
    edits: [{
      file: RINGS,
      find: "    this.#live.delete(requestQueue);\n",
      replace: "",
    }],
    linux: WINSOCK,
  },
  {
    name: "the request queue used last is touched after its socket was closed",
    edits: [{
      file: RINGS,
      find: `    this.#live.delete(requestQueue);
    this.#recent = RIO_INVALID_RQ;`,
      replace: "    this.#live.delete(requestQueue);",
    }],
    linux: WINSOCK,
  },
  {
    name: "arguments are cut to 32 bits",
    edits: [{
      file: "ffi/winsock/call.ts",
      find: "this.#words[at + HIGH] = highWord(value);",
      replace: "this.#words[at + HIGH] = 0;",
    }],
    linux: WINSOCK,
  },
  {
    name: "a slot of an overlapped call is free while the call goes on",
    edits: [{
      file: "ffi/winsock/operations.ts",
      find: "    if (operation.arrived) this.#free.push(operation.slot);",
      replace: "    this.#free.push(operation.slot);",
    }],
    linux: WINSOCK,
  },
  {
    name: "handles are closed under a wait that goes on",
    edits: [{
      file: WAITS,
      find:
        "if (this.#closing === null || this.#portCall || this.#eventsCall) return;",
      replace: "if (this.#closing === null) return;",
    }],
    linux: WINSOCK,
  },
  {
    name: "Winsock is not given up",
    edits: [{
      file: SHARED,
      find: "if (!kept) this.symbols.WSACleanup();",
      replace: "",
    }],
    linux: WINSOCK,
  },
  {
    name: "the first backend that closes ends the wait of all",
    edits: [{
      file: SHARED,
      find: "if (--this.#users > 0) return NativePromise.resolve();",
      replace: "--this.#users;",
    }],
    linux: WINSOCK,
  },
  {
    name: "Winsock is given up although requests go on",
    edits: [{
      file: SHARED,
      find: "    if (keepNative) this.waits.keep();\n",
      replace: "",
    }],
    linux: WINSOCK,
  },
  {
    name: "closing a queue ends a wait for others",
    edits: [{
      file: WAITS,
      find: "  #returned(): void {\n    this.#goOn();",
      replace: "  #returned(): void {\n    this.#settle();",
    }],
    linux: WINSOCK,
  },
  {
    name: "a queue that was closed keeps its memory while others wait",
    edits: [{
      file: WAITS,
      find: "if (slot !== undefined) this.operations.give(slot);",
      replace: "",
    }],
    linux: WINSOCK,
  },
  {
    name: "the system directory is taken for known",
    edits: [{
      file: "ffi/winsock/library.ts",
      find: "if (length === 0 || length > text.length) {",
      replace: "if (length > text.length) {",
    }],
    linux: ["tests/security/library_test.ts"],
  },
  {
    name: "the port and the events are left open",
    edits: [{
      file: WAITS,
      find: "      if (handle !== 0n) this.#symbols.CloseHandle(handle);",
      replace: "      if (handle === 1n) this.#symbols.CloseHandle(handle);",
    }],
    windows: true,
  },
  {
    name: "an event that is made between two waits is not waited for",
    edits: [{
      file: WAITS,
      find: "    if (this.#eventsCall) this.#wakeEvents();\n",
      replace: "",
    }],
    linux: WINSOCK,
  },
  {
    name: "what a native call has found between two waits is lost",
    edits: [{
      file: WAITS,
      find: "this.#found.splice(0);",
      replace: "this.#found.splice(1);",
    }],
    linux: WINSOCK,
  },
  {
    name: "a function that is missing passes for found",
    edits: [{
      file: "ffi/winsock/open.ts",
      find: "!(table instanceof Error) && table[name] !== 0n",
      replace: "!(table instanceof Error)",
    }],
    linux: WINSOCK,
  },
  {
    name: "a socket whose provider has other functions passes for verified",
    edits: [{
      file: "ffi/winsock/sockets.ts",
      find: "    if (same) this.#verified.add(kind);\n",
      replace: "    this.#verified.add(kind);\n",
    }],
    linux: WINSOCK,
  },
];
