/**
 * Connecting and accepting.
 *
 * A socket for Registered I/O cannot be made non-blocking, so TCP connects with
 * `ConnectEx` and accepts with `AcceptEx`. Both are overlapped calls: a packet at the
 * completion port tells that one has ended.
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
import { type CallPath, NativeFunction, type NativeSignature } from "./call.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import { ACCEPT_ADDRESS_SIZE, type Operation, SLOT } from "./operations.ts";
import {
  addressSize,
  type SocketsOptions,
  type WinsockSocket,
  WinsockSockets,
} from "./sockets.ts";
import { resolveExtension } from "./table.ts";
import type { WinsockWaits } from "./waits.ts";

/** An extension function: the name that it is asked for by, and its prototype. */
interface Extension {
  readonly guid: string;
  readonly signature: NativeSignature;
}

// BOOL ConnectEx(SOCKET s, const sockaddr *name, int namelen,
//   PVOID lpSendBuffer, DWORD dwSendDataLength, LPDWORD lpdwBytesSent,
//   LPOVERLAPPED lpOverlapped)
const CONNECT_EX: Extension = {
  guid: WSAID_CONNECTEX,
  signature: {
    parameters: ["u64", "u64", "i32", "u64", "u32", "u64", "u64"],
    result: "i32",
  },
};

// BOOL AcceptEx(SOCKET sListenSocket, SOCKET sAcceptSocket,
//   PVOID lpOutputBuffer, DWORD dwReceiveDataLength,
//   DWORD dwLocalAddressLength, DWORD dwRemoteAddressLength,
//   LPDWORD lpdwBytesReceived, LPOVERLAPPED lpOverlapped)
const ACCEPT_EX: Extension = {
  guid: WSAID_ACCEPTEX,
  signature: {
    parameters: ["u64", "u64", "u64", "u32", "u32", "u32", "u64", "u64"],
    result: "i32",
  },
};

/**
 * How an accept fails when the peer has given the connection up in the
 * meantime. That is no failure of the listener, which accepts the next one.
 */
const GONE: ReadonlySet<number> = new Set([
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAENOTCONN,
]);

/** What sockets that connect need of their backend. */
export interface ConnectionsOptions extends SocketsOptions {
  /** How extension functions are called. */
  path: CallPath;
}

/** The sockets of one backend, with connects and accepts. */
export class WinsockConnections extends WinsockSockets implements RioSockets {
  #symbols: WinsockSymbols;
  #waits: WinsockWaits;
  #path: CallPath;
  /** The extension functions that were needed so far. */
  #functions = new Map<Extension, NativeFunction>();
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
    this.#path = options.path;
  }

  /** Connects; returns 1, minus an error number, or 0 while it goes on. */
  connect(id: RioHandle, address: Uint8Array, key: number): number {
    const socket = this.get(id);
    if (!socket) return -WSAENOTSOCK;
    if (socket.type === SOCK_STREAM) {
      return 0 - this.#startConnect(socket, address, key);
    }
    const size = addressSize(address);
    const error = this.attempt(this.#symbols.connect, id, address, size);
    if (error !== 0) return -error;
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
    const error = this.#finish(socket, operation) ||
      this.setOption(
        id,
        SOL_SOCKET,
        SO_UPDATE_CONNECT_CONTEXT,
        new Uint8Array(),
      );
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
    const { operation, socket } = accepting;
    if (!operation.arrived) return 0;
    listener.accepting = null;
    const handle = new Uint8Array(new BigUint64Array([listener.handle]).buffer);
    const error = this.#finish(listener, operation) ||
      this.setOption(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, handle);
    if (error === 0) {
      this.get(socket)!.bound = true;
      return socket;
    }
    this.close(socket);
    return GONE.has(error) ? 0 - this.#startAccept(listener, key) : -error;
  }

  /** Starts a connect; 0 while it goes on, or an error number. */
  #startConnect(
    socket: WinsockSocket,
    address: Uint8Array,
    key: number,
  ): number {
    const error = this.#bindToWildcard(socket);
    if (error !== 0) return error;
    const operation = this.#begin(CONNECT_EX, { socket, key }, ({ slot }) => {
      slot.bytes.set(address.subarray(0, SOCKADDR_INET.size), SLOT.data);
      const name = slot.address + SLOT.data;
      return [name, addressSize(address), 0, 0, 0, slot.address];
    });
    if (typeof operation === "number") return operation;
    socket.connecting = operation;
    return 0;
  }

  /** Starts an accept; 0 while it goes on, or an error number. */
  #startAccept(listener: WinsockSocket, key: number): number {
    const { family, type, protocol } = listener;
    const socket = this.open(family, type, protocol);
    if (socket < 0) return -socket;
    const operation = this.#begin(
      ACCEPT_EX,
      { socket: listener, key },
      ({ slot: { address } }) => [
        socket,
        address + SLOT.data,
        0,
        ACCEPT_ADDRESS_SIZE,
        ACCEPT_ADDRESS_SIZE,
        address + SLOT.bytesTransferred,
        address,
      ],
    );
    if (typeof operation === "number") {
      this.close(socket);
      return operation;
    }
    listener.accepting = { operation, socket };
    return 0;
  }

  /**
   * Starts an overlapped call.
   *
   * @param extension Which one.
   * @param of The socket that it is called on, and the key of its packet.
   * @param rest Gives the arguments behind the socket.
   * @returns The call, of which a packet tells the end, or an error number.
   */
  #begin(
    extension: Extension,
    { socket, key }: { socket: WinsockSocket; key: number },
    rest: (operation: Operation) => number[],
  ): Operation | number {
    const native = this.#resolve(extension, socket);
    if (typeof native === "number") return native;
    const refused = this.#associate(socket);
    if (refused !== 0) return refused;
    const { operations } = this.#waits;
    const operation = operations.begin(key);
    native.invoke(Number(socket.handle), ...rest(operation));
    // A call that ends at once sends a packet as well.
    if (native.int32 !== 0) return operation;
    const error = lastError(this.#symbols);
    if (error === WSA_IO_PENDING) return operation;
    operations.cancel(operation);
    return error;
  }

  /** The outcome of an overlapped call whose packet arrived: 0, or an error number. */
  #finish(socket: WinsockSocket, operation: Operation): number {
    const succeeded = this.#symbols.WSAGetOverlappedResult(
      socket.handle,
      BigInt(operation.slot.address),
      this.#dwords,
      0,
      this.#dwords.subarray(1),
    );
    const error = succeeded !== 0 ? 0 : lastError(this.#symbols);
    this.#waits.operations.release(operation);
    return error;
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

  /** The extension function, or an error number. */
  #resolve(
    extension: Extension,
    socket: WinsockSocket,
  ): NativeFunction | number {
    const known = this.#functions.get(extension);
    if (known) return known;
    const { guid, signature } = extension;
    const address = resolveExtension(this.#symbols, socket.handle, guid);
    if (address < 0n) return Number(-address);
    const native = new NativeFunction(address, signature, this.#path);
    this.#functions.set(extension, native);
    return native;
  }
}
