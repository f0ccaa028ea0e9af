/**
 * The fake network: datagrams and streams between sockets of one host.
 *
 * It knows sockets and bytes; it knows nothing of queues and buffers.
 *
 * @module
 */
import {
  type AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import {
  WSAEADDRINUSE,
  WSAEADDRNOTAVAIL,
  WSAEAFNOSUPPORT,
  WSAECONNREFUSED,
  WSAECONNRESET,
  WSAEHOSTUNREACH,
  WSAEINVAL,
  WSAEMSGSIZE,
} from "../../ffi/error_numbers.ts";
import {
  type Endpoint,
  familyOf,
  isLocal,
  isWildcard,
  LOOPBACK,
  same,
  seenBy,
  unmapped,
  WILDCARD,
} from "./endpoint.ts";

const MAX_DATAGRAM = 65507;
const RECEIVE_BUFFER = 1 << 22;
const WINDOW = 1 << 20;
const FIRST_EPHEMERAL_PORT = 49152;

/** A datagram on its way or in a socket's buffer. */
export interface Datagram {
  from: Endpoint;
  to: Endpoint;
  bytes: Uint8Array;
  /** Type of service or traffic class. */
  tos: number;
}

/** What a send asks for, beside its bytes and destination. */
export interface Wish {
  /** Type of service or traffic class, with the ECN codepoint. */
  tos: number;
  /** The source address, in hexadecimal digits; `null` leaves the choice. */
  source: string | null;
}

/** A socket as the network sees it. */
export class NetSocket {
  readonly family: number;
  readonly type: number;
  readonly options = new Map<string, Uint8Array>();
  local: Endpoint | null = null;
  remote: Endpoint | null = null;
  /** The local address before there was a peer. */
  bound: Endpoint | null = null;
  closed = false;
  /** Called when there is something to receive, or room to send. */
  changed: () => void = () => {};

  /** UDP: datagrams, and an error that an ICMP message brought. */
  readonly datagrams: Datagram[] = [];
  icmp: { status: number; from: Endpoint } | null = null;
  reportsReset = true;

  /** TCP: the other end, and what it sent. */
  peer: NetSocket | null = null;
  readonly stream: Uint8Array[] = [];
  buffered = 0;
  ended = false;
  reset = false;
  /** `shutdown` was called, and the end was sent. */
  sendClosed = false;
  sendEnded = false;
  receiveEnded = false;
  backlog: NetSocket[] | null = null;
  backlogSize = 0;

  constructor(family: number, type: number) {
    this.family = family;
    this.type = type;
  }

  /** A boolean or 32-bit option. */
  option(level: number, name: number, fallback: number): number {
    const value = this.options.get(`${level} ${name}`);
    if (!value) return fallback;
    return value.reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
  }

  get isStream(): boolean {
    return this.type === SOCK_STREAM;
  }

  /** Whether it takes IPv4 as well. */
  get isDual(): boolean {
    return this.family === AF_INET6 &&
      this.option(IPPROTO_IPV6, IPV6_V6ONLY, 1) === 0;
  }
}

/** The sockets of one host and what goes on between them. */
export class Network {
  readonly sockets = new Set<NetSocket>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  /** Gives a socket a local address; returns an error number. */
  bind(socket: NetSocket, endpoint: Endpoint): number {
    if (socket.local) return WSAEINVAL;
    if (familyOf(endpoint.ip) !== socket.family) return WSAEAFNOSUPPORT;
    const { ip } = endpoint;
    if (!isWildcard(ip) && !isLocal(ip)) return WSAEADDRNOTAVAIL;
    const port = endpoint.port || this.#freePort(socket);
    if (this.#inUse(socket, { ip, port })) return WSAEADDRINUSE;
    socket.local = { ip, port };
    this.sockets.add(socket);
    return 0;
  }

  /** Gives a socket some local address if it has none. */
  autobind(socket: NetSocket): void {
    if (socket.local) return;
    const ip = WILDCARD[socket.family as typeof AF_INET];
    this.bind(socket, { ip, port: 0 });
  }

  /** Fixes the peer of a datagram socket; returns an error number. */
  connectDatagram(socket: NetSocket, to: Endpoint): number {
    const error = this.route(socket, to);
    if (error !== 0) return error;
    this.autobind(socket);
    socket.bound ??= socket.local;
    socket.local = { ip: sourceIp(socket, to), port: socket.local!.port };
    socket.remote = to;
    return 0;
  }

  /** Lets a datagram socket have no peer. */
  disconnectDatagram(socket: NetSocket): number {
    socket.local = socket.bound ?? socket.local;
    socket.bound = null;
    socket.remote = null;
    return 0;
  }

  /** Why a destination cannot be reached; 0 if it can. */
  route(socket: NetSocket, to: Endpoint): number {
    if (familyOf(to.ip) !== socket.family) return WSAEAFNOSUPPORT;
    if (to.port === 0 || isWildcard(unmapped(to.ip))) return WSAEADDRNOTAVAIL;
    if (socket.family === AF_INET6 && unmapped(to.ip).length === 8) {
      if (!socket.isDual) return WSAEADDRNOTAVAIL;
    }
    return isLocal(to.ip) ? 0 : WSAEHOSTUNREACH;
  }

  /** Sends a datagram; returns an error number. */
  sendDatagram(
    socket: NetSocket,
    to: Endpoint,
    bytes: Uint8Array,
    { tos, source }: Wish,
  ): number {
    this.autobind(socket);
    if (bytes.length > MAX_DATAGRAM) return WSAEMSGSIZE;
    const error = this.route(socket, to);
    if (error !== 0) return error;
    const ip = source === null || isWildcard(source)
      ? sourceIp(socket, to)
      : source;
    if (!isLocal(ip)) return WSAEADDRNOTAVAIL;
    const from = { ip, port: socket.local!.port };
    const receiver = this.#receiverOf(from, to);
    if (!receiver) {
      if (socket.reportsReset) {
        socket.icmp = { status: WSAECONNRESET, from: to };
        socket.changed();
      }
      return 0;
    }
    const room = receiver.option(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    if (receiver.buffered + bytes.length > room) return 0;
    receiver.buffered += bytes.length;
    receiver.datagrams.push({
      from: { ...from, ip: seenBy(receiver.family, unmapped(from.ip)) },
      to: { ...to, ip: seenBy(receiver.family, unmapped(to.ip)) },
      bytes,
      tos,
    });
    receiver.changed();
    return 0;
  }

  /** Takes the next datagram that is for this socket. */
  takeDatagram(socket: NetSocket): Datagram | undefined {
    const datagram = socket.datagrams.shift();
    if (datagram) socket.buffered -= datagram.bytes.length;
    return datagram;
  }

  /** Makes a stream socket accept. */
  listen(socket: NetSocket, backlog: number): number {
    if (!socket.local) return WSAEINVAL;
    socket.backlog ??= [];
    socket.backlogSize = backlog;
    return 0;
  }

  /** Connects a stream; returns an error number. */
  connectStream(socket: NetSocket, to: Endpoint): number {
    const error = this.route(socket, to);
    if (error !== 0) return error;
    const listener = [...this.sockets].find((other) =>
      other.backlog !== null && receives(other, to)
    );
    if (!listener || listener.backlog!.length >= listener.backlogSize) {
      return WSAECONNREFUSED;
    }
    const from = { ip: sourceIp(socket, to), port: socket.local!.port };
    const child = new NetSocket(listener.family, listener.type);
    child.local = {
      ip: seenBy(listener.family, unmapped(to.ip)),
      port: to.port,
    };
    child.remote = {
      ip: seenBy(listener.family, unmapped(from.ip)),
      port: from.port,
    };
    child.peer = socket;
    socket.local = from;
    socket.remote = to;
    socket.peer = child;
    listener.backlog!.push(child);
    listener.changed();
    return 0;
  }

  /** Hands a connection that waits over to a socket made for it. */
  adopt(child: NetSocket, socket: NetSocket): void {
    socket.local = child.local;
    socket.remote = child.remote;
    socket.peer = child.peer;
    socket.stream.push(...child.stream);
    socket.buffered = child.buffered;
    socket.ended = child.ended;
    socket.reset = child.reset;
    if (socket.peer) socket.peer.peer = socket;
    this.sockets.add(socket);
  }

  /** Whether the peer has room. */
  canSend(socket: NetSocket): boolean {
    return !socket.peer || socket.peer.buffered < WINDOW;
  }

  /** Sends bytes on a stream; returns an error number. */
  sendStream(socket: NetSocket, bytes: Uint8Array): number {
    const { peer } = socket;
    if (socket.reset || !peer || peer.closed) return WSAECONNRESET;
    if (bytes.length > 0) peer.stream.push(bytes);
    peer.buffered += bytes.length;
    peer.changed();
    return 0;
  }

  /** Moves bytes of a stream into `into`; returns how many. */
  takeStream(socket: NetSocket, into: Uint8Array): number {
    let taken = 0;
    while (taken < into.length && socket.stream.length > 0) {
      const head = socket.stream[0]!;
      const part = head.subarray(0, into.length - taken);
      into.set(part, taken);
      taken += part.length;
      if (part.length === head.length) socket.stream.shift();
      else socket.stream[0] = head.subarray(part.length);
    }
    socket.buffered -= taken;
    if (taken > 0) socket.peer?.changed();
    return taken;
  }

  /** Says that no more bytes follow. */
  endSending(socket: NetSocket): void {
    if (socket.sendEnded) return;
    socket.sendEnded = true;
    if (!socket.peer) return;
    socket.peer.ended = true;
    socket.peer.changed();
  }

  /** Closes a socket; `abort` resets its connection. */
  close(socket: NetSocket, abort: boolean): void {
    socket.closed = true;
    this.sockets.delete(socket);
    for (const child of socket.backlog ?? []) this.close(child, true);
    const { peer } = socket;
    if (!peer) return;
    if (abort || socket.buffered > 0) {
      peer.reset = true;
      peer.changed();
    } else {
      this.endSending(socket);
    }
  }

  #receiverOf(from: Endpoint, to: Endpoint): NetSocket | undefined {
    const all = [...this.sockets].filter((socket) =>
      socket.type === SOCK_DGRAM && receives(socket, to) &&
      (socket.remote === null || same(socket.remote, from))
    );
    const rank = (socket: NetSocket) =>
      (socket.remote ? 2 : 0) + (isWildcard(socket.local!.ip) ? 0 : 1);
    return all.sort((a, b) => rank(b) - rank(a))[0];
  }

  #inUse(socket: NetSocket, { ip, port }: Endpoint): boolean {
    return [...this.sockets].some((other) =>
      other.type === socket.type && other.peer === null &&
      other.family === socket.family && other.local?.port === port &&
      (other.local.ip === ip || isWildcard(other.local.ip) || isWildcard(ip))
    );
  }

  #freePort(socket: NetSocket): number {
    const ip = WILDCARD[socket.family as typeof AF_INET];
    do {
      this.#nextPort = this.#nextPort === 65535
        ? FIRST_EPHEMERAL_PORT
        : this.#nextPort + 1;
    } while (this.#inUse(socket, { ip, port: this.#nextPort }));
    return this.#nextPort;
  }
}

/** Whether a socket's local address takes what is sent to an address. */
function receives(socket: NetSocket, to: Endpoint): boolean {
  const { local } = socket;
  if (!local || local.port !== to.port) return false;
  const real = unmapped(to.ip);
  if (!isWildcard(local.ip)) return unmapped(local.ip) === real;
  return familyOf(real) === socket.family || socket.isDual;
}

function sourceIp(socket: NetSocket, to: Endpoint): string {
  const local = socket.local!.ip;
  if (!isWildcard(local)) return local;
  return seenBy(socket.family, LOOPBACK[familyOf(unmapped(to.ip))]);
}
