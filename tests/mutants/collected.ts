/**
 * Deliberate faults in what the collector may find, and what it must not.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

const LEDGER = "ffi/session/ledger.ts";
const COLLECTED = ["tests/session/collected_test.ts"];

/** The faults. */
export const collected: readonly Mutant[] = [
  {
    name: "the pin of registered memory is dropped",
    edits: [{
      file: LEDGER,
      find:
        "const record = { ledger: this, id, memory, inFlight: 0, closing: false };",
      replace: `const weak = new WeakRef(memory);
    const record = {
      ledger: this,
      id,
      get memory() {
        return weak.deref() ?? { bytes: new Uint8Array(1 << 20), address: 0n };
      },
      inFlight: 0,
      closing: false,
    };`,
    }],
    linux: COLLECTED,
    windows: true,
  },
  {
    name: "a request that has ended keeps its slice",
    edits: [{
      file: "ffi/session/requests.ts",
      find: "    request.slice = null;\n",
      replace: "",
    }],
    linux: COLLECTED,
  },
  {
    name: "a request that has ended keeps its socket",
    edits: [{
      file: "ffi/session/requests.ts",
      find: "    request.socket = null;\n",
      replace: "",
    }],
    linux: COLLECTED,
  },
];
