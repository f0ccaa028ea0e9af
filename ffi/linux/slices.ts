/**
 * The slices that a request has beyond its data.
 *
 * @module
 */
import type { Registration } from "./registration.ts";

/** The request has a remote address. */
export const HAS_REMOTE = 1;
/** The request has control messages. */
export const HAS_CONTROL = 2;
/** The request wants the local address. */
export const HAS_LOCAL = 4;
/** The request wants the message flags. */
export const HAS_FLAGS = 8;

/** The slices of a request beyond its data; one object per slot, reused. */
export class Slices {
  remote: Registration | null = null;
  remoteOffset = 0;
  local: Registration | null = null;
  localOffset = 0;
  control: Registration | null = null;
  controlOffset = 0;
  controlLength = 0;
  flags: Registration | null = null;
  flagsOffset = 0;

  /** Whether the memory of those that a request has is still registered. */
  usable(extras: number): boolean {
    return ((extras & HAS_REMOTE) === 0 || this.remote!.usable) &&
      ((extras & HAS_LOCAL) === 0 || this.local!.usable) &&
      ((extras & HAS_CONTROL) === 0 || this.control!.usable) &&
      ((extras & HAS_FLAGS) === 0 || this.flags!.usable);
  }
}
