/**
 * Deliberate faults in the sockets of node:dgram's shape.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

const STATEMENTS = ["tests/dgram/statements_test.ts"];
const OWN = ["tests/dgram/own_test.ts"];

/** The faults. */
export const dgram: readonly Mutant[] = [
  {
    name: "dgram: what a listener throws ends the receiving",
    edits: [{
      file: "ffi/dgram/events.ts",
      find: "reportError(error);",
      replace: "throw error;",
    }],
    linux: STATEMENTS,
  },
  {
    name: "dgram: a message views the memory of the next one",
    edits: [{
      file: "ffi/dgram/receives.ts",
      find: ": Buffer.from(data);",
      replace: ": Buffer.from(buffer, data.byteOffset, data.length);",
    }],
    linux: STATEMENTS,
  },
  {
    name: "dgram: a closed socket tells the rest of what has arrived",
    edits: [{
      file: "ffi/dgram/receives.ts",
      find: "    if (receiver.isClosed()) return;\n    guarded",
      replace: "    guarded",
    }],
    linux: STATEMENTS,
  },
  {
    name: "dgram: datagrams of one turn leave one by one",
    edits: [{
      file: "ffi/dgram/sends.ts",
      find: "while (end < all.length && told",
      replace: "while (end < 1 && told",
    }],
    linux: OWN,
  },
  {
    name: "dgram: an error of one datagram ends what is sent after it",
    edits: [{
      file: "ffi/dgram/sends.ts",
      find: "if (systemCode(error) === undefined) this.#failed(error);",
      replace:
        "if (systemCode(error) === undefined) this.#failed(error);\nbreak;",
    }],
    linux: STATEMENTS,
  },
  {
    name: "dgram: what a connected socket has sent is lost by close()",
    edits: [{
      file: "ffi/dgram/sends.ts",
      find: "    this.flush();\n    this.#closed = true;",
      replace: "    this.#closed = true;",
    }],
    linux: STATEMENTS,
  },
  {
    name: "dgram: nobody is told that the peer does not listen",
    edits: [{
      file: "ffi/dgram/open_conn.ts",
      find: 'reportUnreachable: "refused",',
      replace: "reportUnreachable: false,",
    }],
    linux: STATEMENTS,
  },
  {
    name: "dgram: libraries do not take a socket for one of Node's",
    edits: [{
      file: "ffi/dgram/mod.ts",
      find:
        "Object.setPrototypeOf(AdjustableSocket.prototype, NodeSocket.prototype);",
      replace: "",
    }],
    linux: OWN,
  },
];
