/**
 * Posted receives: their completion queue runs them when somebody looks.
 *
 * @module
 */
import {
  AF_INET6,
  MSG_CTRUNC,
  MSG_TRUNC,
  RIO_MSG_WAITALL,
} from "../constants.ts";
import type { RioBuf } from "../contract.ts";
import { WSAEFAULT } from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { Entry, type Receiver } from "./completion_queue.ts";
import { fromKernel, packetDestination } from "./control.ts";
import * as linux from "./numbers.ts";
import { Ring, type RingOptions, type RingSystem } from "./ring.ts";
import { HAS_CONTROL, HAS_FLAGS, HAS_LOCAL, HAS_REMOTE } from "./slices.ts";

/** Hands receives to the kernel; returns whether another call may get some. */
export type ReceiveCall = (ring: Receives, count: number) => boolean;

/** The receives of a socket. */
export class Receives extends Ring implements Receiver {
  readonly #call: ReceiveCall;
  readonly #entry: Entry = new Entry(this);
  /** Whether a call may get something; cleared only while epoll watches. */
  #ready = true;
  /** Whether the socket has more to tell than data: an end, an error. */
  #ended = false;

  /**
   * Makes an empty ring.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor(system: RingSystem, options: RingOptions, call: ReceiveCall) {
    const allowed = options.socket.stream ? RIO_MSG_WAITALL : 0;
    super(system, { ...options, sends: false, allowed });
    this.#call = call;
  }

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

  /** Takes note that the kernel has nothing more now. */
  drained(): void {
    this.#ended = false;
    // What nobody watches is tried again by everybody who looks.
    this.#ready = this.socket.interest === 0;
  }

  override close(): void {
    this.queue.deactivate(this.#entry);
    super.close();
  }

  protected override start(): void {
    this.queue.activate(this.#entry);
  }

  protected override call(count: number): boolean {
    return this.#call(this, count);
  }

  protected override setSlices(
    slot: number,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    messageFlags: RioBuf | null,
  ): number {
    const { registrations } = this.system;
    const slices = this.messages.slices(slot);
    let extras = 0;
    if (remote !== null) {
      const found = registrations.find(remote, SOCKADDR_INET.size);
      if (found === undefined) return WSAEFAULT;
      slices.remote = found;
      slices.remoteOffset = remote.offset;
      extras |= HAS_REMOTE;
    }
    if (local !== null) {
      const found = registrations.find(local, SOCKADDR_INET.size);
      if (found === undefined) return WSAEFAULT;
      slices.local = found;
      slices.localOffset = local.offset;
      extras |= HAS_LOCAL;
    }
    if (control !== null) {
      const found = registrations.find(control);
      if (found === undefined) return WSAEFAULT;
      slices.control = found;
      slices.controlOffset = control.offset;
      slices.controlLength = control.length;
      extras |= HAS_CONTROL;
    }
    if (messageFlags !== null) {
      const found = registrations.find(messageFlags, 4);
      if (found === undefined) return WSAEFAULT;
      slices.flags = found;
      slices.flagsOffset = messageFlags.offset;
      extras |= HAS_FLAGS;
    }
    this.messages.setExtras(slot, extras);
    return 0;
  }

  override finish(status: number, bytes: number): void {
    const { slot } = this;
    if (this.messages.extras[slot] !== 0) this.#fillSlices(slot);
    this.complete(status, bytes);
  }

  /** Tells what a receive asked for beside its data. */
  #fillSlices(slot: number): void {
    const { messages, socket, system: { scratch } } = this;
    const extras = messages.extras[slot]!;
    const slices = messages.slices(slot);
    const flags = messages.messageFlags(slot);
    const controlAt = scratch.controlAt(slot);
    const controlLength = messages.controlLength(slot);
    let truncated = (flags & linux.MSG_CTRUNC) !== 0;
    if ((extras & HAS_REMOTE) !== 0) {
      const { view } = slices.remote!;
      if (socket.stream) {
        copyAddress(socket.remote, view, slices.remoteOffset);
      } else if (messages.nameLength(slot) === SOCKADDR_INET.size) {
        // The kernel wrote the address, with its number of the family.
        view.setUint16(slices.remoteOffset, AF_INET6, true);
      }
    }
    if ((extras & HAS_CONTROL) !== 0) {
      truncated = fromKernel(
        scratch.control,
        controlAt,
        controlLength,
        slices.control!.view,
        slices.controlOffset,
        slices.controlLength,
        socket.controlChoice,
      ) || truncated;
    }
    if ((extras & HAS_LOCAL) !== 0) {
      const { view } = slices.local!;
      const offset = slices.localOffset;
      copyAddress(socket.local, view, offset);
      packetDestination(
        scratch.control,
        controlAt,
        controlLength,
        view,
        offset,
      );
    }
    if ((extras & HAS_FLAGS) !== 0) {
      const told = ((flags & linux.MSG_TRUNC) !== 0 ? MSG_TRUNC : 0) |
        (truncated ? MSG_CTRUNC : 0);
      slices.flags!.view.setUint32(slices.flagsOffset, told, true);
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
