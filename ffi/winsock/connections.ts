/**
 * Connecting and accepting.
 *
 * A socket for Registered I/O cannot be made non-blocking, so TCP connects with
 * `ConnectEx` and accepts with `AcceptEx`. Both are overlapped calls: they return
 * at once, and a packet at the completion port tells when one has ended.
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
  ERROR_NOT_FOUND,
  WSA_IO_PENDING,
  WSA_OPERATION_ABORTED,
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAEINVAL,
  WSAENOTCONN,
  WSAENOTSOCK,
} from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { NativeFunction, type NativeSignature } from "./call.ts";
import { lastError, mayBeLost } from "./last_error.ts";
import {
  ACCEPT_ADDRESS_SIZE,
  type Operation,
  SLOT,
  type Slot,
} from "./operations.ts";
import { addressSize, type WinsockSocket, WinsockSockets } from "./sockets.ts";
import { resolveExtension } from "./table.ts";

/** An extension function: its prototype, and the GUID to ask for it. */
interface Extension extends NativeSignature {
  readonly guid: string;
}

// BOOL ConnectEx(SOCKET s, const sockaddr *name, int namelen,
//   PVOID lpSendBuffer, DWORD dwSendDataLength, LPDWORD lpdwBytesSent,
//   LPOVERLAPPED lpOverlapped)
const CONNECT_EX: Extension = {
  guid: WSAID_CONNECTEX,
  parameters: ["u64", "u64", "i32", "u64", "u32", "u64", "u64"],
  result: "i32",
};

// BOOL AcceptEx(SOCKET sListenSocket, SOCKET sAcceptSocket,
//   PVOID lpOutputBuffer, DWORD dwReceiveDataLength,
//   DWORD dwLocalAddressLength, DWORD dwRemoteAddressLength,
//   LPDWORD lpdwBytesReceived, LPOVERLAPPED lpOverlapped)
const ACCEPT_EX: Extension = {
  guid: WSAID_ACCEPTEX,
  parameters: ["u64", "u64", "u64", "u32", "u32", "u32", "u64", "u64"],
  result: "i32",
};

/**
 * How an accept fails when the peer has given the connection up in the meantime,
 * or nobody knew whether it went on. That is no failure of the listener, which
 * accepts the next one.
 */
const GONE = new Set<number>([
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAENOTCONN,
  WSA_OPERATION_ABORTED,
]);

/** How often it is asked how a call ended. */
const ASKED = 3;

const NOTHING = new Uint8Array();

/** The sockets of one backend, with connects and accepts. */
export class WinsockConnections extends WinsockSockets implements RioSockets {
  /** The extension functions that were needed so far. */
  #functions = new Map<Extension, NativeFunction>();
  #dwords = new Uint32Array(2);

  /** Connects; returns 1, minus an error number, or 0 while it goes on. */
  connect(id: RioHandle, address: Uint8Array, key: number): number {
    const socket = this.get(id);
    if (!socket) return -WSAENOTSOCK;
    if (socket.type === SOCK_STREAM) {
      return 0 - this.#startConnect(socket, address, key);
    }
    const size = addressSize(address);
    const error = this.attempt(this.system.symbols.connect, id, address, size);
    return error === 0 ? 1 : -error;
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
      this.setOption(id, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NOTHING);
    return error === 0 ? 1 : -error;
  }

  /** Accepts; returns a socket, minus an error number, or 0 when none waits. */
  accept(id: RioHandle, key: number): RioHandle {
    const listener = this.get(id);
    if (!listener) return -WSAENOTSOCK;
    // Not every system refuses an AcceptEx on a socket that does not listen.
    if (!listener.listening) return -WSAEINVAL;
    const { accepting } = listener;
    if (!accepting) return 0 - this.#startAccept(listener, key);
    const { operation, socket } = accepting;
    if (!operation.arrived) return 0;
    listener.accepting = null;
    const handle = new Uint8Array(new BigUint64Array([listener.handle]).buffer);
    const error = this.#finish(listener, operation) ||
      this.setOption(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, handle);
    if (error === 0) return socket;
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
    const operation = this.#begin(CONNECT_EX, { socket, key }, (slot) => {
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
      ({ address }) => [
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
    rest: (slot: Slot) => number[],
  ): Operation | number {
    const native = this.#resolve(extension, socket);
    if (typeof native === "number") return native;
    const { symbols, waits } = this.system;
    const refused = socket.associated ? 0 : waits.associate(socket.handle);
    if (refused !== 0) return refused;
    socket.associated = true;
    const operation = waits.operations.begin(key);
    native.invoke(Number(socket.handle), ...rest(operation.slot));
    // Also a call that has succeeded at once sends a packet.
    if (native.int32 !== 0) return operation;
    const error = lastError(symbols);
    if (error === WSA_IO_PENDING) return operation;
    if (mayBeLost(error) && this.#goesOn(socket, operation)) return operation;
    waits.operations.cancel(operation);
    return error;
  }

  /**
   * Whether a call goes on whose number was lost. What can be cancelled does: it
   * ends at once, as what was cancelled ends, and the system writes to its memory
   * no longer than until then.
   */
  #goesOn({ handle }: WinsockSocket, operation: Operation): boolean {
    const { symbols, waits } = this.system;
    const overlapped = BigInt(operation.slot.address);
    if (symbols.CancelIoEx(handle, overlapped) !== 0) return true;
    // It may have ended by itself; where nobody knows, its memory is not ours.
    return lastError(symbols) !== ERROR_NOT_FOUND ||
      waits.operations.hasEnded(operation);
  }

  /** The outcome of an overlapped call whose packet arrived: 0, or an error number. */
  #finish(socket: WinsockSocket, operation: Operation): number {
    const { symbols, waits } = this.system;
    let error = 0;
    // It can be asked again: a number that was lost is there the next time.
    for (let i = 0; i < ASKED; i++) {
      const succeeded = symbols.WSAGetOverlappedResult(
        socket.handle,
        BigInt(operation.slot.address),
        this.#dwords,
        0,
        this.#dwords.subarray(1),
      );
      error = succeeded !== 0 ? 0 : lastError(symbols);
      if (error === 0 || !mayBeLost(error)) break;
    }
    waits.operations.release(operation);
    return error;
  }

  /** `ConnectEx` wants a socket that has a local address. */
  #bindToWildcard({ handle, family, bound }: WinsockSocket): number {
    if (bound) return 0;
    const wildcard = new Uint8Array(SOCKADDR_INET.size);
    wildcard[SOCKADDR_INET.family] = family;
    return this.bind(Number(handle), wildcard);
  }

  /** The extension function, or an error number. */
  #resolve(
    extension: Extension,
    socket: WinsockSocket,
  ): NativeFunction | number {
    const known = this.#functions.get(extension);
    if (known) return known;
    const { symbols, path } = this.system;
    const address = resolveExtension(symbols, socket.handle, extension.guid);
    if (address < 0n) return Number(-address);
    const native = new NativeFunction(address, extension, path);
    this.#functions.set(extension, native);
    return native;
  }
}
