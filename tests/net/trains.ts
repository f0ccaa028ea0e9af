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
import { receiveAll } from "./harness.ts";

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

/** Datagrams of sizes that change, to one peer twice and then to the other. */
export function mixed(
  one: RioDatagramConn,
  other: RioDatagramConn,
): RioDatagram[] {
  const sizes = [10, 10, 10, 7, 10, 0, 0, 7, 7, 2000, 2000, 10];
  return sizes.flatMap((size, i) =>
    [one, one, other].map(({ addr }, j) => datagram(3 * i + j, size, addr))
  );
}

/** Receives what of all is for a socket, each once and in order. */
export async function assertReceives(
  conn: RioDatagramConn,
  all: readonly RioDatagram[],
): Promise<void> {
  const own = all.filter(({ addr }) =>
    (addr as Deno.NetAddr).port === conn.addr.port
  );
  const arrived = await receiveAll(conn, own.length);
  assertEquals(arrived, own.map(({ data }) => data));
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
