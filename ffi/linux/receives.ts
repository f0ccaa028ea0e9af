/**
 * Posted receives: their completion queue runs them when somebody looks.
 *
 * @module
 */
import { AF_INET6, MSG_CTRUNC, MSG_TRUNC } from "../constants.ts";
import type { RioBuf } from "../contract.ts";
import { WSAEFAULT } from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { Entry, type Receiver } from "./completion_queue.ts";
import { fromKernel, packetDestination } from "./control.ts";
import { MSGHDR } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import { Ring } from "./ring.ts";
import {
  HAS_CONTROL,
  HAS_FLAGS,
  HAS_LOCAL,
  HAS_REMOTE,
  HAS_SLICES,
} from "./slices.ts";

/** The receives of a socket. */
export abstract class Receives extends Ring implements Receiver {
  override readonly sends = false;
  readonly #entry: Entry = new Entry(this);
  /** Whether a call may get something; cleared only while epoll watches. */
  #ready = true;
  /** Whether the socket has more to tell than data: an end, an error. */
  #ended = false;

  get ready(): boolean {
    return this.#ready;
  }

  /** Whether an end or an error waits behind the data. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes note that something has arrived. */
  readable(ended: boolean): void {
    this.#ready = true;
    this.#ended ||= ended;
    this.queue.wake(this.#entry);
  }

  /** Completes the request at the head with what the kernel put in its slot. */
  override finish(status: number, bytes: number): void {
    const { slot } = this;
    const kinds = this.messages.flags(slot, HAS_SLICES);
    if (kinds !== 0) this.#fillSlices(slot, kinds);
    this.complete(status, bytes);
  }

  override close(): void {
    this.queue.deactivate(this.#entry);
    super.close();
  }

  /** Takes note that the kernel has nothing more now. */
  protected drained(): void {
    this.#ended = false;
    // What nobody watches is tried again by everybody who looks.
    this.#ready = this.socket.interest === 0;
  }

  protected override start(): void {
    this.queue.activate(this.#entry);
  }

  /** Takes the slices beyond the data of what is staged; 0 or an error. */
  setSlices(
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    messageFlags: RioBuf | null,
  ): number {
    const { messages, staged, system: { registrations } } = this;
    const kinds = messages.slices(staged)
      .set(registrations, local, remote, control, messageFlags);
    if (kinds < 0) return WSAEFAULT;
    messages.linkSlices(staged, kinds);
    return 0;
  }

  /** Tells what a receive asked for beside its data. */
  #fillSlices(slot: number, kinds: number): void {
    const { messages, socket, system: { scratch } } = this;
    const { remote, local, control, flags } = messages.slices(slot);
    const kernelFlags = socket.stream ? 0 : messages.field(slot, MSGHDR.flags);
    const controlAt = scratch.controlAt(slot);
    const controlLength = socket.stream
      ? 0
      : messages.field(slot, MSGHDR.controlLength);
    let truncated = (kernelFlags & linux.MSG_CTRUNC) !== 0;
    if ((kinds & HAS_REMOTE) !== 0) {
      const { view, offset } = remote;
      if (socket.stream) copyAddress(socket.remote, view, offset);
      // The kernel wrote the address, with its own number of the family.
      else if (messages.field(slot, MSGHDR.nameLength) === SOCKADDR_INET.size) {
        view.setUint16(offset, AF_INET6, true);
      }
    }
    if ((kinds & HAS_CONTROL) !== 0) {
      const { view, offset, length } = control;
      truncated = fromKernel(
        scratch.control,
        controlAt,
        controlLength,
        view,
        offset,
        length,
        socket.controlChoice,
      ) || truncated;
    }
    if ((kinds & HAS_LOCAL) !== 0) {
      const { view, offset } = local;
      copyAddress(socket.local, view, offset);
      packetDestination(
        scratch.control,
        controlAt,
        controlLength,
        view,
        offset,
      );
    }
    if ((kinds & HAS_FLAGS) !== 0) {
      const told = ((kernelFlags & linux.MSG_TRUNC) !== 0 ? MSG_TRUNC : 0) |
        (truncated ? MSG_CTRUNC : 0);
      flags.view.setUint32(flags.offset, told, true);
    }
  }
}

/** Copies 28 address bytes into a registration. */
function copyAddress(
  source: Uint8Array,
  target: DataView,
  offset: number,
): void {
  for (let i = 0; i < SOCKADDR_INET.size; i++) {
    target.setUint8(offset + i, source[i]!);
  }
}
