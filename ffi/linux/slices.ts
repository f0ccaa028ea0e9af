/**
 * The slices that a receive has beyond its data.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import { SOCKADDR_INET } from "../layout.ts";
import type { HandleTable } from "./handles.ts";
import { findSlice, type Registration } from "./registration.ts";

/** A request has a remote address. */
export const HAS_REMOTE = 0x10;
/** A request has control messages. */
export const HAS_CONTROL = 0x20;
/** A request wants the local address. */
export const HAS_LOCAL = 0x40;
/** A request wants the message flags. */
export const HAS_FLAGS = 0x80;
/** Any of these; `RIO_MSG_*` flags are smaller numbers. */
export const HAS_SLICES: number = HAS_REMOTE | HAS_CONTROL | HAS_LOCAL |
  HAS_FLAGS;

/** One slice; the object is used again for later requests. */
export class Slice {
  /** Its first byte in the registered memory. */
  offset = 0;
  /** Its bytes. */
  length = 0;
  #registration: Registration | null = null;

  /** Takes what a request names; whether that is registered and enough. */
  set(
    registrations: HandleTable<Registration>,
    slice: RioBuf,
    atLeast: number,
  ): boolean {
    const found = findSlice(registrations, slice, atLeast);
    if (found === undefined) return false;
    this.#registration = found;
    this.offset = slice.offset;
    this.length = slice.length;
    return true;
  }

  /** Whether the memory is still registered. */
  get usable(): boolean {
    return this.#registration!.usable;
  }

  /** All of the registered memory. */
  get view(): DataView {
    return this.#registration!.view;
  }

  /** Its address. */
  get address(): number {
    return this.#registration!.address + this.offset;
  }
}

/** The slices of a receive beyond its data; one object per slot, reused. */
export class Slices {
  readonly remote: Slice = new Slice();
  readonly local: Slice = new Slice();
  readonly control: Slice = new Slice();
  readonly flags: Slice = new Slice();

  /**
   * Takes what a request names.
   *
   * @returns Which there are; -1 if some of it is not registered.
   */
  set(
    registrations: HandleTable<Registration>,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    flags: RioBuf | null,
  ): number {
    const { size } = SOCKADDR_INET;
    let kinds = 0;
    if (remote !== null) {
      if (!this.remote.set(registrations, remote, size)) return -1;
      kinds |= HAS_REMOTE;
    }
    if (local !== null) {
      if (!this.local.set(registrations, local, size)) return -1;
      kinds |= HAS_LOCAL;
    }
    if (control !== null) {
      if (!this.control.set(registrations, control, 0)) return -1;
      kinds |= HAS_CONTROL;
    }
    if (flags !== null) {
      if (!this.flags.set(registrations, flags, 4)) return -1;
      kinds |= HAS_FLAGS;
    }
    return kinds;
  }

  /** Whether the memory of some of them is still registered. */
  usable(kinds: number): boolean {
    return ((kinds & HAS_REMOTE) === 0 || this.remote.usable) &&
      ((kinds & HAS_LOCAL) === 0 || this.local.usable) &&
      ((kinds & HAS_CONTROL) === 0 || this.control.usable) &&
      ((kinds & HAS_FLAGS) === 0 || this.flags.usable);
  }
}
