/**
 * What programs give to datagram sockets of Node's shape, and get from them.
 *
 * Source: the chapter "UDP/datagram sockets" of Node's documentation.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { BlockList } from "node:net";

/** The family of a socket. */
export type SocketType = "udp4" | "udp6";

/** An address of a socket. */
export interface AddressInfo {
  /** An IP literal. */
  address: string;
  /** `"IPv4"` or `"IPv6"`. */
  family: string;
  /** The port, 1 to 65535. */
  port: number;
}

/** Where a datagram comes from. */
export interface RemoteInfo {
  /** The sender's address; on a socket of IPv6 `::ffff:127.0.0.1` for IPv4. */
  address: string;
  /** The family of the socket. */
  family: "IPv4" | "IPv6";
  /** The sender's port. */
  port: number;
  /** The datagram's length, in bytes. */
  size: number;
}

/** One datagram of a `messages` event. */
export interface Message {
  /** The payload; nobody else uses its memory. */
  data: Buffer;
  /** Where it comes from. */
  rinfo: RemoteInfo;
}

/** The events of a socket, each with what its listeners are told. */
export interface SocketEvents {
  /** It was closed. */
  close: [];
  /** It was connected to its peer. */
  connect: [];
  /** Something failed that nobody else is told of. */
  error: [error: Error];
  /** It was bound, and receives. */
  listening: [];
  /** A datagram has arrived. */
  message: [data: Buffer, rinfo: RemoteInfo];
  /** Datagrams have arrived: all that were there. */
  messages: [messages: Message[]];
}

/** What is sent: text is sent as UTF-8. */
export type Payload = string | ArrayBufferView;

/** Told what has become of a datagram. */
export type SendCallback = (error: Error | null, bytes?: number) => void;

/** Looks up the address of a name, as `lookup()` of `node:dns` does. */
export type LookupFunction = (
  hostname: string,
  family: 4 | 6,
  callback: (error: Error | null, address: string, family?: number) => void,
) => void;

/** Options of {@linkcode createSocket}. */
export interface SocketOptions {
  /** The family. */
  type: SocketType;
  /**
   * Bind to an address that is in use.
   *
   * @default {false}
   */
  reuseAddr?: boolean | undefined;
  /**
   * Share the port with other sockets, the system spreads the traffic; Linux
   * only.
   *
   * @default {false}
   */
  reusePort?: boolean | undefined;
  /**
   * Refuse IPv4 peers on a socket of IPv6.
   *
   * @default {false}
   */
  ipv6Only?: boolean | undefined;
  /** Size of the system's receive buffer, in bytes; its own by default. */
  recvBufferSize?: number | undefined;
  /** Size of the system's send buffer, in bytes; its own by default. */
  sendBufferSize?: number | undefined;
  /** Looks up names, and is told addresses as well; that of `node:dns` by default. */
  lookup?: LookupFunction | undefined;
  /** Closes the socket when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Senders whose datagrams are dropped. */
  receiveBlockList?: BlockList | undefined;
  /** Destinations that nothing is sent to. */
  sendBlockList?: BlockList | undefined;
}

/** Options of {@linkcode Socket.bind}. */
export interface BindOptions {
  /** The local port; 0 for any. */
  port?: number | undefined;
  /** The local address, or a name of it; all of the host's by default. */
  address?: string | undefined;
  /** Without effect: workers of a cluster share no sockets here. */
  exclusive?: boolean | undefined;
  /** Refused: a descriptor of somebody else cannot be taken over. */
  fd?: number | undefined;
}

/**
 * What {@linkcode Socket.bind} takes: a port or options, an address, and a
 * callback, each of which can be left out.
 */
export type BindArguments = readonly [
  port?: number | BindOptions | (() => void) | null,
  address?: string | (() => void) | null,
  callback?: () => void,
];
