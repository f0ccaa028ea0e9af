/**
 * A posted request, without what the kernel has to know of it.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import type { HandleTable } from "./handles.ts";
import { findSlice, type Registration } from "./registration.ts";

/** A slice that a receive wants filled beside its data, or none. */
export class Slice {
  /** Its memory; `null` for no slice. */
  registration: Registration | null = null;
  offset = 0;
  length = 0;

  /** Takes what a receive names; `false` if it is short or not registered. */
  set(
    registrations: HandleTable<Registration>,
    slice: RioBuf | null,
    atLeast: number,
  ): boolean {
    this.registration = null;
    if (slice === null) return true;
    const found = findSlice(registrations, slice, atLeast);
    if (found === undefined) return false;
    this.registration = found;
    this.offset = slice.offset;
    this.length = slice.length;
    return true;
  }

  /** Whether there is none, or its memory is still registered. */
  get usable(): boolean {
    return this.registration === null || this.registration.usable;
  }
}

/** The slices of a receive beside its data. */
export class Slices {
  readonly remote: Slice = new Slice();
  readonly local: Slice = new Slice();
  readonly control: Slice = new Slice();
  readonly flags: Slice = new Slice();
}

/** A request; one object per slot of a ring, used again for later ones. */
export class Request {
  /** The memory of its data; `null` if it has no data slice. */
  registration: Registration | null = null;
  /** Its `RIO_MSG_*` flags. */
  flags = 0;
  context = 0;
  /** Bytes that it has moved so far, on a stream or cut apart. */
  progress = 0;
  /** Bytes of each datagram that it is cut into here; 0 where it is not. */
  segmentSize = 0;
  /** Bytes of it that were not moved, while it is cut apart. */
  left = 0;
  /** Whether its `slices` count. What a send names was copied. */
  hasSlices = false;
  #slices: Slices | null = null;

  /** What a receive wants filled; made when the first one wants something. */
  get slices(): Slices {
    return this.#slices ??= new Slices();
  }

  /** Whether all of its memory is still registered. */
  get usable(): boolean {
    if (this.registration !== null && !this.registration.usable) return false;
    if (!this.hasSlices) return true;
    const { remote, local, control, flags } = this.slices;
    return remote.usable && local.usable && control.usable && flags.usable;
  }
}
