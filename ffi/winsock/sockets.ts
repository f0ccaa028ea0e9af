/**
 * Sockets on which request queues can be created: opening, naming, options,
 * closing.
 *
 * Source: the Microsoft reference pages of the functions named here.
 *
 * @module
 */
import {
  AF_INET6,
  INVALID_SOCKET,
  RIO_FUNCTIONS,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
  WSA_FLAG_REGISTERED_IO,
} from "../constants.ts";
import type { RioHandle } from "../contract.ts";
import {
  WSAEINPROGRESS,
  WSAEINTR,
  WSAENOTSOCK,
  WSAEOPNOTSUPP,
  WSAEWOULDBLOCK,
} from "../error_numbers.ts";
import { SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { CallPath } from "./call.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import type { Operation } from "./operations.ts";
import type { WinsockRings } from "./rings.ts";
import { forget, hold } from "./thread_end.ts";
import { readRioTable, type RioTable } from "./table.ts";
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
export interface SocketSystem {
  /** The native functions. */
  symbols: WinsockSymbols;
  /** The RIO functions that the backend calls. */
  table: RioTable;
  /** How extension functions are called. */
  path: CallPath;
  /** Whose port takes the packets of connects and accepts. */
  waits: WinsockWaits;
  /** Told of a socket that is closed: its request queue ends with it. */
  rings: WinsockRings;
}

/** The sockets of one backend. */
export class WinsockSockets {
  /** What they need of their backend. */
  protected readonly system: SocketSystem;
  #open = new Map<RioHandle, WinsockSocket>();
  /** Families and types of sockets whose provider was found to be the same. */
  #verified = new Set<string>();
  #length = new Int32Array(1);

  /**
   * Makes an empty set of sockets.
   *
   * @param system What they need of their backend.
   */
  constructor(system: SocketSystem) {
    this.system = system;
  }

  /** The socket of a handle; `undefined` once it was closed. */
  get(socket: RioHandle): WinsockSocket | undefined {
    return this.#open.get(socket);
  }

  /** Opens a socket, or returns minus an error number. */
  open(family: number, type: number, protocol: number): RioHandle {
    const kind = { family, type, protocol };
    const id = openNative(this.system.symbols, kind, WSA_FLAG_REGISTERED_IO);
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
    if (!this.#hasSameProvider(socket)) {
      closeNative(this.system.symbols, socket.handle);
      return -WSAEOPNOTSUPP;
    }
    this.#hold(socket);
    this.#open.set(id, socket);
    return id;
  }

  /** Closes a socket and what accepts for it; returns an error number. */
  close(id: RioHandle): number {
    const socket = this.#open.get(id);
    if (!socket) return WSAENOTSOCK;
    const { symbols, rings, waits } = this.system;
    rings.endRequestQueue(id);
    // First: it would be closed twice if the thread ended in between.
    const error = forget(socket.handle)
      ? closeNative(symbols, socket.handle)
      : 0;
    if (error !== 0) {
      this.#hold(socket);
      return error;
    }
    this.#open.delete(id);
    if (socket.connecting) waits.operations.release(socket.connecting);
    this.#stopAccepting(socket);
    return 0;
  }

  /** Closes the sockets of accepts that go on, which nobody else knows. */
  closeAccepting(): void {
    for (const socket of this.#open.values()) this.#stopAccepting(socket);
  }

  /** Binds a socket; returns an error number. */
  bind(id: RioHandle, address: Uint8Array): number {
    const { bind } = this.system.symbols;
    const error = this.attempt(bind, id, address, addressSize(address));
    if (error === 0) this.#open.get(id)!.bound = true;
    return error;
  }

  /** Makes a socket accept connections; returns an error number. */
  listen(id: RioHandle, backlog: number): number {
    const error = this.attempt(this.system.symbols.listen, id, backlog);
    if (error === 0) this.#open.get(id)!.listening = true;
    return error;
  }

  /** Ends one direction; returns an error number. */
  shutdown(id: RioHandle, how: number): number {
    return this.attempt(this.system.symbols.shutdown, id, how);
  }

  /** Writes the local address; returns an error number. */
  localAddress(id: RioHandle, address: Uint8Array): number {
    return this.#name(this.system.symbols.getsockname, id, address);
  }

  /** Writes the peer's address; returns an error number. */
  remoteAddress(id: RioHandle, address: Uint8Array): number {
    return this.#name(this.system.symbols.getpeername, id, address);
  }

  /** Sets an option; returns an error number. */
  setOption(
    id: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const { setsockopt } = this.system.symbols;
    return this.attempt(setsockopt, id, level, name, value, value.byteLength);
  }

  /** Reads an option; returns its length, or minus an error number. */
  getOption(
    id: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const { getsockopt } = this.system.symbols;
    const length = this.#length;
    length[0] = value.byteLength;
    const error = this.attempt(getsockopt, id, level, name, value, length);
    return error === 0 ? length[0] : -error;
  }

  /** `WSAIoctl` with an input only; returns an error number. */
  ioctl(id: RioHandle, code: number, input: Uint8Array): number {
    return this.attempt(
      this.system.symbols.WSAIoctl,
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
    const returned = call(socket.handle, ...rest);
    return returned === 0 ? 0 : lastError(this.system.symbols);
  }

  /** Has a socket closed without us, or in a hurry: what is posted is lost. */
  #hold({ handle }: WinsockSocket): void {
    const { symbols, rings } = this.system;
    hold(symbols, handle, () => {
      rings.endRequestQueue(Number(handle));
      closeNative(symbols, handle);
    });
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

  /**
   * Whether a socket has the provider that the RIO functions came from: those of
   * another would crash. Asked for the first socket of each family and type.
   */
  #hasSameProvider({ handle, family, type }: WinsockSocket): boolean {
    const kind = `${family} ${type}`;
    if (this.#verified.has(kind)) return true;
    const { symbols, table } = this.system;
    const own = readRioTable(Number(handle), symbols);
    const same = !(own instanceof Error) &&
      RIO_FUNCTIONS.every((name) => own[name] === table[name]);
    if (same) this.#verified.add(kind);
    return same;
  }

  #stopAccepting(socket: WinsockSocket): void {
    if (!socket.accepting) return;
    const { operation, socket: prepared } = socket.accepting;
    this.close(prepared);
    this.system.waits.operations.release(operation);
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
  const { family, type, protocol } = kind;
  const all = flags | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
  const socket = symbols.WSASocketW(family, type, protocol, 0n, 0, all);
  return socket === INVALID_SOCKET ? -lastError(symbols) : Number(socket);
}

/** Errors of `closesocket` after which the socket is still open. */
const STILL_OPEN = new Set<number>([WSAEINTR, WSAEWOULDBLOCK, WSAEINPROGRESS]);

/** How often a socket is closed that stays open. */
const CLOSE_TRIES = 8;

/** Closes a socket, trying again if it stays open; returns an error number. */
export function closeNative(symbols: WinsockSymbols, socket: bigint): number {
  let error = 0;
  for (let i = 0; i < CLOSE_TRIES; i++) {
    if (symbols.closesocket(socket) === 0) return 0;
    error = lastError(symbols);
    if (!STILL_OPEN.has(error)) break;
  }
  return error;
}

/** How many bytes of an address count: fewer for IPv4, and for nobody. */
export function addressSize(address: Uint8Array): number {
  return address[SOCKADDR_INET.family] === AF_INET6
    ? SOCKADDR_INET.size
    : SOCKADDR_IN_SIZE;
}
