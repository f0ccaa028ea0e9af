/**
 * Overlapped calls that go on: `ConnectEx` and `AcceptEx`.
 *
 * @module
 */
import { OVERLAPPED, SOCKADDR_INET } from "../layout.ts";
import { allocateOutlasting, type RioMemory } from "../memory.ts";

/** Bytes that `AcceptEx` needs for one address: 16 more than the address has. */
export const ACCEPT_ADDRESS_SIZE = SOCKADDR_INET.size + 16;

/** Where things are in a slot. */
export const SLOT = {
  size: OVERLAPPED.size + 8 + 2 * ACCEPT_ADDRESS_SIZE,
  /** The `OVERLAPPED`, whose address names the call in its packet. */
  overlapped: 0,
  /** A `DWORD` for a byte count. */
  bytesTransferred: OVERLAPPED.size,
  /** Room for two addresses of {@linkcode ACCEPT_ADDRESS_SIZE}. */
  data: OVERLAPPED.size + 8,
} as const;
const BLOCK = 65536;
/** `STATUS_PENDING`: what stands in an `OVERLAPPED` until its call has ended. */
const PENDING = 0x103;

/** Native memory of one overlapped call. */
export interface Slot {
  /** The bytes, laid out as {@linkcode SLOT} says. */
  readonly bytes: Uint8Array;
  /** The address of the first. */
  readonly address: number;
}

/** One overlapped call, from its start until nobody needs its slot. */
export interface Operation {
  /** What a wait reports when the packet arrives. */
  readonly key: number;
  /** The native memory. */
  readonly slot: Slot;
  /** Whether the packet arrived. */
  arrived: boolean;
  /** Whether the outcome was read, or nobody wants it any more. */
  released: boolean;
}

/**
 * The overlapped calls of one port.
 *
 * The system owns a slot from the start of a call until its packet arrives. It
 * is used for another call only after that, and after the outcome was read or
 * nobody wants it any more.
 */
export class Operations {
  #blocks: RioMemory[] = [];
  #free: Slot[] = [];
  #pending = new Map<number, Operation>();

  /** How many calls go on. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes native memory for a call that is about to start. */
  begin(key: number): Operation {
    const slot = this.take();
    // The system writes it only when it has looked at the arguments.
    statusOf(slot)[0] = PENDING;
    const operation = { key, slot, arrived: false, released: false };
    this.#pending.set(slot.address, operation);
    return operation;
  }

  /** Whether the system has written how a call ended: its packet will come. */
  hasEnded({ slot }: Operation): boolean {
    return statusOf(slot)[0] !== PENDING;
  }

  /** A call failed at once: no packet of it will come. */
  cancel(operation: Operation): void {
    this.arrive(operation.slot.address);
    this.release(operation);
  }

  /** The packet of an `OVERLAPPED` arrived; `undefined` if it is none of ours. */
  arrive(overlapped: number): Operation | undefined {
    const operation = this.#pending.get(overlapped);
    if (!operation) return undefined;
    this.#pending.delete(overlapped);
    operation.arrived = true;
    if (operation.released) this.#free.push(operation.slot);
    return operation;
  }

  /** Frees the slot of a call, now or when its packet arrives. */
  release(operation: Operation): void {
    if (operation.released) return;
    operation.released = true;
    if (operation.arrived) this.#free.push(operation.slot);
  }

  /** Takes a slot, zeroed, whose address names something else than a call. */
  take(): Slot {
    const slot = this.#free.pop() ?? this.#grow();
    slot.bytes.fill(0);
    return slot;
  }

  /** Takes back what {@linkcode Operations.take} gave. */
  give(slot: Slot): void {
    this.#free.push(slot);
  }

  #grow(): Slot {
    const block = allocateOutlasting(BLOCK);
    this.#blocks.push(block);
    const start = Number(block.address);
    for (let at = 0; at + SLOT.size <= BLOCK; at += SLOT.size) {
      const bytes = block.bytes.subarray(at, at + SLOT.size);
      this.#free.push({ bytes, address: start + at });
    }
    return this.#free.pop()!;
  }
}

function statusOf({ bytes }: Slot): Int32Array {
  return new Int32Array(
    bytes.buffer,
    bytes.byteOffset + OVERLAPPED.internal,
    1,
  );
}
