/**
 * UDP sockets with the shape of Node's `dgram`, on this package's own.
 *
 * All that has arrived is taken at once, and what is sent in one turn of the
 * event loop leaves together; a program changes nothing but an import.
 *
 * @example Change the import, keep the program
 * ```ts
 * import dgram from "@winsock/rio/dgram";
 * import { once } from "node:events";
 *
 * const server = dgram.createSocket("udp4");
 * server.on("message", (message, { port, address }) => {
 *   server.send(message, port, address);
 * });
 * server.bind(0, "127.0.0.1", () => {
 *   const client = dgram.createSocket("udp4");
 *   client.on("message", (message) => {
 *     console.log(String(message)); // hello
 *     client.close();
 *     server.close();
 *   });
 *   client.send("hello", server.address().port, "127.0.0.1");
 * });
 * await once(server, "close");
 * ```
 *
 * npm packages require the built-in `dgram`: `import "@winsock/rio/dgram/install"`
 * puts these sockets there.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { getBuiltinModule } from "node:process";
import { AdjustableSocket } from "./adjustable_socket.ts";
import { Socket } from "./socket.ts";
import type { Socket as DgramSocket } from "./socket.ts";
import type { RemoteInfo, SocketOptions, SocketType } from "./types.ts";
import type * as types from "./types.ts";

// Not imported: an import map may lead that name here.
const { Socket: NodeSocket } = getBuiltinModule("node:dgram")!;
// Libraries ask whether what they are given is a socket of Node's.
Object.setPrototypeOf(AdjustableSocket.prototype, NodeSocket.prototype);
// What that keeps to itself is not there in these sockets.
for (const name of Object.getOwnPropertyNames(NodeSocket.prototype)) {
  if (!name.startsWith("_")) continue;
  Object.defineProperty(AdjustableSocket.prototype, name, { value: undefined });
}

/**
 * Makes a UDP socket, as `createSocket()` of `node:dgram` does.
 *
 * @example Send a datagram
 * ```ts
 * import { createSocket } from "@winsock/rio/dgram";
 * import { once } from "node:events";
 *
 * const socket = createSocket("udp4");
 * socket.send("hello", 9, "127.0.0.1", () => socket.close());
 * await once(socket, "close");
 * ```
 *
 * @param type `"udp4"` or `"udp6"`, or options.
 * @param listener A listener of `message`.
 * @returns The socket; it is bound with its first use, or {@linkcode Socket.bind}.
 * @throws {TypeError} `ERR_SOCKET_BAD_TYPE`, `ERR_INVALID_ARG_TYPE`
 * @throws {RangeError} `ERR_OUT_OF_RANGE`
 */
export function createSocket(
  type: SocketType | SocketOptions,
  listener?: (message: Buffer, rinfo: RemoteInfo) => void,
): Socket {
  return new Socket(type, listener);
}

/** What `node:dgram` has: functions, and types by the same name. */
const dgram: {
  createSocket: typeof createSocket;
  Socket: typeof Socket;
} = { createSocket, Socket };

/** Types as programs for Node name them: `dgram.Socket`, `dgram.RemoteInfo`. */
declare namespace dgram {
  /** An address of a socket. */
  type AddressInfo = types.AddressInfo;
  /** Options of {@linkcode Socket.bind}. */
  type BindOptions = types.BindOptions;
  /** Where a datagram comes from. */
  type RemoteInfo = types.RemoteInfo;
  /** A UDP socket. */
  type Socket = DgramSocket;
  /** Options of {@linkcode createSocket}. */
  type SocketOptions = types.SocketOptions;
  /** The family of a socket. */
  type SocketType = types.SocketType;
}

export default dgram;
export { Socket };
export type { AdjustableSocket };
export type {
  AddressInfo,
  BindArguments,
  BindOptions,
  LookupFunction,
  Message,
  Payload,
  RemoteInfo,
  SendCallback,
  SocketEvents,
  SocketOptions,
  SocketType,
} from "./types.ts";
