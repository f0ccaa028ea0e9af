/**
 * Connecting and accepting.
 *
 * A socket for Registered I/O cannot be made non-blocking, so TCP connects with
 * `ConnectEx` and accepts with `AcceptEx`, whose packets arrive at the waiter's
 * port.
 *
 * Source: `ConnectEx` and `AcceptEx` in the Microsoft reference.
 *
 * @module
 */
import {
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  SOCK_STREAM,
  SOL_SOCKET,
  WSAID_ACCEPTEX,
  WSAID_CONNECTEX,
} from "../constants.ts";
import type { RioHandle, RioSockets } from "../contract.ts";
import {
  WSA_IO_PENDING,
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAEINVAL,
  WSAENOTCONN,
  WSAENOTSOCK,
} from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import type { NativeFunction, NativeSignature, Prepare } from "./call.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import { ACCEPT_ADDRESS_SIZE, type Operation } from "./operations.ts";
import {
  addressSize,
  type SocketsOptions,
  type WinsockSocket,
  WinsockSockets,
} from "./sockets.ts";
import { resolveExtension } from "./table.ts";
import type { WinsockWaits } from "./waits.ts";

// BOOL ConnectEx(SOCKET s, const sockaddr *name, int namelen,
//   PVOID lpSendBuffer, DWORD dwSendDataLength, LPDWORD lpdwBytesSent,
//   LPOVERLAPPED lpOverlapped)
const CONNECT_EX: NativeSignature = {
  parameters: ["u64", "u64", "i32", "u64", "u32", "u64", "u64"],
  result: "i32",
};

// BOOL AcceptEx(SOCKET sListenSocket, SOCKET sAcceptSocket,
//   PVOID lpOutputBuffer, DWORD dwReceiveDataLength,
//   DWORD dwLocalAddressLength, DWORD dwRemoteAddressLength,
//   LPDWORD lpdwBytesReceived, LPOVERLAPPED lpOverlapped)
const ACCEPT_EX: NativeSignature = {
  parameters: ["u64", "u64", "u64", "u32", "u32", "u32", "u64", "u64"],
  result: "i32",
};

/**
 * What an accept says of a connection whose peer gave it up before. The next
 * one is as good, and a listener must not fail for it.
 */
const GONE: ReadonlySet<number> = new Set([
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAENOTCONN,
]);

/** What sockets that connect need of their backend. */
export interface ConnectionsOptions extends SocketsOptions {
  /** Whose port carries the packets. */
  waits: WinsockWaits;
  /** Makes a function pointer callable. */
  prepare: Prepare;
}

/** The sockets of one backend, with connects and accepts. */
export class WinsockConnections extends WinsockSockets implements RioSockets {
  #symbols: WinsockSymbols;
  #waits: WinsockWaits;
  #prepare: Prepare;
  #connectEx: NativeFunction | null = null;
  #acceptEx: NativeFunction | null = null;
  #dwords = new Uint32Array(2);

  /**
   * Resolves nothing yet: UDP needs none of it.
   *
   * @param options What the sockets need of their backend.
   */
  constructor(options: ConnectionsOptions) {
    super(options);
    this.#symbols = options.symbols;
    this.#waits = options.waits;
    this.#prepare = options.prepare;
  }

  /** Connects; returns 1, minus an error number, or 0 while it goes on. */
  connect(id: RioHandle, address: Uint8Array, key: number): number {
    const socket = this.get(id);
    if (!socket) return -WSAENOTSOCK;
    if (socket.type === SOCK_STREAM) {
      return 0 - this.#start(socket, address, key);
    }
    const failed = this.#symbols.connect(
      socket.handle,
      address,
      addressSize(address),
    );
    if (failed !== 0) return -this.#error();
    socket.bound = true;
    return 1;
  }

  /** The outcome of a connect that went on, in the same form. */
  connected(id: RioHandle): number {
    const socket = this.get(id);
    if (!socket) return -WSAENOTSOCK;
    const operation = socket.connecting;
    if (!operation) return -WSAENOTCONN;
    if (!operation.arrived) return 0;
    socket.connecting = null;
    const error = this.#outcome(socket, operation) ||
      this.#setContext(socket, SO_UPDATE_CONNECT_CONTEXT, null);
    return error === 0 ? 1 : -error;
  }

  /** Accepts; returns a socket, minus an error number, or 0 when none waits. */
  accept(id: RioHandle, key: number): RioHandle {
    const listener = this.get(id);
    if (!listener) return -WSAENOTSOCK;
    // Not every system refuses such an AcceptEx at once.
    if (!listener.listening) return -WSAEINVAL;
    const { accepting } = listener;
    if (!accepting) return 0 - this.#startAccept(listener, key);
    if (!accepting.operation.arrived) return 0;
    listener.accepting = null;
    const socket = this.get(accepting.socket)!;
    const error = this.#outcome(listener, accepting.operation) ||
      this.#setContext(
        socket,
        SO_UPDATE_ACCEPT_CONTEXT,
        new BigUint64Array([listener.handle]),
      );
    if (error === 0) {
      socket.bound = true;
      return accepting.socket;
    }
    this.close(accepting.socket);
    return GONE.has(error) ? 0 - this.#startAccept(listener, key) : -error;
  }

  /** Starts a connect; 0 while it goes on, or an error number. */
  #start(socket: WinsockSocket, address: Uint8Array, key: number): number {
    this.#connectEx ??= this.#extension(socket, WSAID_CONNECTEX, CONNECT_EX);
    if (this.#connectEx === null) return this.#error();
    const error = this.#bindToWildcard(socket) || this.#associate(socket);
    if (error !== 0) return error;

    const operation = this.#waits.operations.begin(key);
    const { slot } = operation;
    slot.dataBytes.set(address.subarray(0, SOCKADDR_INET.size));
    const connectEx = this.#connectEx;
    connectEx.set(0, Number(socket.handle));
    connectEx.set(1, slot.data);
    connectEx.set(2, addressSize(address));
    connectEx.set(6, slot.overlapped);
    const refused = this.#begin(connectEx, operation);
    if (refused !== 0) return refused;
    socket.connecting = operation;
    return 0;
  }

  /** Starts an accept; 0 while it goes on, or an error number. */
  #startAccept(listener: WinsockSocket, key: number): number {
    this.#acceptEx ??= this.#extension(listener, WSAID_ACCEPTEX, ACCEPT_EX);
    if (this.#acceptEx === null) return this.#error();
    const error = this.#associate(listener);
    if (error !== 0) return error;
    const socket = this.open(
      listener.family,
      listener.type,
      listener.protocol,
    );
    if (socket < 0) return -socket;

    const operation = this.#waits.operations.begin(key);
    const { slot } = operation;
    const acceptEx = this.#acceptEx;
    acceptEx.set(0, Number(listener.handle));
    acceptEx.set(1, socket);
    acceptEx.set(2, slot.data);
    acceptEx.set(4, ACCEPT_ADDRESS_SIZE);
    acceptEx.set(5, ACCEPT_ADDRESS_SIZE);
    acceptEx.set(6, slot.bytesTransferred);
    acceptEx.set(7, slot.overlapped);
    const refused = this.#begin(acceptEx, operation);
    if (refused !== 0) {
      this.close(socket);
      return refused;
    }
    listener.accepting = { operation, socket };
    return 0;
  }

  /** Starts an overlapped call: 0 promises a packet, anything else none. */
  #begin(call: NativeFunction, operation: Operation): number {
    call.call();
    // Success at once sends a packet as well.
    if (call.int32 !== 0) return 0;
    const error = this.#error();
    if (error === WSA_IO_PENDING) return 0;
    this.#waits.operations.cancel(operation);
    return error;
  }

  #outcome(socket: WinsockSocket, operation: Operation): number {
    const done = this.#symbols.WSAGetOverlappedResult(
      socket.handle,
      BigInt(operation.slot.overlapped),
      this.#dwords,
      0,
      this.#dwords.subarray(1),
    );
    const error = done !== 0 ? 0 : this.#error();
    this.#waits.operations.release(operation);
    return error;
  }

  #setContext(
    socket: WinsockSocket,
    name: number,
    value: BigUint64Array<ArrayBuffer> | null,
  ): number {
    const failed = this.#symbols.setsockopt(
      socket.handle,
      SOL_SOCKET,
      name,
      value,
      value?.byteLength ?? 0,
    );
    return failed === 0 ? 0 : this.#error();
  }

  /** `ConnectEx` wants a socket that has a local address. */
  #bindToWildcard(socket: WinsockSocket): number {
    if (socket.bound) return 0;
    const wildcard = new Uint8Array(SOCKADDR_INET.size);
    wildcard[SOCKADDR_INET.family] = socket.family;
    return this.bind(Number(socket.handle), wildcard);
  }

  #associate(socket: WinsockSocket): number {
    if (socket.associated) return 0;
    const error = this.#waits.associate(socket.handle);
    socket.associated = error === 0;
    return error;
  }

  #extension(
    socket: WinsockSocket,
    guid: string,
    signature: NativeSignature,
  ): NativeFunction | null {
    const address = resolveExtension(this.#symbols, socket.handle, guid);
    if (address === 0n) return null;
    return this.#prepare(address, signature);
  }

  #error(): number {
    return lastError(this.#symbols);
  }
}
