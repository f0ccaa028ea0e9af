/**
 * Overlapped calls that go on: `ConnectEx` and `AcceptEx`.
 *
 * @module
 */
import { OVERLAPPED, SOCKADDR_INET } from "../layout.ts";
import { allocate, type RioMemory } from "../memory.ts";

/** What `AcceptEx` wants for one address: 16 bytes more than it has. */
export const ACCEPT_ADDRESS_SIZE = SOCKADDR_INET.size + 16;

const BLOCK = 65536;
const SLOT = {
  size: 160,
  overlapped: 0,
  bytesTransferred: OVERLAPPED.size,
  data: 40,
} as const;

/** Native memory of one overlapped call: its `OVERLAPPED`, and its data. */
export interface OperationSlot {
  /** The bytes of the whole slot. */
  readonly bytes: Uint8Array;
  /** Address of the `OVERLAPPED`, which names the call in its packet. */
  readonly overlapped: number;
  /** Address of a `DWORD` for a byte count. */
  readonly bytesTransferred: number;
  /** Address of room for two addresses of {@linkcode ACCEPT_ADDRESS_SIZE}. */
  readonly data: number;
  /** The room itself. */
  readonly dataBytes: Uint8Array;
}

/** One overlapped call, from its start until its packet arrived. */
export interface Operation {
  /** What the waiter reports when the packet arrives. */
  readonly key: number;
  /** The native memory. */
  readonly slot: OperationSlot;
  /** Whether the packet arrived. */
  arrived: boolean;
  /** Whether nobody asks for the outcome any more. */
  orphaned: boolean;
}

/**
 * The overlapped calls of one port.
 *
 * The system owns a slot from the start of the call until its packet arrived;
 * only then is the slot used for another call.
 */
export class Operations {
  #blocks: RioMemory[] = [];
  #free: OperationSlot[] = [];
  #pending = new Map<number, Operation>();

  /** How many calls go on. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Starts to account for a call, with zeroed native memory. */
  begin(key: number): Operation {
    const slot = this.take();
    const operation = { key, slot, arrived: false, orphaned: false };
    this.#pending.set(slot.overlapped, operation);
    return operation;
  }

  /** Ends the account of a call that failed at once: no packet will come. */
  cancel(operation: Operation): void {
    this.#pending.delete(operation.slot.overlapped);
    this.#free.push(operation.slot);
  }

  /** The packet of an `OVERLAPPED` arrived; `undefined` if it is none of ours. */
  arrive(overlapped: number): Operation | undefined {
    const operation = this.#pending.get(overlapped);
    if (!operation) return undefined;
    this.#pending.delete(overlapped);
    operation.arrived = true;
    if (operation.orphaned) this.#free.push(operation.slot);
    return operation;
  }

  /** Nobody asks for the outcome any more: frees the slot, now or later. */
  release(operation: Operation): void {
    if (operation.orphaned) return;
    operation.orphaned = true;
    if (operation.arrived) this.#free.push(operation.slot);
  }

  /** Takes a slot that is not given back. */
  take(): OperationSlot {
    const slot = this.#free.pop() ?? this.#grow();
    slot.bytes.fill(0);
    return slot;
  }

  #grow(): OperationSlot {
    const block = allocate(BLOCK);
    this.#blocks.push(block);
    const base = Number(block.address);
    for (let at = 0; at + SLOT.size <= BLOCK; at += SLOT.size) {
      const bytes = block.bytes.subarray(at, at + SLOT.size);
      this.#free.push({
        bytes,
        overlapped: base + at + SLOT.overlapped,
        bytesTransferred: base + at + SLOT.bytesTransferred,
        data: base + at + SLOT.data,
        dataBytes: bytes.subarray(SLOT.data),
      });
    }
    return this.#free.pop()!;
  }
}
