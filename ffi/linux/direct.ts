/**
 * Data without requests: one call between a socket and memory of the caller.
 *
 * @module
 */
import type {
  RioDirect,
  RioDirectSocket,
  RioHandle,
  RioWatcher,
} from "../contract.ts";
import * as wsa from "../error_numbers.ts";
import { lengthOf } from "../plain_bytes.ts";
import type { DirectMessages } from "./direct_messages.ts";
import { winsockError } from "./errno.ts";
import { EAGAIN, EDESTADDRREQ, EINTR, EPIPE } from "./errno_numbers.ts";
import type { LinuxLibrary } from "./library.ts";
import * as linux from "./numbers.ts";
import type { Readiness } from "./readiness.ts";
import { Earlier, REPORTS } from "./reports.ts";
import {
  copySockaddr,
  setSockaddr,
  sockaddr,
  sockaddrLength,
} from "./sockaddr.ts";
import type { LinuxSocket, SocketUser } from "./socket.ts";
import type { LinuxSockets } from "./sockets.ts";

const RECEIVE_FLAGS = linux.MSG_DONTWAIT;
/** Has a datagram's own length told, also where less fits. */
const DATAGRAM_FLAGS = linux.MSG_DONTWAIT | linux.MSG_TRUNC;
const SEND_FLAGS = linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL;

/** How to call the kernel, and who tells of arrivals. */
export interface DirectSystem {
  readonly library: LinuxLibrary;
  readonly readiness: Readiness;
  /** Moves datagrams that have control messages. */
  readonly messages: DirectMessages;
}

/** Attaches to sockets. */
export class LinuxDirect implements RioDirect {
  readonly #sockets: LinuxSockets;
  readonly #system: DirectSystem;

  /** Takes the sockets, and how their data is moved. */
  constructor(sockets: LinuxSockets, system: DirectSystem) {
    this.#sockets = sockets;
    this.#system = system;
  }

  attach(socket: RioHandle, watcher: RioWatcher): RioDirectSocket | number {
    const found = this.#sockets.find(socket);
    if (found === undefined) return -wsa.WSAENOTSOCK;
    if (found.direct !== null) return -wsa.WSAEINVAL;
    const direct = this.open(found, watcher);
    if (typeof direct !== "number") found.direct = direct;
    return direct;
  }

  /** Makes what moves the data of a socket, or minus an error number. */
  protected open(
    socket: LinuxSocket,
    watcher: RioWatcher,
  ): DirectSocket | number {
    // What is ready already may have been told before.
    const errno = this.#system.readiness.watch(socket, true);
    if (errno !== 0) return -errno;
    return new DirectSocket(socket, watcher, this.#system);
  }
}

/** The data of one socket, in both directions. */
export class DirectSocket implements RioDirectSocket, SocketUser {
  readonly receives: this = this;
  readonly sends: this = this;
  protected readonly socket: LinuxSocket;
  /** The descriptor; -1 once it is closed, and may be another socket's. */
  protected fd: number;
  readonly #watcher: RioWatcher;
  readonly #system: DirectSystem;
  /** Whether a send waits for room. */
  #blocked = false;
  readonly #earlier: Earlier = new Earlier();

  /** Moves the data of a socket until that is closed. */
  constructor(socket: LinuxSocket, watcher: RioWatcher, system: DirectSystem) {
    this.socket = socket;
    this.fd = socket.fd;
    this.#watcher = watcher;
    this.#system = system;
  }

  get mayReceive(): boolean {
    return this.socket.ready;
  }

  ask(): void {
    this.socket.readable(this.socket.ended);
  }

  receive(into: Uint8Array): number {
    if (!this.socket.ready) return -wsa.WSAEWOULDBLOCK;
    const { library: { symbols } } = this.#system;
    const length = lengthOf(into);
    for (;;) {
      const got = symbols.recv(this.fd, into, BigInt(length), RECEIVE_FLAGS);
      if (got >= 0) return this.#received(got, length);
      const errno = this.#failed(false);
      if (errno !== 0) return -errno;
    }
  }

  receiveFrom(
    into: Uint8Array,
    address: Uint8Array,
    local?: Uint8Array,
  ): number {
    if (!this.socket.ready) return -wsa.WSAEWOULDBLOCK;
    const report = this.socket.takeReport();
    if (report !== 0) return -report;
    const { library, messages } = this.#system;
    const length = BigInt(lengthOf(into));
    for (;;) {
      sockaddrLength[0] = sockaddr.length;
      const got = local === undefined
        ? library.symbols.recvfrom(
          this.fd,
          into,
          length,
          DATAGRAM_FLAGS,
          sockaddr,
          sockaddrLength,
        )
        : messages.receive(library, this.fd, into, DATAGRAM_FLAGS);
      if (got >= 0) {
        if (local === undefined) copySockaddr(address);
        else messages.tell(this.socket, address, local);
        return got;
      }
      const errno = this.#failed(false);
      if (errno !== 0) return -errno;
    }
  }

  send(from: Uint8Array): number {
    const { library: { symbols } } = this.#system;
    const length = BigInt(lengthOf(from));
    for (;;) {
      const sent = symbols.send(this.fd, from, length, SEND_FLAGS);
      if (sent >= 0) return this.#sent(sent);
      const errno = this.#failed(true);
      if (errno !== 0) return -errno;
    }
  }

  sendTo(from: Uint8Array, address: Uint8Array): number {
    const { library: { symbols } } = this.#system;
    const addressLength = setSockaddr(address);
    if (addressLength < 0) return addressLength;
    const length = BigInt(lengthOf(from));
    for (;;) {
      const sent = symbols.sendto(
        this.fd,
        from,
        length,
        SEND_FLAGS,
        sockaddr,
        addressLength,
      );
      if (sent >= 0) return this.#sent(sent);
      const errno = this.#failed(true);
      if (errno !== 0) return -errno;
    }
  }

  sendMessage(
    from: Uint8Array,
    address: Uint8Array | null,
    control: Uint8Array,
  ): number {
    const { library, messages } = this.#system;
    const refused = messages.prepare(this.socket, from, address, control);
    if (refused !== 0) return -refused;
    for (;;) {
      const sent = messages.send(library, this.fd, SEND_FLAGS);
      if (sent >= 0) return this.#sent(sent);
      const errno = this.#failed(true);
      if (errno !== 0) return -errno;
    }
  }

  get wantsWritable(): boolean {
    return this.#blocked;
  }

  readable(): void {
    this.#watcher.readable();
  }

  writable(): void {
    const blocked = this.#blocked;
    this.#blocked = false;
    this.#watcher.writable();
    // Room that nobody waits for would end sleeps for nothing.
    if (blocked && !this.#blocked) this.restRoom();
  }

  /** Has {@linkcode DirectSocket.writable} called; 0 or an error number. */
  protected watchRoom(): number {
    return this.#system.readiness.watch(this.socket, true);
  }

  /** Ends {@linkcode DirectSocket.watchRoom}. */
  protected restRoom(): void {
    this.#system.readiness.watch(this.socket);
  }

  closing(): void {
    this.fd = -1;
    // Nothing will be told any more: the next call finds out.
    this.socket.ready = true;
    this.#watcher.closed();
  }

  #received(got: number, length: number): number {
    const socket = this.socket;
    if (!socket.stream) return got;
    // After a reset the kernel tells the end of the stream.
    if (got === 0 && length > 0) return -socket.broken;
    if (got < length && !socket.ended) socket.drained();
    return got;
  }

  /**
   * What a call failed with, straight after it.
   *
   * @returns An error number, or 0 to try again.
   */
  #failed(sends: boolean): number {
    const socket = this.socket;
    const code = this.#system.library.errno[0]!;
    if (this.fd < 0) return wsa.WSAENOTSOCK;
    if (code === EINTR) return 0;
    if (code === EAGAIN) {
      if (sends) return this.#block();
      socket.drained();
      return wsa.WSAEWOULDBLOCK;
    }
    if (!socket.stream) {
      return sends ? this.#sendError(code) : this.#receiveError(code);
    }
    return this.streamError(code);
  }

  /** The error of a connection that a call failed with. */
  protected streamError(code: number): number {
    const { socket } = this;
    if (code === EPIPE && socket.sendShutdown) return wsa.WSAESHUTDOWN;
    const number = winsockError(code);
    if (code !== EPIPE) socket.broken ||= number;
    return number;
  }

  #block(): number {
    this.#blocked = true;
    // Room that came back since then must be told, too.
    if (this.watchRoom() === 0) return wsa.WSAEWOULDBLOCK;
    // Nobody would ever tell.
    this.#blocked = false;
    return wsa.WSAENOBUFS;
  }

  #receiveError(code: number): number {
    const report = REPORTS.get(code);
    if (report === undefined) return winsockError(code);
    this.socket.forgetReports();
    return this.socket.reports ? report : 0;
  }

  #sendError(code: number): number {
    if (code === EDESTADDRREQ) return wsa.WSAENOTCONN;
    return this.#earlier.isIt(code) ? 0 : winsockError(code);
  }

  #sent(bytes: number): number {
    const code = this.#earlier.take();
    if (code !== 0) this.socket.report(code);
    return bytes;
  }
}
