/**
 * Registered room for the slots of datagram sockets.
 *
 * @module
 */
import type { RioBuffer } from "../../session/buffer.ts";
import { movesDirectly, type RioSession } from "../../session/session.ts";
import { Shelf } from "../shelf.ts";

/**
 * Bytes that are registered at a time, at the most. So much is only reserved,
 * until it is written; each block makes V8 collect garbage, so they are few.
 */
const MOST = 512 << 20;

/** Slots of a direction by default, and the fewest where memory gets scarce. */
const DEFAULT_SLOTS = 64;
const FEWEST_SLOTS = 4;
/**
 * Bytes that sockets may keep registered where each has its own, which Windows
 * locks in physical memory, before those with default sizes content themselves
 * with less: with a part of what is left.
 */
const LOCKED = 256 << 20;
const PART = 32;
/** Bytes that are registered for single sockets. */
let locked = 0;

/** A range of registered memory; given back once the kernel does not use it. */
export interface Room extends Disposable {
  readonly buffer: RioBuffer;
  /** Its first byte. */
  readonly offset: number;
  /** Whether somebody may still read it after that. */
  read: boolean;
}

/** What is shared by the sockets of a session, by the bytes that each takes. */
const shelves: WeakMap<RioSession, Map<number, Shelf>> = new WeakMap();

/**
 * How many slots a direction of a socket has by default.
 *
 * @param byteLength Bytes of a slot.
 */
export function defaultSlots(session: RioSession, byteLength: number): number {
  if (movesDirectly(session)) return DEFAULT_SLOTS;
  const part = Math.floor((LOCKED - locked) / PART / byteLength);
  return Math.min(DEFAULT_SLOTS, Math.max(FEWEST_SLOTS, part));
}

/**
 * Takes room for the slots of one direction of a socket.
 *
 * Where sockets need none until they are busy, the busy ones share large
 * registrations: the memory of each is dear to the garbage collector, and there
 * is an end to how many there can be. Elsewhere requests may go on after their
 * socket was closed, so each has its own.
 */
export function takeRoom(session: RioSession, byteLength: number): Room {
  if (!movesDirectly(session)) {
    const buffer = session.registerBuffer(byteLength);
    locked += byteLength;
    const dispose = () => {
      locked -= byteLength;
      buffer[Symbol.dispose]();
    };
    return { buffer, offset: 0, read: false, [Symbol.dispose]: dispose };
  }
  const bySize = shelves.get(session) ?? new Map<number, Shelf>();
  shelves.set(session, bySize);
  const shelf = bySize.get(byteLength) ?? openShelf(session, byteLength);
  bySize.set(byteLength, shelf);
  const piece = shelf.take();
  const { buffer, offset } = piece;
  return {
    buffer,
    offset,
    read: false,
    [Symbol.dispose]() {
      shelf.give(piece, this.read);
      if (!shelf.unused) return;
      shelf.close();
      bySize.delete(byteLength);
    },
  };
}

/** Slabs for one, two, four sockets and so on: few sockets register little. */
function openShelf(session: RioSession, piece: number): Shelf {
  const most = Math.max(1, Math.floor(MOST / piece));
  const slab = (slabs: number) => Math.min(2 ** slabs, most) * piece;
  return new Shelf(session, { piece, slab });
}
