/**
 * Sockets on which request queues can be created: opening, naming, options,
 * closing.
 *
 * Source: the Microsoft reference pages of the functions named here.
 *
 * @module
 */
import {
  AF_INET,
  INVALID_SOCKET,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
  WSA_FLAG_REGISTERED_IO,
} from "../constants.ts";
import type { RioHandle } from "../contract.ts";
import {
  WSAEINPROGRESS,
  WSAEINTR,
  WSAENOTSOCK,
  WSAEWOULDBLOCK,
} from "../error_numbers.ts";
import { SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import type { Operation } from "./operations.ts";
import type { WinsockWaits } from "./waits.ts";

/** What a socket is. */
export interface SocketKind {
  /** Address family. */
  readonly family: number;
  /** Socket type. */
  readonly type: number;
  /** Protocol. */
  readonly protocol: number;
}

/** A socket and what is known of it. */
export interface WinsockSocket extends SocketKind {
  /** The native handle. */
  readonly handle: bigint;
  /** Whether it has a local address. */
  bound: boolean;
  /** Whether it accepts connections. */
  listening: boolean;
  /** Whether its packets go to the port. */
  associated: boolean;
  /** The connect that goes on. */
  connecting: Operation | null;
  /** The accept that goes on, and the socket it accepts into. */
  accepting: { operation: Operation; socket: RioHandle } | null;
}

/** What sockets need of their backend. */
export interface SocketsOptions {
  /** The native functions. */
  symbols: WinsockSymbols;
  /** What connects and accepts go on in. */
  waits: WinsockWaits;
  /** Proves that the RIO functions belong to a socket: 0, or an error number. */
  verify: (socket: WinsockSocket) => number;
  /** Told of a socket before it is closed. */
  closing: (socket: RioHandle) => void;
}

/** The sockets of one backend. */
export class WinsockSockets {
  #symbols: WinsockSymbols;
  #waits: WinsockWaits;
  #verify: SocketsOptions["verify"];
  #closing: SocketsOptions["closing"];
  #open = new Map<RioHandle, WinsockSocket>();
  #length = new Int32Array(1);

  /**
   * Makes an empty set of sockets.
   *
   * @param options What they need of their backend.
   */
  constructor(options: SocketsOptions) {
    this.#symbols = options.symbols;
    this.#waits = options.waits;
    this.#verify = options.verify;
    this.#closing = options.closing;
  }

  /** The socket of a handle; `undefined` once it was closed. */
  get(socket: RioHandle): WinsockSocket | undefined {
    return this.#open.get(socket);
  }

  /** Opens a socket, or returns minus an error number. */
  open(family: number, type: number, protocol: number): RioHandle {
    const kind = { family, type, protocol };
    const id = openNative(this.#symbols, kind, WSA_FLAG_REGISTERED_IO);
    if (id < 0) return id;
    const socket: WinsockSocket = {
      ...kind,
      handle: BigInt(id),
      bound: false,
      listening: false,
      associated: false,
      connecting: null,
      accepting: null,
    };
    const error = this.#verify(socket);
    if (error !== 0) {
      closeNative(this.#symbols, socket.handle);
      return -error;
    }
    this.#open.set(id, socket);
    return id;
  }

  /** Closes a socket and what accepts for it; returns an error number. */
  close(id: RioHandle): number {
    const socket = this.#open.get(id);
    if (!socket) return WSAENOTSOCK;
    this.#closing(id);
    const error = closeNative(this.#symbols, socket.handle);
    if (error !== 0) return error;
    this.#open.delete(id);
    if (socket.connecting) this.#waits.operations.release(socket.connecting);
    this.#stopAccepting(socket);
    return 0;
  }

  /** Closes the sockets that nobody was given: those of accepts that go on. */
  closeAccepting(): void {
    for (const socket of this.#open.values()) this.#stopAccepting(socket);
  }

  /** Binds a socket; returns an error number. */
  bind(id: RioHandle, address: Uint8Array): number {
    const size = addressSize(address);
    const error = this.attempt(this.#symbols.bind, id, address, size);
    if (error === 0) this.#open.get(id)!.bound = true;
    return error;
  }

  /** Makes a socket accept connections; returns an error number. */
  listen(id: RioHandle, backlog: number): number {
    const error = this.attempt(this.#symbols.listen, id, backlog);
    if (error === 0) this.#open.get(id)!.listening = true;
    return error;
  }

  /** Ends one direction; returns an error number. */
  shutdown(id: RioHandle, how: number): number {
    return this.attempt(this.#symbols.shutdown, id, how);
  }

  /** Writes the local address; returns an error number. */
  localAddress(id: RioHandle, address: Uint8Array): number {
    return this.#name(this.#symbols.getsockname, id, address);
  }

  /** Writes the peer's address; returns an error number. */
  remoteAddress(id: RioHandle, address: Uint8Array): number {
    return this.#name(this.#symbols.getpeername, id, address);
  }

  /** Sets an option; returns an error number. */
  setOption(
    id: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const { byteLength } = value;
    return this.attempt(
      this.#symbols.setsockopt,
      id,
      level,
      name,
      value,
      byteLength,
    );
  }

  /** Reads an option; returns its length, or minus an error number. */
  getOption(
    id: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const length = this.#length;
    length[0] = value.byteLength;
    const error = this.attempt(
      this.#symbols.getsockopt,
      id,
      level,
      name,
      value,
      length,
    );
    return error === 0 ? length[0] : -error;
  }
  /** `WSAIoctl` with an input only; returns an error number. */
  ioctl(id: RioHandle, code: number, input: Uint8Array): number {
    return this.attempt(
      this.#symbols.WSAIoctl,
      id,
      code,
      input,
      input.byteLength,
      null,
      0,
      this.#length,
      0n,
      0n,
    );
  }

  /**
   * Makes a call that returns 0 when it succeeds.
   *
   * @param call A native function.
   * @param id The socket, its first argument.
   * @param rest Its other arguments.
   * @returns 0, or an error number.
   */
  attempt<T extends unknown[]>(
    call: (socket: bigint, ...rest: T) => number,
    id: RioHandle,
    ...rest: T
  ): number {
    const socket = this.#open.get(id);
    if (!socket) return WSAENOTSOCK;
    return call(socket.handle, ...rest) === 0 ? 0 : lastError(this.#symbols);
  }

  #name(
    call: WinsockSymbols["getsockname"],
    id: RioHandle,
    address: Uint8Array,
  ): number {
    this.#length[0] = SOCKADDR_INET.size;
    address.fill(0, 0, SOCKADDR_INET.size);
    return this.attempt(call, id, address, this.#length);
  }

  #stopAccepting(socket: WinsockSocket): void {
    if (!socket.accepting) return;
    const { operation, socket: prepared } = socket.accepting;
    socket.accepting = null;
    this.close(prepared);
    this.#waits.operations.release(operation);
  }
}

/**
 * Opens a socket that child processes do not inherit.
 *
 * @param symbols The native functions.
 * @param kind What the socket is.
 * @param flags More flags of `WSASocketW`.
 * @returns The socket, or minus an error number.
 */
export function openNative(
  symbols: WinsockSymbols,
  kind: SocketKind,
  flags = 0,
): RioHandle {
  const socket = symbols.WSASocketW(
    kind.family,
    kind.type,
    kind.protocol,
    0n,
    0,
    flags | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT,
  );
  return socket === INVALID_SOCKET ? -lastError(symbols) : Number(socket);
}

/** The answers of `closesocket` after which the socket is still open. */
const STILL_OPEN: ReadonlySet<number> = new Set([
  WSAEINTR,
  WSAEWOULDBLOCK,
  WSAEINPROGRESS,
]);

/** Closes a socket, once more if it was left open; returns an error number. */
export function closeNative(symbols: WinsockSymbols, socket: bigint): number {
  if (symbols.closesocket(socket) === 0) return 0;
  const error = lastError(symbols);
  if (!STILL_OPEN.has(error) || symbols.closesocket(socket) !== 0) return error;
  return 0;
}

/** Bytes of a socket address of that family. */
export function addressSize(address: Uint8Array): number {
  return address[SOCKADDR_INET.family] === AF_INET
    ? SOCKADDR_IN_SIZE
    : SOCKADDR_INET.size;
}
