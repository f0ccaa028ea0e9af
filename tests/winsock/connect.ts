/**
 * How tests of the Winsock backend connect and accept.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { address, type Rig } from "./open.ts";

/** The keys of both. */
export const CONNECT = 1;
export const ACCEPT = 2;

/** A listener on a free port. */
export function listener(rig: Rig): { socket: number; name: Uint8Array } {
  const socket = rig.tcp();
  const name = new Uint8Array(28);
  assertEquals(rig.backend.sockets.bind(socket, address(0)), 0);
  assertEquals(rig.backend.sockets.listen(socket, 4), 0);
  assertEquals(rig.backend.sockets.localAddress(socket, name), 0);
  return { socket, name };
}

/** Accepts, waiting as often as needed. */
export async function accept(rig: Rig, socket: number): Promise<number> {
  let child = rig.backend.sockets.accept(socket, ACCEPT);
  while (child === 0) {
    await rig.fired(ACCEPT);
    child = rig.backend.sockets.accept(socket, ACCEPT);
  }
  return child;
}

/** Closes sockets, each of which is open. */
export function close(rig: Rig, ...sockets: readonly number[]): void {
  for (const socket of sockets) {
    assertEquals(rig.backend.sockets.close(socket), 0);
  }
}
