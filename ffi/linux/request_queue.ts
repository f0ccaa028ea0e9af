/**
 * The request queue of a socket: checks what is posted and puts it on a ring.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import {
  AF_INET,
  AF_INET6,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
} from "../constants.ts";
import {
  WSAEAFNOSUPPORT,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTCONN,
} from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { toKernel } from "./control.ts";
import type { Handled, HandleTable } from "./handles.ts";
import * as linux from "./numbers.ts";
import type { Poller } from "./poller.ts";
import { findSlice, type Registration } from "./registration.ts";
import { NAME_WORDS, type Ring, SEND_CONTROL_SIZE } from "./ring.ts";
import { HAS_CONTROL, HAS_FLAGS, HAS_LOCAL, HAS_REMOTE } from "./slices.ts";
import type { LinuxSocket } from "./socket.ts";
import type { Sockets } from "./sockets.ts";

const SEND_FLAGS = RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER;

/** Both directions of a socket. */
export class RequestQueue implements Handled {
  handle = 0;
  readonly socket: LinuxSocket;
  readonly receives: Ring;
  readonly sends: Ring;
  readonly #registrations: HandleTable<Registration>;
  readonly #sockets: Sockets;
  readonly #poller: Poller;

  /** Joins two rings. */
  constructor(
    socket: LinuxSocket,
    rings: { receives: Ring; sends: Ring },
    registrations: HandleTable<Registration>,
    calls: { sockets: Sockets; poller: Poller },
  ) {
    this.socket = socket;
    this.receives = rings.receives;
    this.sends = rings.sends;
    this.#registrations = registrations;
    this.#sockets = calls.sockets;
    this.#poller = calls.poller;
  }

  /** Posts a receive; 0 or an error number. */
  receive(data: RioBuf | null, flags: number, context: number): number {
    const ring = this.receives;
    if ((flags & RIO_MSG_COMMIT_ONLY) !== 0) {
      return this.#commitOnly(ring, data, flags, context);
    }
    const slot = this.#stage(ring, data, flags, context);
    if (slot < 0) return -slot;
    ring.setExtras(slot, 0);
    ring.push();
    if ((flags & RIO_MSG_DEFER) === 0) commit(ring);
    return 0;
  }

  /** Posts a send; 0 or an error number. */
  send(data: RioBuf | null, flags: number, context: number): number {
    const ring = this.sends;
    if ((flags & RIO_MSG_COMMIT_ONLY) !== 0) {
      return this.#commitOnly(ring, data, flags, context);
    }
    const slot = this.#stage(ring, data, flags, context);
    if (slot < 0) return -slot;
    ring.setExtras(slot, 0);
    ring.push();
    if ((flags & RIO_MSG_DEFER) === 0) this.#commitSends(ring);
    return 0;
  }

  /** Posts a receive with slices for what comes along. */
  receiveEx(
    data: RioBuf | null,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const ring = this.receives;
    if ((flags & RIO_MSG_COMMIT_ONLY) !== 0) {
      return (local ?? remote ?? control ?? messageFlags) === null
        ? this.#commitOnly(ring, data, flags, context)
        : WSAEINVAL;
    }
    const slot = this.#stage(ring, data, flags, context);
    if (slot < 0) return -slot;
    const errno = this.#stageReceiveSlices(
      slot,
      local,
      remote,
      control,
      messageFlags,
    );
    if (errno !== 0) return errno;
    ring.push();
    if ((flags & RIO_MSG_DEFER) === 0) commit(ring);
    return 0;
  }

  /** Posts a send with a destination or control messages. */
  sendEx(
    data: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const ring = this.sends;
    if ((flags & RIO_MSG_COMMIT_ONLY) !== 0) {
      return (remote ?? control) === null
        ? this.#commitOnly(ring, data, flags, context)
        : WSAEINVAL;
    }
    const slot = this.#stage(ring, data, flags, context);
    if (slot < 0) return -slot;
    const errno = this.#stageSendSlices(slot, remote, control);
    if (errno !== 0) return errno;
    ring.push();
    if ((flags & RIO_MSG_DEFER) === 0) this.#commitSends(ring);
    return 0;
  }

  #commitOnly(
    ring: Ring,
    data: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    if (flags !== RIO_MSG_COMMIT_ONLY || data !== null || context !== 0) {
      return WSAEINVAL;
    }
    if (ring.sends) this.#commitSends(ring);
    else commit(ring);
    return 0;
  }

  /** Sends go at once, unless earlier ones wait for room. */
  #commitSends(ring: Ring): void {
    ring.committed = ring.tail;
    if (ring.blocked) return;
    while (ring.pending > 0 && ring.run(ring));
    if (ring.pending > 0) this.#poller.block(ring);
  }

  /** Checks a request and writes it to the tail; minus an error number. */
  #stage(
    ring: Ring,
    data: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const { socket } = this;
    const allowed = socket.stream && !ring.sends
      ? SEND_FLAGS | RIO_MSG_WAITALL
      : SEND_FLAGS;
    if ((flags & ~allowed) !== 0) return -WSAEINVAL;
    if (
      socket.stream && !socket.connected &&
      (!socket.connecting || this.#sockets.connected(socket) !== 1)
    ) return -WSAENOTCONN;
    if (data === null) {
      if (socket.stream) return -WSAEINVAL;
      if (ring.outstanding >= ring.limit) return -WSAENOBUFS;
      return ring.stage(null, 0, 0, flags, context);
    }
    const registration = findSlice(this.#registrations, data);
    if (registration === undefined) return -WSAEFAULT;
    if (ring.outstanding >= ring.limit) return -WSAENOBUFS;
    return ring.stage(registration, data.offset, data.length, flags, context);
  }

  #stageReceiveSlices(
    slot: number,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    messageFlags: RioBuf | null,
  ): number {
    const slices = this.receives.slicesAt(slot);
    let extras = 0;
    if (remote !== null) {
      const found = this.#find(remote, SOCKADDR_INET.size);
      if (found === undefined) return WSAEFAULT;
      slices.remote = found;
      slices.remoteOffset = remote.offset;
      extras |= HAS_REMOTE;
    }
    if (local !== null) {
      const found = this.#find(local, SOCKADDR_INET.size);
      if (found === undefined) return WSAEFAULT;
      slices.local = found;
      slices.localOffset = local.offset;
      extras |= HAS_LOCAL;
    }
    if (control !== null) {
      const found = this.#find(control, 0);
      if (found === undefined) return WSAEFAULT;
      slices.control = found;
      slices.controlOffset = control.offset;
      slices.controlLength = control.length;
      extras |= HAS_CONTROL;
    }
    if (messageFlags !== null) {
      const found = this.#find(messageFlags, 4);
      if (found === undefined) return WSAEFAULT;
      slices.flags = found;
      slices.flagsOffset = messageFlags.offset;
      extras |= HAS_FLAGS;
    }
    this.receives.setExtras(slot, extras);
    return 0;
  }

  /** Copies what a send names, so that nothing redirects it afterwards. */
  #stageSendSlices(
    slot: number,
    remote: RioBuf | null,
    control: RioBuf | null,
  ): number {
    const ring = this.sends;
    const slices = ring.slicesAt(slot);
    let extras = 0;
    if (remote !== null) {
      const found = this.#find(remote, SOCKADDR_INET.size);
      if (found === undefined) return WSAEFAULT;
      const { offset } = remote;
      const family = found.view.getUint16(offset, true);
      if (family !== AF_INET && family !== AF_INET6) return WSAEAFNOSUPPORT;
      // A stream goes to its peer whatever is named.
      if (!this.socket.stream) {
        const at = slot * NAME_WORDS;
        const words = family === AF_INET ? 4 : 7;
        for (let i = 0; i < words; i++) {
          ring.names[at + i] = found.view.getUint32(offset + 4 * i, true);
        }
        if (family === AF_INET6) {
          ring.names[at] = ring.names[at]! & 0xFFFF0000 | linux.AF_INET6;
        }
        extras |= HAS_REMOTE;
      }
    }
    if (control !== null) {
      const found = this.#find(control, 0);
      if (found === undefined) return WSAEFAULT;
      const at = ring.reserveControl(slot);
      const length = toKernel(
        found.view,
        control.offset,
        control.length,
        ring.controls!,
        at,
        SEND_CONTROL_SIZE,
      );
      if (length < 0) return WSAEINVAL;
      if (length > 0 && !this.socket.stream) {
        slices.controlLength = length;
        extras |= HAS_CONTROL;
      }
    }
    ring.setExtras(slot, extras);
    return 0;
  }

  #find(slice: RioBuf, atLeast: number): Registration | undefined {
    return slice.length < atLeast
      ? undefined
      : findSlice(this.#registrations, slice);
  }
}

function commit(ring: Ring): void {
  ring.committed = ring.tail;
  if (ring.head !== ring.tail) ring.queue.activate(ring);
}
