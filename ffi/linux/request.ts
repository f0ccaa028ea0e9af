/**
 * A posted request, without what the kernel has to know of it.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import { SOCKADDR_INET } from "../layout.ts";
import type { HandleTable } from "./handles.ts";
import { findSlice, type Registration } from "./registration.ts";

/** A receive wants the remote address. */
export const WANTS_REMOTE = 1;
/** A receive wants the local address. */
export const WANTS_LOCAL = 2;
/** A receive wants control messages. */
export const WANTS_CONTROL = 4;
/** A receive wants the message flags. */
export const WANTS_FLAGS = 8;

/** A slice beyond the data. */
export class Slice {
  registration: Registration | null = null;
  offset = 0;
  length = 0;

  /**
   * Takes what a receive names.
   *
   * @returns `kind`, 0 for no slice, or -1 if it is too short or not registered.
   */
  set(
    registrations: HandleTable<Registration>,
    slice: RioBuf | null,
    atLeast: number,
    kind: number,
  ): number {
    if (slice === null) return 0;
    const found = findSlice(registrations, slice, atLeast);
    if (found === undefined) return -1;
    this.registration = found;
    this.offset = slice.offset;
    this.length = slice.length;
    return kind;
  }
}

/** The slices of a receive beyond its data. */
export class Slices {
  readonly remote: Slice = new Slice();
  readonly local: Slice = new Slice();
  readonly control: Slice = new Slice();
  readonly flags: Slice = new Slice();

  /**
   * Takes what a receive names.
   *
   * @returns What it wants, or -1 if some of it is not registered.
   */
  set(
    registrations: HandleTable<Registration>,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    flags: RioBuf | null,
  ): number {
    const { size } = SOCKADDR_INET;
    // All bits of -1 are set: it stays what it is.
    return this.remote.set(registrations, remote, size, WANTS_REMOTE) |
      this.local.set(registrations, local, size, WANTS_LOCAL) |
      this.control.set(registrations, control, 0, WANTS_CONTROL) |
      this.flags.set(registrations, flags, 4, WANTS_FLAGS);
  }
}

/** A request; one object per slot of a ring, used again for later ones. */
export class Request {
  /** The memory of its data; `null` if it has no data slice. */
  registration: Registration | null = null;
  /** Its `RIO_MSG_*` flags. */
  flags = 0;
  context = 0;
  /** What a receive wants beyond the data. What a send has was copied. */
  wants = 0;
  #slices: Slices | null = null;

  /** Where that goes. */
  get slices(): Slices {
    return this.#slices ??= new Slices();
  }

  /** Whether all of its memory is still registered. */
  get usable(): boolean {
    const { registration, wants } = this;
    if (registration !== null && !registration.usable) return false;
    if (wants === 0) return true;
    const { remote, local, control, flags } = this.slices;
    return ((wants & WANTS_REMOTE) === 0 || remote.registration!.usable) &&
      ((wants & WANTS_LOCAL) === 0 || local.registration!.usable) &&
      ((wants & WANTS_CONTROL) === 0 || control.registration!.usable) &&
      ((wants & WANTS_FLAGS) === 0 || flags.registration!.usable);
  }
}
