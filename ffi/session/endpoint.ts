/**
 * What every socket has, whether it carries data or accepts connections: its
 * addresses, its options, and its end.
 *
 * @module
 */
import { type IpAddress, readAddress, writeAddress } from "../address.ts";
import { AF_INET6, SD_BOTH, SD_RECEIVE, SD_SEND } from "../constants.ts";
import { WSAEINVAL, WSAENOTCONN } from "../error_numbers.ts";
import { check, checkHandle, refuseClosed } from "../errors.ts";
import { logAsJson } from "../shown.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertInteger, assertOneOf, refuseType, show } from "../arguments.ts";
import type { RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import { assertInternal, type INTERNAL } from "../internal.ts";
import type { SocketRecord } from "./ledger.ts";
import {
  mappedOptionNumbers,
  optionBytes,
  optionNumber,
  optionNumbers,
  readOption,
  type RioSocketOption,
} from "./socket_options.ts";

/** What a socket is made of. */
export interface EndpointParts {
  readonly core: SessionCore;
  readonly record: SocketRecord;
  readonly transport: "udp" | "tcp";
  /** `AF_INET` or `AF_INET6`. */
  readonly family: number;
}

/** What a socket is made of; for this package only. */
export let partsOf: (endpoint: RioEndpoint) => EndpointParts;
/** Reads the addresses of a socket again, after it was connected. */
export let refreshAddresses: (endpoint: RioEndpoint) => void;

/**
 * What every socket has, whether it carries data or accepts connections.
 *
 * @example Read and set options by name
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * socket.setOption("receiveBufferSize", 1 << 20);
 * console.log(socket.address, socket.getOption("receiveBufferSize"));
 * ```
 */
export abstract class RioEndpoint implements Disposable {
  readonly #parts: EndpointParts;
  readonly #core: SessionCore;
  readonly #record: SocketRecord;
  #address: Deno.NetAddr;
  #remoteAddress: Deno.NetAddr | null = null;

  /** The transport of the socket. */
  readonly transport: "udp" | "tcp";

  static {
    logAsJson(this);
    partsOf = (endpoint) => endpoint.#parts;
    refreshAddresses = (endpoint) => {
      endpoint.#address = endpoint.#localAddress();
      endpoint.#remoteAddress = endpoint.#peerAddress();
    };
  }

  /** @ignore */
  constructor(key: typeof INTERNAL, parts: EndpointParts) {
    assertInternal(key, "RioSession.openSocket()");
    const { core, record } = parts;
    this.#parts = parts;
    this.#core = core;
    this.#record = record;
    this.transport = parts.transport;
    this.#address = this.#localAddress();
    core.watch(this, new.target.name, (ledger) => {
      if (record.closed) return false;
      ledger.closeSocket(record);
      return true;
    });
  }

  /** The local address; for port 0 with the port that the system chose. */
  get address(): Deno.NetAddr {
    return this.#address;
  }

  /** The peer's address; `null` while the socket is not connected. */
  get remoteAddress(): Deno.NetAddr | null {
    return this.#remoteAddress;
  }

  /** Whether the socket was closed; requests can still be outstanding. */
  get closed(): boolean {
    return this.#record.closed;
  }

  /**
   * Ends one direction of a TCP connection, or both.
   *
   * @param direction What ends; `"send"` tells the peer that no more data
   * comes.
   * @default {"send"}
   * @throws {TypeError} If the direction is unknown.
   * @throws {RioError} For example `WSAENOTCONN`.
   * @throws {RioClosedError} If the socket was closed.
   */
  shutdown(direction: "receive" | "send" | "both" = "send"): void {
    assertOneOf("direction", direction, ["receive", "send", "both"]);
    assertEndpointOpen(this, "shut down");
    const how =
      { receive: SD_RECEIVE, send: SD_SEND, both: SD_BOTH }[direction];
    const { sockets } = this.#core.backend;
    const errno = sockets.shutdown(this.#record.handle, how);
    check(errno, "shutdown", `shut down ${direction}`);
  }

  /**
   * Sets an option of the socket; on one that serves both families, for both.
   *
   * @param option Its name.
   * @param value Its value; on and off are `true` and `false`, or 1 and 0, an
   * interface is an index or a name.
   * @throws {TypeError} If there is no such option, or the value is of the wrong
   * kind, or an interface that this host does not have.
   * @throws {RangeError} If the value is not a whole number of 32 bits.
   * @throws {RioError} `WSAENOPROTOOPT` where the system does not have it.
   * @throws {RioClosedError} If the socket was closed.
   */
  setOption(
    option: RioSocketOption,
    value: number | boolean | string,
  ): void {
    const [level, name] = optionNumbers(option, this.#parts.family);
    const number = optionNumber(option, value);
    assertEndpointOpen(this, "set an option");
    const bytes = optionBytes(option, level, number);
    const what = `set socket option "${option}" to ${value}`;
    const { sockets } = this.#core.backend;
    const { handle } = this.#record;
    const errno = sockets.setOption(handle, level, name, bytes);
    const mapped = mappedOptionNumbers(option);
    if (mapped !== null && this.#isDual()) {
      const [level, name] = mapped;
      const bytes = optionBytes(option, level, number);
      const errno = sockets.setOption(handle, level, name, bytes);
      check(errno, "setsockopt", `${what} for IPv4`);
    }
    check(errno, "setsockopt", what);
  }

  /**
   * Reads an option of the socket.
   *
   * @param option Its name.
   * @returns Its value, as the system gives it.
   * @throws {TypeError} If there is no such option.
   * @throws {RioError} `WSAENOPROTOOPT` where the system does not have it.
   * @throws {RioClosedError} If the socket was closed.
   */
  getOption(option: RioSocketOption): number {
    const [level, name] = optionNumbers(option, this.#parts.family);
    assertEndpointOpen(this, "get an option");
    const bytes = new Uint8Array(4);
    const { sockets } = this.#core.backend;
    const length = sockets.getOption(this.#record.handle, level, name, bytes);
    checkHandle(length, "getsockopt", `get socket option "${option}"`);
    return readOption(option, level, bytes);
  }

  /**
   * Sets an option that has no name here, by its Winsock numbers.
   *
   * @param numbers Level and name, for example `[IPPROTO_IP,
   * IP_ADD_MEMBERSHIP]`.
   * @param value The bytes of its value, in the layout of Winsock.
   * @throws {TypeError} If the value is no `Uint8Array`.
   * @throws {RangeError} If level or name is out of range.
   * @throws {RioError} `WSAENOPROTOOPT` where the system does not have it.
   * @throws {RioClosedError} If the socket was closed.
   */
  setRawOption(
    numbers: readonly [level: number, name: number],
    value: Uint8Array,
  ): void {
    const [level, name] = numbers;
    assertInteger("level", level, 0, 0xFFFF);
    assertInteger("name", name, -0x80000000, 0x7FFFFFFF);
    if (!(value instanceof Uint8Array)) {
      refuseType("value", value, "give its bytes as a Uint8Array");
    }
    assertEndpointOpen(this, "set an option");
    const { sockets } = this.#core.backend;
    const errno = sockets.setOption(this.#record.handle, level, name, value);
    const what = `set socket option ${name} of level ${level}`;
    check(errno, "setsockopt", what);
  }

  /**
   * Writes an address into a slice, in the form that this socket sends to.
   *
   * @param slice At least 28 bytes.
   * @param address Host, as an IP literal, and port.
   * @throws {TypeError} If the hostname is no literal of the socket's family.
   * @throws {RangeError} If the port is out of range or the slice too short.
   */
  writeAddress(slice: RioSlice<ArrayBufferLike>, address: IpAddress): void {
    encodeFor(this, slice.bytes, address);
  }

  /**
   * Reads the address that a receive left in a slice.
   *
   * @param slice At least 28 bytes.
   * @returns Host, port and transport.
   * @throws {TypeError} If the slice holds no address.
   */
  readAddress(slice: RioSlice<ArrayBufferLike>): Deno.NetAddr {
    return readAddress(slice.bytes, this.transport);
  }

  /**
   * Closes the socket; a second call does nothing.
   *
   * Every outstanding request completes, most with `WSA_OPERATION_ABORTED`, and
   * its memory belongs to the kernel until that completion is dequeued. A
   * `connect()` or `accept()` that waits throws `RioClosedError`.
   *
   * @throws {RioError} If the system refuses.
   */
  close(): void {
    check(this.#close(), "closesocket", "close a socket");
  }

  /** What a socket shows when it is logged or serialised. */
  toJSON(): Record<string, unknown> {
    const { transport, address, remoteAddress, closed } = this;
    return { transport, address, remoteAddress, closed };
  }

  /** Closes the socket; throws nothing. */
  [Symbol.dispose](): void {
    this.#close();
  }

  /** Closes the native socket; 0 or an error number. */
  #close(): number {
    if (this.#record.closed) return 0;
    this.#core.forget(this);
    return this.#core.ledger.closeSocket(this.#record);
  }

  /** Whether an IPv6 socket has IPv4 peers, too. */
  #isDual(): boolean {
    return this.#parts.family === AF_INET6 && this.getOption("ipv6Only") === 0;
  }

  #localAddress(): Deno.NetAddr {
    const bytes = new Uint8Array(SOCKADDR_INET.size);
    const { sockets } = this.#core.backend;
    const errno = sockets.localAddress(this.#record.handle, bytes);
    // A socket that was never bound has no address on Windows.
    if (errno === WSAEINVAL) bytes[SOCKADDR_INET.family] = this.#parts.family;
    else check(errno, "getsockname", "read the address of a socket");
    return readAddress(bytes, this.transport);
  }

  #peerAddress(): Deno.NetAddr | null {
    const bytes = new Uint8Array(SOCKADDR_INET.size);
    const { sockets } = this.#core.backend;
    const errno = sockets.remoteAddress(this.#record.handle, bytes);
    if (errno === WSAENOTCONN) return null;
    check(errno, "getpeername", "read the address of a peer");
    return readAddress(bytes, this.transport);
  }
}

/** Refuses to go on with a socket that was closed. */
export function assertEndpointOpen(
  { closed }: RioEndpoint,
  attempt: string,
): void {
  if (closed) refuseClosed(attempt, "socket");
}

/**
 * Writes an address in the form that a socket sends to.
 *
 * @throws {TypeError} If the hostname is no literal of the socket's family.
 */
export function encodeFor(
  endpoint: RioEndpoint,
  bytes: Uint8Array,
  address: IpAddress,
): void {
  const { family } = partsOf(endpoint);
  writeAddress(bytes, address, { mapped: family === AF_INET6 });
  if (bytes[SOCKADDR_INET.family] !== family) {
    throw new TypeError(
      `Invalid hostname ${
        show(address.hostname)
      }: the socket is bound to the IPv4 address ${endpoint.address.hostname}, open one on "::" for IPv6`,
    );
  }
}
