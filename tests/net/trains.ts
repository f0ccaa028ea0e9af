/**
 * Runs of datagrams that leave together, and how it shows in the calls.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import {
  listenDatagram,
  type RioDatagram,
  type RioDatagramConn,
  type RioSession,
} from "../../mod.ts";
import { within } from "../session/harness.ts";

// Kept open: only the first opening is seen by the sanitizer.
const library = Deno.build.os === "linux" ? acquireLibrary() : null;

/** Room for all that a test sends before it is read. */
const receiveBufferSize = 4 << 20;

/** A socket with room for that. */
export function open(
  session: RioSession,
  hostname = "127.0.0.1",
): RioDatagramConn {
  return listenDatagram({ session, hostname, receiveBufferSize });
}

/** A datagram that tells which one it is. */
export function datagram(
  index: number,
  size: number,
  addr?: Deno.Addr,
): RioDatagram {
  const data = new Uint8Array(size).map((_, i) => index * 31 + i);
  return addr === undefined ? { data } : { data, addr };
}

/** What arrives, in order. */
export async function take(
  conn: RioDatagramConn,
  count: number,
): Promise<Uint8Array[]> {
  const taken: Uint8Array[] = [];
  while (taken.length < count) {
    using batch = await within(conn.receiveMany());
    taken.push(...[...batch].map(({ data }) => data.slice()));
  }
  assertEquals(taken.length, count);
  return taken;
}

/** Around the limits: one alone, 64 at a time, 65,487 bytes at a time. */
export const RUNS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 65],
  1: [1, 2, 63, 64, 65, 130],
  64: [1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129],
  1200: [1, 2, 15, 16, 17, 53, 54, 55, 56, 108, 109],
  9000: [1, 2, 6, 7, 8, 14, 15],
  32_743: [1, 2, 3],
  32_744: [1, 2, 3],
  65_487: [1, 2],
};

/** Whether a `struct msghdr` has control messages. */
export function hasControl(address: bigint): boolean {
  const pointer = Deno.UnsafePointer.create(address)!;
  return new Deno.UnsafePointerView(pointer).getBigUint64(40) > 0n;
}

/** Has a call of the kernel fail. */
export function fail(errno: number): number {
  library!.errno[0] = errno;
  return -1;
}
