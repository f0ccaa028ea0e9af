/**
 * Datagrams of one size to one peer, which leave together: the system cuts them
 * apart, at the price of one.
 *
 * @module
 */
import type { IpAddress } from "../../address.ts";
import { lengthOf } from "../../plain_bytes.ts";
import { type Manner, MOST_SEGMENTS } from "./manner.ts";
import type { SendGroup } from "./send_group.ts";
import type { SendSlot } from "./slots.ts";

/** So many bytes are the most of one packet, without its headers. */
const MOST_BYTES = 65_487;

/** What is in a slot and was not posted, until the end of a turn at most. */
export class Train {
  /** Where the datagrams are, one after the other; `null` for none. */
  slot: SendSlot | null = null;
  /** Longer datagrams are not joined: the path does not take them. */
  #longest = Infinity;

  /** Puts the first datagram down, which is in the slot. */
  begin(slot: SendSlot): void {
    this.slot = slot;
  }

  /**
   * Adds a datagram, if it goes with those that are there.
   *
   * @returns Whether it was added.
   */
  add(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
    manner: Manner | null,
  ): boolean {
    const { slot } = this;
    if (slot === null) return false;
    if (slot.manner !== manner) return false;
    const { size, count } = slot;
    if (count >= MOST_SEGMENTS) return false;
    if (lengthOf(data) !== size || size === 0 || size > this.#longest) {
      return false;
    }
    const at = size * count;
    if (at + size > Math.min(slot.data.length, MOST_BYTES)) return false;
    if (
      to?.port !== slot.to?.port || to?.hostname !== slot.to?.hostname
    ) return false;
    if (!group.joins(slot.group!, count)) return false;
    slot.data.bytes.set(data, at);
    slot.count++;
    return true;
  }

  /** Takes the slot, to post it. */
  end(): SendSlot | null {
    const { slot } = this;
    this.slot = null;
    return slot;
  }

  /** Takes note that datagrams of a size cannot be joined. */
  refuse(size: number): void {
    this.#longest = Math.min(this.#longest, size - 1);
  }
}
