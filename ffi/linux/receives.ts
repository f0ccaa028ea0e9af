/**
 * Posted receives: their completion queue runs them when somebody looks.
 *
 * @module
 */
import { MSG_CTRUNC, MSG_TRUNC } from "../constants.ts";
import type { RioBuf } from "../contract.ts";
import { WSAEFAULT } from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import type { Entry, Receiver } from "./completion_queue.ts";
import { fromKernel, packetDestination } from "./control.ts";
import { MSGHDR } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import type { Slices } from "./request.ts";
import { Ring } from "./ring.ts";
import { copyAddress } from "./sockaddr.ts";

/** The receives of a socket. */
export abstract class Receives extends Ring implements Receiver {
  override readonly sends = false;
  readonly #entry: Entry = { receiver: this, position: -1 };

  get ready(): boolean {
    return this.socket.ready;
  }

  /** Takes note that something has arrived. */
  readable(): void {
    this.queue.wake(this.#entry);
  }

  /** Completes the request at the head with what the kernel put in its slot. */
  override finish(status: number, bytes: number): void {
    const { slot } = this;
    const request = this.request(slot);
    if (request.hasSlices) this.#fillSlices(slot, request.slices);
    this.complete(status, bytes);
  }

  override close(): void {
    this.queue.deactivate(this.#entry);
    super.close();
  }

  protected override start(): void {
    this.queue.activate(this.#entry);
  }

  /** Gives what is staged its slices beyond the data; 0 or an error number. */
  setSlices(
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    messageFlags: RioBuf | null,
  ): number {
    const { staged, system: { registrations } } = this;
    const request = this.request(staged);
    const { slices } = request;
    const valid =
      slices.remote.set(registrations, remote, SOCKADDR_INET.size) &&
      slices.local.set(registrations, local, SOCKADDR_INET.size) &&
      slices.control.set(registrations, control, 0) &&
      slices.flags.set(registrations, messageFlags, 4);
    if (!valid) return WSAEFAULT;
    request.hasSlices = true;
    // The kernel tells the local address in a control message, too.
    this.messages.want(staged, remote !== null, (control ?? local) !== null);
    return 0;
  }

  /** Fills what a receive wants filled beside its data. */
  #fillSlices(slot: number, { remote, local, control, flags }: Slices): void {
    const { messages, socket, system: { scratch } } = this;
    const kernelFlags = messages.field(slot, MSGHDR.flags);
    const controlAt = scratch.controlAt(slot);
    const controlLength = messages.field(slot, MSGHDR.controlLength);
    let truncated = (kernelFlags & linux.MSG_CTRUNC) !== 0;
    if (remote.registration !== null) {
      const { registration: { view }, offset } = remote;
      if (socket.stream) copyAddress(socket.remote, 0, view, offset);
      else messages.readName(slot, view, offset);
    }
    if (control.registration !== null) {
      truncated = fromKernel(
        scratch.control,
        controlAt,
        controlLength,
        control.registration.view,
        control.offset,
        control.length,
        socket.controlChoice,
      ) || truncated;
    }
    if (local.registration !== null) {
      const { registration: { view }, offset } = local;
      copyAddress(socket.local, 0, view, offset);
      packetDestination(
        scratch.control,
        controlAt,
        controlLength,
        view,
        offset,
      );
    }
    if (flags.registration !== null) {
      const told = ((kernelFlags & linux.MSG_TRUNC) !== 0 ? MSG_TRUNC : 0) |
        (truncated ? MSG_CTRUNC : 0);
      flags.registration.view.setUint32(flags.offset, told, true);
    }
  }
}
