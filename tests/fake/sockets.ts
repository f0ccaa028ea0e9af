/**
 * The socket functions of the fake system: sockets by handle, and overlapped
 * connects and accepts.
 *
 * @module
 */
import {
  AF_INET,
  AF_INET6,
  SD_BOTH,
  SD_RECEIVE,
  SD_SEND,
  SO_ERROR,
  SO_LINGER,
  SO_TYPE,
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  WSA_FLAG_REGISTERED_IO,
} from "../../ffi/constants.ts";
import {
  ERROR_NOT_FOUND,
  WSA_IO_INCOMPLETE,
  WSA_IO_PENDING,
  WSA_OPERATION_ABORTED,
  WSAEAFNOSUPPORT,
  WSAECONNREFUSED,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOPROTOOPT,
  WSAENOTCONN,
  WSAENOTSOCK,
  WSAEOPNOTSUPP,
} from "../../ffi/error_numbers.ts";
import { OVERLAPPED } from "../../ffi/layout.ts";
import type { Clock } from "./clock.ts";
import { isOption } from "./options.ts";
import { readEndpoint, writeEndpoint } from "./endpoint.ts";
import type { Handles } from "./handles.ts";
import { bytesAt } from "./memory.ts";
import { NetSocket, type Network } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import type { Rio } from "./rio.ts";

const STATUS_PENDING = 0x103n;
/** Statuses that end an overlapped call, and the errors they stand for. */
const STATUSES: readonly (readonly [status: bigint, errno: number])[] = [
  [0n, 0],
  [0xC0000120n, WSA_OPERATION_ABORTED],
  [0xC0000236n, WSAECONNREFUSED],
  [0xC000000Dn, WSAEINVAL],
];

interface Accept {
  child: FakeSocket;
  overlapped: bigint;
}

/** A socket with its handle. */
export interface FakeSocket {
  readonly handle: bigint;
  readonly net: NetSocket;
  readonly flagged: boolean;
  port: { handle: bigint; key: bigint } | null;
  accepts: Accept[];
  connecting: bigint | null;
  /** Connected or accepted, and not yet told so. */
  unfinished: boolean;
}

/** What the sockets need of their system. */
export interface SocketsOptions {
  clock: Clock;
  oracle: Oracle;
  network: Network;
  handles: Handles;
  rio: () => Rio;
  /** Leaves a number for `WSAGetLastError`. */
  fail: (errno: number) => void;
}

/** The sockets of one fake system. */
export class Sockets {
  readonly open = new Map<bigint, FakeSocket>();
  /** Ports at which nobody answers, and who tries to connect to them. */
  readonly quiet = new Map<number, (() => void)[]>();
  #options: SocketsOptions;
  #next = 0x1_0000_0100n;

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  /** `WSASocketW`; 0 if it fails. */
  create(family: number, type: number, flags: number): bigint {
    if (family !== AF_INET && family !== AF_INET6) {
      return this.#fail(WSAEAFNOSUPPORT, 0n);
    }
    if (type !== SOCK_DGRAM && type !== SOCK_STREAM) {
      return this.#fail(WSAEINVAL, 0n);
    }
    const handle = this.#next;
    this.#next += 4n;
    this.open.set(handle, {
      handle,
      net: new NetSocket(family, type),
      flagged: (flags & WSA_FLAG_REGISTERED_IO) !== 0,
      port: null,
      accepts: [],
      connecting: null,
      unfinished: false,
    });
    return handle;
  }

  close(handle: bigint): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    this.open.delete(handle);
    const { net } = socket;
    const linger = net.options.get(`${SOL_SOCKET} ${SO_LINGER}`);
    const abort = linger !== undefined && linger[0] === 1 && linger[2] === 0;
    this.#options.network.close(net, abort);
    this.#options.rio().socketClosed(net);
    for (const { overlapped } of socket.accepts.splice(0)) {
      this.#finish(socket, overlapped, WSA_OPERATION_ABORTED);
    }
    if (socket.connecting !== null) {
      this.#finish(socket, socket.connecting, WSA_OPERATION_ABORTED);
      socket.connecting = null;
    }
    return 0;
  }

  bind(handle: bigint, name: Uint8Array): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    const endpoint = readEndpoint(name);
    if (!endpoint) return this.#fail(WSAEFAULT, -1);
    return this.#answer(this.#options.network.bind(socket.net, endpoint));
  }

  /** `connect`, which only datagram sockets can do without blocking. */
  connect(handle: bigint, name: Uint8Array): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    if (socket.net.isStream) {
      this.#options.oracle.record("connect: a stream socket would block");
      return this.#fail(WSAEOPNOTSUPP, -1);
    }
    const { network } = this.#options;
    if (name.length > 0 && name.every((byte) => byte === 0)) {
      return this.#answer(network.disconnectDatagram(socket.net));
    }
    const endpoint = readEndpoint(name);
    if (!endpoint) return this.#fail(WSAEFAULT, -1);
    return this.#answer(network.connectDatagram(socket.net, endpoint));
  }

  listen(handle: bigint, backlog: number): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    if (!socket.net.isStream) return this.#fail(WSAEOPNOTSUPP, -1);
    const error = this.#options.network.listen(socket.net, backlog);
    socket.net.changed = () => this.#serve(socket);
    return this.#answer(error);
  }

  shutdown(handle: bigint, how: number): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    const { net } = socket;
    if (!net.remote || socket.unfinished) return this.#fail(WSAENOTCONN, -1);
    if (how === SD_SEND || how === SD_BOTH) {
      net.sendClosed = true;
      this.#options.clock.later(() => this.#options.rio().endSending(net));
    }
    if (how === SD_RECEIVE || how === SD_BOTH) {
      net.receiveEnded = true;
      net.changed();
    }
    return 0;
  }

  /** `getsockname` and `getpeername`. */
  name(
    handle: bigint,
    which: "local" | "remote",
    name: Uint8Array,
    length: Int32Array,
  ): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    const missing = which === "local" ? WSAEINVAL : WSAENOTCONN;
    const endpoint = socket.net[which];
    if (!endpoint || which === "remote" && socket.unfinished) {
      return this.#fail(missing, -1);
    }
    if (length[0]! < (socket.net.family === AF_INET ? 16 : 28)) {
      return this.#fail(WSAEFAULT, -1);
    }
    length[0] = writeEndpoint(name, endpoint);
    return 0;
  }

  setOption(
    handle: bigint,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    if (
      level === SOL_SOCKET && (name === SO_UPDATE_CONNECT_CONTEXT ||
        name === SO_UPDATE_ACCEPT_CONTEXT)
    ) {
      if (!socket.unfinished) return this.#fail(WSAENOTCONN, -1);
      socket.unfinished = false;
      return 0;
    }
    if (!isOption(level, name)) return this.#fail(WSAENOPROTOOPT, -1);
    socket.net.options.set(`${level} ${name}`, value.slice());
    return 0;
  }

  getOption(
    handle: bigint,
    level: number,
    name: number,
    value: Uint8Array,
    length: Int32Array,
  ): number {
    const socket = this.#socket(handle);
    if (!socket) return -1;
    if (!isOption(level, name)) return this.#fail(WSAENOPROTOOPT, -1);
    let known = socket.net.options.get(`${level} ${name}`) ?? new Uint8Array(4);
    if (level === SOL_SOCKET && name === SO_TYPE) {
      known = new Uint8Array([socket.net.type, 0, 0, 0]);
    }
    if (level === SOL_SOCKET && name === SO_ERROR) known = new Uint8Array(4);
    if (length[0]! < known.length) return this.#fail(WSAEFAULT, -1);
    value.set(known);
    length[0] = known.length;
    return 0;
  }

  /** `CreateIoCompletionPort` with a socket; whether it could be done. */
  associate(handle: bigint, port: bigint, key: bigint): boolean {
    const socket = this.#socket(handle);
    if (!socket) return false;
    if (socket.port || !this.#options.handles.isPort(port)) {
      return this.#fail(87, false);
    }
    socket.port = { handle: port, key };
    return true;
  }

  /** `ConnectEx`. */
  connectEx(handle: bigint, name: bigint, size: number, ov: bigint): number {
    const socket = this.#socket(handle);
    if (!socket) return 0;
    const { net } = socket;
    const endpoint = readEndpoint(bytesAt(name, size));
    if (!endpoint) return this.#fail(WSAEFAULT, 0);
    if (!net.local || socket.connecting !== null) {
      return this.#fail(WSAEINVAL, 0);
    }
    if (ov === 0n || !socket.port) return this.#fail(WSAEINVAL, 0);
    setStatus(ov, STATUS_PENDING);
    socket.connecting = ov;
    const connect = () => {
      if (socket.connecting !== ov) return;
      socket.connecting = null;
      const error = this.#options.network.connectStream(net, endpoint);
      socket.unfinished = error === 0;
      this.#finish(socket, ov, error);
    };
    const quiet = this.quiet.get(endpoint.port);
    if (quiet) quiet.push(connect);
    else this.#options.clock.later(connect);
    return this.#fail(WSA_IO_PENDING, 0);
  }

  /** Answers those who tried to connect to a port meanwhile. */
  answer(port: number): void {
    const waiting = this.quiet.get(port) ?? [];
    this.quiet.delete(port);
    for (const connect of waiting) this.#options.clock.later(connect);
  }

  /** `AcceptEx`. */
  acceptEx(
    handle: bigint,
    childHandle: bigint,
    output: bigint,
    sizes: readonly [data: number, local: number, remote: number],
    ov: bigint,
  ): number {
    const socket = this.#socket(handle);
    const child = this.#socket(childHandle);
    if (!socket || !child) return 0;
    const least = (socket.net.family === AF_INET ? 16 : 28) + 16;
    if (sizes[1] < least || sizes[2] < least || output === 0n) {
      return this.#fail(WSAEINVAL, 0);
    }
    if (!socket.net.backlog || ov === 0n || !socket.port || child.net.local) {
      return this.#fail(WSAEINVAL, 0);
    }
    setStatus(ov, STATUS_PENDING);
    socket.accepts.push({ child, overlapped: ov });
    this.#serve(socket);
    return this.#fail(WSA_IO_PENDING, 0);
  }

  /** `CancelIoEx`. */
  cancel(handle: bigint, overlapped: bigint): number {
    const socket = this.#socket(handle);
    if (!socket) return 0;
    const at = socket.accepts.findIndex((one) => one.overlapped === overlapped);
    if (at >= 0) socket.accepts.splice(at, 1);
    else if (socket.connecting === overlapped) socket.connecting = null;
    else return this.#fail(ERROR_NOT_FOUND, 0);
    this.#finish(socket, overlapped, WSA_OPERATION_ABORTED);
    return 1;
  }

  /** `WSAGetOverlappedResult` without waiting. */
  overlappedResult(handle: bigint, overlapped: bigint): number {
    if (!this.#socket(handle)) return 0;
    const status = new DataView(bytesAt(overlapped, OVERLAPPED.size).buffer)
      .getBigUint64(OVERLAPPED.internal, true);
    if (status === STATUS_PENDING) return this.#fail(WSA_IO_INCOMPLETE, 0);
    const errno = STATUSES.find((pair) => pair[0] === status)?.[1] ?? WSAEINVAL;
    return errno === 0 ? 1 : this.#fail(errno, 0);
  }

  /** Gives waiting connections to accepts that wait, a round later. */
  #serve(socket: FakeSocket): void {
    this.#options.clock.later(() => {
      const { backlog } = socket.net;
      while (backlog && backlog.length > 0 && socket.accepts.length > 0) {
        const { child, overlapped } = socket.accepts.shift()!;
        this.#options.network.adopt(backlog.shift()!, child.net);
        child.unfinished = true;
        this.#finish(socket, overlapped, 0);
      }
    });
  }

  /** Ends an overlapped call: writes its status, then sends its packet. */
  #finish(socket: FakeSocket, overlapped: bigint, errno: number): void {
    const { port } = socket;
    this.#options.clock.later(() => {
      const status = STATUSES.find((pair) => pair[1] === errno)?.[0] ??
        0xC000000Dn;
      setStatus(overlapped, status);
      if (port) this.#options.handles.post(port.handle, port.key, overlapped);
    });
  }

  #socket(handle: bigint): FakeSocket | undefined {
    const socket = this.open.get(handle);
    if (!socket) this.#options.fail(WSAENOTSOCK);
    return socket;
  }

  #answer(errno: number): number {
    return errno === 0 ? 0 : this.#fail(errno, -1);
  }

  #fail<T>(errno: number, answer: T): T {
    this.#options.fail(errno);
    return answer;
  }
}

function setStatus(overlapped: bigint, status: bigint): void {
  new DataView(bytesAt(overlapped, OVERLAPPED.size).buffer)
    .setBigUint64(OVERLAPPED.internal, status, true);
}
