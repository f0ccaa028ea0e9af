/**
 * The slices that a receive has beyond its data.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import { SOCKADDR_INET } from "../layout.ts";
import type { Registration, Registrations } from "./registration.ts";

/** One slice, or none; the object is used again for later requests. */
export class Slice {
  /** Its first byte in the registered memory. */
  offset = 0;
  /** Its bytes. */
  length = 0;
  #registration: Registration | null = null;

  /**
   * Takes what a request names.
   *
   * @returns Whether it names nothing or registered memory that is enough.
   */
  set(
    registrations: Registrations,
    slice: RioBuf | null,
    atLeast: number,
  ): boolean {
    this.#registration = null;
    if (slice === null) return true;
    const found = registrations.find(slice, atLeast);
    if (found === undefined) return false;
    this.#registration = found;
    this.offset = slice.offset;
    this.length = slice.length;
    return true;
  }

  /** Whether it names nothing or memory that is still registered. */
  get usable(): boolean {
    return this.#registration?.usable ?? true;
  }

  /** All of the registered memory, `null` for none. */
  get view(): DataView | null {
    return this.#registration && this.#registration.view;
  }

  /** Its address; 0 for none. */
  get address(): number {
    return this.#registration && this.#registration.address + this.offset || 0;
  }
}

/** The slices of a receive beyond its data; one object per slot, reused. */
export class Slices {
  readonly remote: Slice = new Slice();
  readonly local: Slice = new Slice();
  readonly control: Slice = new Slice();
  readonly flags: Slice = new Slice();

  /** Takes what a request names; `false` if some of it is not registered. */
  set(
    registrations: Registrations,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    flags: RioBuf | null,
  ): boolean {
    return this.remote.set(registrations, remote, SOCKADDR_INET.size) &&
      this.local.set(registrations, local, SOCKADDR_INET.size) &&
      this.control.set(registrations, control, 0) &&
      this.flags.set(registrations, flags, 4);
  }

  /** Whether the memory of all of them is still registered. */
  get usable(): boolean {
    return this.remote.usable && this.local.usable && this.control.usable &&
      this.flags.usable;
  }
}
