/**
 * What one backend shares among its queues: the C library and native memory
 * that a system call uses while it runs.
 *
 * @module
 */
import { highWord } from "../layout.ts";
import { allocate, type RioMemory } from "../memory.ts";
import { Arena } from "./arena.ts";
import {
  acquireLibrary,
  type LinuxLibrary,
  type LinuxSymbols,
  releaseLibrary,
} from "./library.ts";

/** The most messages of one system call. */
export const BATCH = 64;
/** Bytes of control messages that the kernel can write per datagram. */
export const RECEIVE_CONTROL_SIZE = 256;

/** `struct msghdr`, in 32-bit words. */
export const MSGHDR = {
  name: 0,
  nameLength: 2,
  iov: 4,
  iovCount: 6,
  control: 8,
  controlLength: 10,
  flags: 12,
} as const;

const CONTROL_AT = 4096;

/** One backend's hold on the C library, and its scratch memory. */
export class Kernel {
  /** The C library's functions. */
  readonly symbols: LinuxSymbols;
  /** `errno` of this thread. */
  readonly errno: Int32Array;
  /** Memory for the rings. */
  readonly arena: Arena = new Arena();
  /**
   * Scratch memory; its contents matter only during one synchronous call:
   * a `msghdr`, an `iovec` and a byte for streams, then control messages of
   * one batch.
   */
  readonly scratch: RioMemory;
  /** The scratch `msghdr`, as words. */
  readonly message: Uint32Array;
  /** The address of the scratch `msghdr`. */
  readonly messageAddress: bigint;
  /** The control area of each message of a batch. */
  readonly control: DataView;
  /** The address of the control area. */
  readonly controlAddress: number;
  /** Room for a socket address. */
  readonly address: Uint8Array<ArrayBuffer> = new Uint8Array(32);
  /** Room for a `socklen_t`. */
  readonly length: Uint32Array<ArrayBuffer> = new Uint32Array(1);

  /** Whether the library is shared, and to be given back. */
  readonly #shared: boolean;

  /**
   * Takes functions to call, or opens the C library.
   *
   * @throws {Deno.errors.NotSupported} If it lacks something.
   * @throws {RangeError} If the system has no room.
   */
  constructor(library?: LinuxLibrary) {
    // Before the library is opened: without room there is nothing to close.
    this.scratch = allocate(CONTROL_AT + BATCH * RECEIVE_CONTROL_SIZE);
    this.#shared = library === undefined;
    const { symbols, errno } = library ?? acquireLibrary();
    this.symbols = symbols;
    this.errno = errno;
    const { buffer } = this.scratch.bytes;
    this.message = new Uint32Array(buffer, 0, 14);
    this.messageAddress = this.scratch.address;
    this.control = new DataView(
      buffer,
      CONTROL_AT,
      BATCH * RECEIVE_CONTROL_SIZE,
    );
    this.controlAddress = Number(this.scratch.address) + CONTROL_AT;
    const probe = new Uint32Array(buffer, 64, 4);
    writePointer(probe, 0, Number(this.scratch.address) + 80);
    probe[2] = 1;
  }

  /** The address of an `iovec` of one byte that nobody reads. */
  get probeAddress(): number {
    return Number(this.scratch.address) + 64;
  }

  /** Gives the library back. */
  release(): void {
    if (this.#shared) releaseLibrary();
  }
}

/** Writes a pointer, an address below 2^53, as two words. */
export function writePointer(
  words: Uint32Array,
  at: number,
  address: number,
): void {
  words[at] = address >>> 0;
  words[at + 1] = highWord(address);
}
