import { assertEquals } from "@std/assert";
import { AF_INET6 } from "../../ffi/constants.ts";
import type { RioBackend, RioSockets } from "../../ffi/contract.ts";
import { findFeatures, NO_FEATURES } from "../../ffi/features.ts";

/** A system that opens sockets of one family alone, none of them with options. */
function opens(family: number) {
  const closed: number[] = [];
  const sockets = {
    open: (wanted: number) => wanted === family ? 7 : -10047,
    getOption: () => -10042,
    close: (socket: number) => closed.push(socket),
  } as unknown as RioSockets;
  const rings = {
    createCompletionQueue: () => -10055,
  };
  return { backend: { sockets, rings } as unknown as RioBackend, closed };
}

Deno.test("findFeatures() finds nothing where no socket can be opened", () => {
  const { backend, closed } = opens(AF_INET6 + 1);
  assertEquals(findFeatures(backend), NO_FEATURES);
  assertEquals(closed, []);
});
