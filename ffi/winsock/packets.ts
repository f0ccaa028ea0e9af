/**
 * The packets that one native call takes from an I/O completion port.
 *
 * @module
 */
import { OVERLAPPED_ENTRY } from "../layout.ts";
import type { CallBlock, CallMemory } from "./call.ts";
import type { WinsockSymbols } from "./library.ts";

/** So many are taken by one call at the most. */
export const MAX_PACKETS = 64;

/** Where the 64-bit words of a packet are. */
const PACKET = OVERLAPPED_ENTRY.size / 8;
const KEY = OVERLAPPED_ENTRY.completionKey / 8;
const OVERLAPPED = OVERLAPPED_ENTRY.overlapped / 8;
/** Where the number of packets is: behind the last, in bytes. */
const COUNT = MAX_PACKETS * OVERLAPPED_ENTRY.size;

/** Memory for the packets of one call at a time. */
export class Packets {
  readonly #symbols: WinsockSymbols;
  readonly #block: CallBlock;
  readonly #countAddress: bigint;

  /** Takes memory; the system's while a call goes on. */
  constructor(symbols: WinsockSymbols, memory: CallMemory) {
    this.#symbols = symbols;
    this.#block = memory.take(COUNT + 4);
    this.#countAddress = this.#block.address + BigInt(COUNT);
  }

  /**
   * Waits on a thread of the pool until a port has packets.
   *
   * @returns 0 where there are none to read: why is known to that thread only.
   */
  wait(port: bigint, milliseconds: number): Promise<number> {
    return this.#symbols.GetQueuedCompletionStatusEx(
      port,
      this.#block.address,
      MAX_PACKETS,
      this.#countAddress,
      milliseconds,
      0,
    );
  }

  /** The same on this thread, which blocks meanwhile. */
  waitNow(port: bigint, milliseconds: number): number {
    return this.#symbols.DrainQueuedCompletionStatusEx(
      port,
      this.#block.address,
      MAX_PACKETS,
      this.#countAddress,
      milliseconds,
      0,
    );
  }

  /** Reads what the last call has taken: each packet's key and `OVERLAPPED`. */
  read(each: (key: number, overlapped: number) => void): void {
    const packets = this.#block.wideWords;
    const end = this.#block.words[COUNT / 4]! * PACKET;
    for (let at = 0; at < end; at += PACKET) {
      each(Number(packets[at + KEY]), Number(packets[at + OVERLAPPED]));
    }
  }
}
