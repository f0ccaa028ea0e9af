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
import type { Operation, Operations } from "./operations.ts";

const FLAGS = WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED |
  WSA_FLAG_NO_HANDLE_INHERIT;

/** A socket and what is known of it. */
export interface WinsockSocket {
  /** The native handle. */
  readonly handle: bigint;
  /** Address family. */
  readonly family: number;
  /** Socket type. */
  readonly type: number;
  /** Protocol. */
  readonly protocol: number;
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
  /** Accounts for connects and accepts that go on. */
  operations: Operations;
  /** Proves that the RIO functions belong to a socket: 0, or an error number. */
  verify: (socket: WinsockSocket) => number;
  /** Told of a socket before it is closed. */
  closing: (socket: RioHandle) => void;
}

/** The sockets of one backend. */
export class WinsockSockets {
  #symbols: WinsockSymbols;
  #operations: Operations;
  #verify: SocketsOptions["verify"];
  #closing: SocketsOptions["closing"];
  #open = new Map<RioHandle, WinsockSocket>();
  #length = new Int32Array(1);
  #dword = new Uint32Array(1);

  /**
   * Makes an empty set of sockets.
   *
   * @param options What they need of their backend.
   */
  constructor(options: SocketsOptions) {
    this.#symbols = options.symbols;
    this.#operations = options.operations;
    this.#verify = options.verify;
    this.#closing = options.closing;
  }

  /** The socket of a handle; `undefined` once it was closed. */
  get(socket: RioHandle): WinsockSocket | undefined {
    return this.#open.get(socket);
  }

  /** Opens a socket, or returns minus an error number. */
  open(family: number, type: number, protocol: number): RioHandle {
    const handle = this.#symbols.WSASocketW(
      family,
      type,
      protocol,
      0n,
      0,
      FLAGS,
    );
    if (handle === INVALID_SOCKET) return -this.#error();
    const socket: WinsockSocket = {
      handle,
      family,
      type,
      protocol,
      bound: false,
      listening: false,
      associated: false,
      connecting: null,
      accepting: null,
    };
    const error = this.#verify(socket);
    if (error !== 0) {
      closeNative(this.#symbols, handle);
      return -error;
    }
    const id = Number(handle);
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
    const { connecting, accepting } = socket;
    if (connecting) this.#operations.release(connecting);
    if (accepting) {
      this.close(accepting.socket);
      this.#operations.release(accepting.operation);
    }
    return 0;
  }

  /** Closes the sockets that nobody was given: those of accepts that go on. */
  closeAccepting(): void {
    for (const socket of [...this.#open.values()]) {
      if (!socket.accepting) continue;
      const { operation, socket: prepared } = socket.accepting;
      socket.accepting = null;
      this.close(prepared);
      this.#operations.release(operation);
    }
  }

  /** Binds a socket; returns an error number. */
  bind(id: RioHandle, address: Uint8Array): number {
    const socket = this.#open.get(id);
    if (!socket) return WSAENOTSOCK;
    const failed = this.#symbols.bind(
      socket.handle,
      address,
      addressSize(address),
    );
    if (failed !== 0) return this.#error();
    socket.bound = true;
    return 0;
  }

  /** Makes a socket accept connections; returns an error number. */
  listen(id: RioHandle, backlog: number): number {
    const socket = this.#open.get(id);
    if (!socket) return WSAENOTSOCK;
    if (this.#symbols.listen(socket.handle, backlog) !== 0) {
      return this.#error();
    }
    socket.listening = true;
    return 0;
  }

  /** Ends one direction; returns an error number. */
  shutdown(id: RioHandle, how: number): number {
    return this.#symbols.shutdown(this.#handle(id), how) === 0
      ? 0
      : this.#error();
  }

  /** Writes the local address; returns an error number. */
  localAddress(id: RioHandle, address: Uint8Array): number {
    return this.#name("getsockname", id, address);
  }

  /** Writes the peer's address; returns an error number. */
  remoteAddress(id: RioHandle, address: Uint8Array): number {
    return this.#name("getpeername", id, address);
  }

  /** Sets an option; returns an error number. */
  setOption(
    id: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const failed = this.#symbols.setsockopt(
      this.#handle(id),
      level,
      name,
      value,
      value.byteLength,
    );
    return failed === 0 ? 0 : this.#error();
  }

  /** Reads an option; returns its length, or minus an error number. */
  getOption(
    id: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    this.#length[0] = value.byteLength;
    const failed = this.#symbols.getsockopt(
      this.#handle(id),
      level,
      name,
      value,
      this.#length,
    );
    return failed === 0 ? this.#length[0] : -this.#error();
  }

  /** `WSAIoctl` with an input only; returns an error number. */
  ioctl(id: RioHandle, code: number, input: Uint8Array): number {
    const failed = this.#symbols.WSAIoctl(
      this.#handle(id),
      code,
      input,
      input.byteLength,
      null,
      0,
      this.#dword,
      0n,
      0n,
    );
    return failed === 0 ? 0 : this.#error();
  }

  #name(
    call: "getsockname" | "getpeername",
    id: RioHandle,
    address: Uint8Array,
  ): number {
    this.#length[0] = SOCKADDR_INET.size;
    address.fill(0, 0, SOCKADDR_INET.size);
    const failed = this.#symbols[call](
      this.#handle(id),
      address,
      this.#length,
    );
    return failed === 0 ? 0 : this.#error();
  }

  #handle(id: RioHandle): bigint {
    return this.#open.get(id)?.handle ?? INVALID_SOCKET;
  }

  #error(): number {
    return lastError(this.#symbols);
  }
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
