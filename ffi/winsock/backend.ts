/**
 * The contract on Winsock: the 13 functions, and the socket and wait calls that
 * go with them.
 *
 * @module
 */
import { RIO_FUNCTIONS } from "../constants.ts";
import type {
  RioBackend,
  RioBackendName,
  RioCapabilities,
  RioHandle,
  RioNotification,
  RioNotificationKind,
} from "../contract.ts";
import { WSAEOPNOTSUPP } from "../error_numbers.ts";
import { FrameMemory, NativeFunction, type Prepare } from "./call.ts";
import { WinsockConnections } from "./connections.ts";
import { prepareRio } from "./functions.ts";
import type { WinsockSymbols } from "./library.ts";
import { RioCalls } from "./rio_calls.ts";
import { type WinsockSocket, WinsockSockets } from "./sockets.ts";
import { resolveRioTable, type RioTable } from "./table.ts";
import { Waiter, type WinsockNotification } from "./waiter.ts";

/** How function pointers are called. */
export interface CallOptions {
  /**
   * Call through `DispCallFunc` where there is one, and not through
   * `Deno.UnsafeFnPointer`.
   *
   * @default {true}
   */
  dispatch?: boolean;
}

/** Registered I/O of Winsock. */
export class WinsockBackend extends RioCalls implements RioBackend {
  /** Which system this is. */
  readonly name: RioBackendName = "winsock";
  readonly capabilities: RioCapabilities = {
    reusePort: false,
    brokenPipe: false,
  };

  #symbols: WinsockSymbols;
  #table: RioTable;
  #waiter: Waiter;
  #sockets: WinsockSockets;
  #connections: WinsockConnections;
  #verified = new Set<string>();
  #closed = false;

  /**
   * Prepares the functions of a table.
   *
   * @param symbols The native functions; Winsock is started.
   * @param table The addresses of the 13 functions.
   * @param options How they are called.
   */
  constructor(symbols: WinsockSymbols, table: RioTable, options: CallOptions) {
    const { dispatch = true } = options;
    const frames = new FrameMemory();
    const prepare: Prepare = (address, signature) =>
      new NativeFunction(address, signature, {
        frames,
        dispCallFunc: dispatch ? symbols.DispCallFunc : null,
      });
    super({ symbols, functions: prepareRio(table, prepare), frames });
    this.#symbols = symbols;
    this.#table = table;
    const waiter = this.#waiter = new Waiter(symbols);
    const sockets = this.#sockets = new WinsockSockets({
      symbols,
      operations: waiter.operations,
      verify: (socket) => this.#verify(socket),
    });
    this.#connections = new WinsockConnections({
      symbols,
      sockets,
      waiter,
      prepare,
    });
  }

  openSocket(family: number, type: number, protocol: number): RioHandle {
    return this.#sockets.open(family, type, protocol);
  }

  closeSocket(socket: RioHandle): number {
    this.endRequestQueue(socket);
    return this.#sockets.close(socket);
  }

  bind(socket: RioHandle, address: Uint8Array): number {
    return this.#sockets.bind(socket, address);
  }

  listen(socket: RioHandle, backlog: number): number {
    return this.#sockets.listen(socket, backlog);
  }

  localAddress(socket: RioHandle, address: Uint8Array): number {
    return this.#sockets.name("getsockname", socket, address);
  }

  remoteAddress(socket: RioHandle, address: Uint8Array): number {
    return this.#sockets.name("getpeername", socket, address);
  }

  connect(socket: RioHandle, address: Uint8Array, key: number): number {
    return this.#connections.connect(socket, address, key);
  }

  connected(socket: RioHandle): number {
    return this.#connections.connected(socket);
  }

  accept(listener: RioHandle, key: number): RioHandle {
    return this.#connections.accept(listener, key);
  }

  shutdown(socket: RioHandle, how: number): number {
    return this.#sockets.shutdown(socket, how);
  }

  setOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    return this.#sockets.setOption(socket, level, name, value);
  }

  getOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    return this.#sockets.getOption(socket, level, name, value);
  }

  control(socket: RioHandle, code: number, input: Uint8Array): number {
    return this.#sockets.control(socket, code, input);
  }

  createNotification(
    kind: RioNotificationKind,
    key: number,
  ): RioNotification | number {
    return this.#waiter.create(kind, key);
  }

  closeNotification(notification: RioNotification): void {
    this.#waiter.release(notification as WinsockNotification);
  }

  wait(): Promise<number> {
    return this.#waiter.wait();
  }

  get fired(): Int32Array {
    return this.#waiter.fired;
  }

  wake(): void {
    this.#waiter.wake();
  }

  close(keepNative: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sockets.closeAccepting();
    if (keepNative) this.#waiter.abandon();
    else this.#waiter.close(() => this.#symbols.WSACleanup());
  }

  /**
   * The pointers belong to the provider of the socket they were resolved from:
   * the first socket of each kind must give the same ones.
   */
  #verify(socket: WinsockSocket): number {
    const kind = `${socket.family} ${socket.type}`;
    if (this.#verified.has(kind)) return 0;
    try {
      const table = resolveRioTable(Number(socket.handle), this.#symbols);
      if (RIO_FUNCTIONS.some((name) => table[name] !== this.#table[name])) {
        return WSAEOPNOTSUPP;
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotSupported) return WSAEOPNOTSUPP;
      throw error;
    }
    this.#verified.add(kind);
    return 0;
  }
}
