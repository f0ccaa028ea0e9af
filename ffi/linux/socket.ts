/**
 * One socket: its file descriptor, how it gets connected, and what a request
 * queue has to know of it.
 *
 * @module
 */
import * as wsa from "../error_numbers.ts";
import { SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { ControlChoice, FamilyChoice } from "./control.ts";
import { hold, release } from "./descriptors.ts";
import { GONE, winsockError } from "./errno.ts";
import { EAGAIN, EINPROGRESS, EINTR } from "./errno_numbers.ts";
import type { Handled } from "./handles.ts";
import type { LinuxLibrary } from "./library.ts";
import {
  copySockaddr,
  setSockaddr,
  sockaddr,
  sockaddrLength,
} from "./sockaddr.ts";
import * as linux from "./numbers.ts";
import type { Readiness, Source } from "./readiness.ts";
import { askForReports, forgetReports, REPORTS } from "./reports.ts";

/** Who moves the data of a socket, as the socket knows it. */
export interface SocketUser {
  /** Who waits for what arrives. */
  readonly receives: { readable(): void };
  /** Who waits for room. */
  readonly sends: Pick<Source, "wantsWritable" | "writable">;
  /** Sending is about to be ended: what was posted before leaves first. */
  flush?(): void;
  /** The socket is about to be closed: ends every request. */
  closing(): void;
}

const NOTHING: FamilyChoice = {
  packetInfo: false,
  receivesTos: false,
  receivesEcn: false,
};

/** Flags of a descriptor that never blocks and that no child process gets. */
export const SOCK_FLAGS: number = linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC;

/** What the sockets of a backend share. */
export interface SocketSystem {
  readonly library: LinuxLibrary;
  /** Who tells when a connection may be there. */
  readonly readiness: Readiness;
}

/** A socket, owning its file descriptor until it is closed. */
export class LinuxSocket implements Handled, Source {
  handle = 0;
  interest = 0;
  readonly fd: number;
  /** Whether it is TCP; otherwise UDP. */
  readonly stream: boolean;
  /** The one request queue, once there is one. */
  user: SocketUser | null = null;
  /** Who moves data without requests, if anybody does. */
  direct: SocketUser | null = null;

  /** Which control messages its options ask for. */
  controlChoice: ControlChoice = { ipv4: NOTHING, ipv6: NOTHING };
  /** The type of service that its options ask for, as the kernel took it. */
  tos = 0;
  /** The same of IPv6, its traffic class. */
  trafficClass = 0;
  /** `SIO_UDP_CONNRESET`: whether an ICMP error fails a receive. */
  reports = true;
  /** The error that the next receive reports: a send ran into it. */
  #report = 0;
  /** Whether the kernel is to report all it hears, while there is a peer. */
  #wantsReports = false;
  /** Whether it does, and keeps copies. */
  #hasReports = false;
  /**
   * The error that broke a connection: the end of the stream means it, too.
   * None is `EPIPE`, which a connection has whose peer sent all, and then reset
   * it: that stream came to its end.
   */
  broken = 0;
  /** Whether this side ended sending. */
  sendShutdown = false;
  /**
   * Whether a receive may get something; once `false`, until epoll tells of
   * more. Cleared only while epoll watches.
   */
  ready = true;
  /** Whether there is more to receive than data: an end, an error. */
  ended = false;

  readonly #system: SocketSystem;
  #connection: "none" | "pending" | "made";
  /** Why the last connect failed. */
  #connectError = 0;
  /** What to report when a connect has ended; `null` when nobody waits. */
  #connectKey: number | null = null;
  /** What to report when a connection arrives; `null` when nobody waits. */
  #acceptKey: number | null = null;
  #local: DataView | null = null;
  /** Where a datagram socket was bound before it was connected. */
  #bound: Uint8Array | null = null;
  #remote: DataView | null = null;

  /** Takes a file descriptor over. */
  constructor(
    system: SocketSystem,
    options: { fd: number; stream: boolean; connected?: boolean },
  ) {
    this.#system = system;
    this.fd = options.fd;
    this.stream = options.stream;
    this.#connection = options.connected ? "made" : "none";
  }

  get wantsWritable(): boolean {
    return this.#connection === "pending" ||
      (this.user?.sends.wantsWritable ?? false) ||
      (this.direct?.sends.wantsWritable ?? false);
  }

  readable(ended: boolean): void {
    this.ready = true;
    this.ended ||= ended;
    if (this.#acceptKey !== null) {
      this.#system.readiness.fire(this.#acceptKey);
      this.#acceptKey = null;
    }
    this.user?.receives.readable();
    this.direct?.receives.readable();
  }

  /**
   * `SIO_UDP_NETRESET`: says whether the kernel is to report also what it takes
   * to pass, for example that hops were used up.
   */
  setReports(on: boolean): void {
    this.#wantsReports = on;
    this.#askForReports(this.#connection === "made");
  }

  /** Only of the peer: what else was sent somewhere is nobody's business. */
  #askForReports(hasPeer: boolean): void {
    const all = this.#wantsReports && hasPeer;
    if (all === this.#hasReports) return;
    this.#hasReports = all;
    const { library } = this.#system;
    askForReports(library, this.fd, all);
    if (!all) forgetReports(library, this.fd);
  }

  /** Throws the kernel's copies of errors away that it tells as well. */
  forgetReports(): void {
    if (this.#hasReports) forgetReports(this.#system.library, this.fd);
  }

  /** Takes note of the kernel's error for an earlier datagram; 0 for none. */
  report(code: number): void {
    if (code === 0 || !this.reports) return;
    const report = REPORTS.get(code) ?? 0;
    if (report === 0) return;
    this.#report = report;
    // Epoll tells of it no more: the send has taken it.
    this.readable(this.ended);
  }

  /** What a receive has to report before it receives; 0 for nothing. */
  takeReport(): number {
    const report = this.#report;
    if (report !== 0) this.#report = 0;
    return this.reports ? report : 0;
  }

  /** Takes note that the kernel has nothing more to receive now. */
  drained(): void {
    if (this.ended) this.forgetReports();
    this.ended = false;
    // What nobody watches is tried again by everybody who looks.
    this.ready = this.interest === 0;
  }

  writable(): void {
    // Kept until somebody has asked for the outcome: this may be too early.
    this.#fire(this.#connectKey);
    this.user?.sends.writable();
    this.direct?.sends.writable();
  }

  /** Connects; 1, minus an error number, or 0 when `key` will be reported. */
  connect(address: Uint8Array, key: number): number {
    const { symbols, errno } = this.#system.library;
    if (!this.stream) {
      if (isNobody(address)) return this.#disconnect();
      this.#bound ??= this.#localNow();
    }
    const length = setSockaddr(address);
    if (length < 0) return length;
    this.forgetLocal();
    let result: number;
    do result = symbols.connect(this.fd, sockaddr, length); while (
      result < 0 && errno[0] === EINTR && !this.stream
    );
    if (result === 0) {
      this.#askForReports(true);
      return this.#endConnect(0);
    }
    const code = errno[0]!;
    // An interrupted connect goes on like one that takes its time.
    if (code !== EINPROGRESS && code !== EINTR) return -winsockError(code);
    this.#connection = "pending";
    this.#connectError = 0;
    const unwatched = this.#system.readiness.watch(this);
    if (unwatched !== 0) return this.#endConnect(unwatched);
    this.#connectKey = key;
    return 0;
  }

  /** Ends a datagram socket's association: an address without a family. */
  #disconnect(): number {
    const { symbols, errno } = this.#system.library;
    this.forgetLocal();
    this.#askForReports(false);
    sockaddr.fill(0);
    if (symbols.connect(this.fd, sockaddr, SOCKADDR_IN_SIZE) < 0) {
      return -winsockError(errno[0]!);
    }
    const bound = this.#bound;
    this.#bound = null;
    // A port that the kernel had chosen is gone with the association.
    if (
      bound !== null && portOf(bound) !== 0 && portOf(this.#localNow()) === 0 &&
      this.#bind(bound) < 0
    ) return -winsockError(errno[0]!);
    return this.#endConnect(0);
  }

  #bind(address: Uint8Array): number {
    const length = setSockaddr(address);
    return this.#system.library.symbols.bind(this.fd, sockaddr, length);
  }

  #localNow(): Uint8Array {
    const local = new Uint8Array(SOCKADDR_INET.size);
    this.address("getsockname", local);
    return local;
  }

  /** The outcome of a connect, for who waits for it: nobody does afterwards. */
  takeOutcome(): number {
    const outcome = this.outcome();
    if (outcome !== 0) this.#connectKey = null;
    return outcome;
  }

  /** The outcome of a connect: 1, minus an error number, or 0 for not yet. */
  outcome(): number {
    if (this.#connection === "made") return 1;
    if (this.#connection === "none") {
      return -(this.#connectError || wsa.WSAENOTCONN);
    }
    const { symbols, errno } = this.#system.library;
    const value = new Uint8Array(4);
    const length = new Uint32Array([value.length]);
    const { SOL_SOCKET, SO_ERROR } = linux;
    if (
      symbols.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value, length) < 0
    ) return this.#endConnect(winsockError(errno[0]!));
    const code = value[0]!;
    if (code !== 0) return this.#endConnect(winsockError(code));
    const peer = new Uint8Array(SOCKADDR_INET.size);
    const unknown = this.address("getpeername", peer);
    // Asked too early: the outcome is told again.
    return unknown === wsa.WSAENOTCONN ? 0 : this.#endConnect(unknown);
  }

  /**
   * Accepts a connection.
   *
   * @returns Its socket, minus an error number, or 0 when `key` will be
   * reported.
   */
  accept(key: number): LinuxSocket | number {
    const { library, readiness } = this.#system;
    // The kernel's answer would be taken for the error of one connection.
    if (!this.stream) return -wsa.WSAEOPNOTSUPP;
    for (;;) {
      const fd = library.symbols.accept4(this.fd, 0n, 0n, SOCK_FLAGS);
      if (fd >= 0) {
        hold(library, fd);
        const connection = { fd, stream: true, connected: true };
        return new LinuxSocket(this.#system, connection);
      }
      const code = library.errno[0]!;
      if (code === EINTR || GONE.has(code)) continue;
      if (code !== EAGAIN) return -winsockError(code);
      this.#acceptKey = key;
      // A connection that came in the meantime must be told, too.
      return 0 - readiness.watch(this, true);
    }
  }

  /** Writes the local or the peer's address into 28 bytes. */
  address(
    call: "getsockname" | "getpeername",
    address: Uint8Array,
  ): number {
    if (address.length < SOCKADDR_INET.size) return wsa.WSAEFAULT;
    const { symbols, errno } = this.#system.library;
    sockaddrLength[0] = sockaddr.length;
    const result = symbols[call](this.fd, sockaddr, sockaddrLength);
    if (result < 0) return winsockError(errno[0]!);
    copySockaddr(address);
    return 0;
  }

  /** The local address for receives, asked for once until it changes. */
  get local(): DataView {
    if (this.#local !== null) return this.#local;
    const local = new DataView(new ArrayBuffer(SOCKADDR_INET.size));
    this.address("getsockname", new Uint8Array(local.buffer));
    // Without a port it is not bound yet, and will be.
    if (local.getUint16(SOCKADDR_INET.port) !== 0) this.#local = local;
    return local;
  }

  /** Makes the next receive ask for the local address: it may change. */
  forgetLocal(): void {
    this.#local = null;
  }

  /** The address of a connection's peer for receives, asked for once. */
  get remote(): DataView {
    if (this.#remote !== null) return this.#remote;
    const remote = new DataView(new ArrayBuffer(SOCKADDR_INET.size));
    const errno = this.address("getpeername", new Uint8Array(remote.buffer));
    if (errno === 0) this.#remote = remote;
    return remote;
  }

  /** Ends its requests, then closes the descriptor. */
  close(): void {
    this.user?.closing();
    this.direct?.closing();
    this.#system.readiness.forget(this);
    // Whoever waits for a connection looks again and finds it closed.
    this.#fire(this.#acceptKey);
    this.#fire(this.#connectKey);
    release(this.#system.library, this.fd);
  }

  #fire(key: number | null): void {
    if (key !== null) this.#system.readiness.fire(key);
  }

  #endConnect(errno: number): number {
    this.#connection = errno === 0 ? "made" : "none";
    this.#connectError = errno;
    return errno === 0 ? 1 : -errno;
  }
}

function isNobody(address: Uint8Array): boolean {
  return address.length >= SOCKADDR_INET.size && address[0] === 0 &&
    address[1] === 0;
}

function portOf(address: Uint8Array): number {
  return address[SOCKADDR_INET.port]! << 8 | address[SOCKADDR_INET.port + 1]!;
}
