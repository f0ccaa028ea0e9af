/**
 * What can be set on a datagram socket: options, buffers, groups.
 *
 * @module
 */
import { EventEmitter } from "node:events";
import type { RioSocket } from "../session/socket.ts";
import { assertNumber, assertString, missingArgument } from "./errors.ts";
import { type Change, changeMembership, setInterface } from "./groups.ts";
import type { SocketEvents } from "./types.ts";
import { bufferSize, calling, setBufferSize, setNumber } from "./settings.ts";

/** Gives {@linkcode AdjustableSocket} what it sets. */
export const NATIVE: unique symbol = Symbol("native");

/**
 * A socket whose options can be set, as on a `dgram.Socket`.
 *
 * @example Set options once the socket is bound
 * ```ts
 * import { createSocket } from "@winsock/rio/dgram";
 * import { once } from "node:events";
 *
 * const socket = createSocket("udp4").bind(0);
 * await once(socket, "listening");
 * socket.setBroadcast(true);
 * socket.setRecvBufferSize(1 << 20); // bytes; the system may give less
 * console.log(socket.getRecvBufferSize());
 * await socket[Symbol.asyncDispose]();
 * ```
 */
export abstract class AdjustableSocket extends EventEmitter<SocketEvents> {
  /**
   * What is underneath, nothing before it is bound; with `bind` it is bound
   * first, as Node does.
   *
   * @ignore
   * @throws {Error} `ERR_SOCKET_DGRAM_NOT_RUNNING`
   */
  abstract [NATIVE](bind: boolean): RioSocket | undefined;

  /**
   * Allows broadcast destinations, or not.
   *
   * @throws {Error} `EBADF` before the socket is bound.
   */
  setBroadcast(flag: boolean): void {
    this.#call("setBroadcast", (socket) => {
      socket.setOption("broadcast", Boolean(flag));
    });
  }

  /**
   * Sets the hops that what is sent may take, 1 to 255.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {Error} `EINVAL`; `EBADF` before the socket is bound.
   */
  setTTL(ttl: number): number {
    assertNumber("ttl", ttl);
    setNumber(this.#socket(), {
      syscall: "setTTL",
      option: "timeToLive",
      bounds: [1, 255],
      value: ttl,
    });
    return ttl;
  }

  /**
   * Sets the hops that multicast may take, 0 to 255.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {Error} `EINVAL`; `EBADF` before the socket is bound.
   */
  setMulticastTTL(ttl: number): number {
    assertNumber("ttl", ttl);
    setNumber(this.#socket(), {
      syscall: "setMulticastTTL",
      option: "multicastTimeToLive",
      bounds: [0, 255],
      value: ttl,
    });
    return ttl;
  }

  /**
   * Sets whether this host hears what it sends to groups; at first it does.
   *
   * @throws {Error} `EBADF` before the socket is bound.
   */
  setMulticastLoopback(flag: boolean): boolean {
    this.#call("setMulticastLoopback", (socket) => {
      socket.setOption("multicastLoopback", Boolean(flag));
    });
    return flag;
  }

  /**
   * Chooses the interface of what is sent to groups.
   *
   * @param address An address of it; of IPv6 any with its name or index behind a
   * `%`, for example `::%eth0`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {Error} `EINVAL`; `EBADF` before the socket is bound.
   */
  setMulticastInterface(address: string): void {
    const socket = this.#socket();
    assertString("interfaceAddress", address);
    setInterface(socket, address);
  }

  /**
   * Joins a multicast group; binds the socket if it is not bound.
   *
   * @param group The group.
   * @param where The interface, as for {@linkcode Socket.setMulticastInterface}.
   * @throws {TypeError} `ERR_MISSING_ARGS`
   * @throws {Error} For example `EINVAL`, `ENODEV`, `EADDRINUSE`.
   */
  addMembership(group: string, where?: string): void {
    this.#change("addMembership", group, where);
  }

  /**
   * Leaves a multicast group.
   *
   * @param group The group.
   * @param where The interface, as it was joined.
   * @throws {TypeError} `ERR_MISSING_ARGS`
   * @throws {Error} For example `EADDRNOTAVAIL`.
   */
  dropMembership(group: string, where?: string): void {
    this.#change("dropMembership", group, where);
  }

  /**
   * Joins a multicast group, to hear one source of it; binds the socket if it is
   * not bound.
   *
   * @param source The source.
   * @param group The group.
   * @param where The interface, as for {@linkcode Socket.setMulticastInterface}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {Error} For example `EINVAL`.
   */
  addSourceSpecificMembership(
    source: string,
    group: string,
    where?: string,
  ): void {
    this.#changeSource("addSourceSpecificMembership", { source, group, where });
  }

  /**
   * Hears a source of a multicast group no more.
   *
   * @param source The source.
   * @param group The group.
   * @param where The interface, as it was joined.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {Error} For example `EINVAL`.
   */
  dropSourceSpecificMembership(
    source: string,
    group: string,
    where?: string,
  ): void {
    this.#changeSource("dropSourceSpecificMembership", {
      source,
      group,
      where,
    });
  }

  /**
   * Sets the size of the system's receive buffer, in bytes.
   *
   * @throws {TypeError} `ERR_SOCKET_BAD_BUFFER_SIZE`
   * @throws {Error} `ERR_SOCKET_BUFFER_SIZE`, also before the socket is bound.
   */
  setRecvBufferSize(size: number): void {
    setBufferSize(this.#socket(), "receive", size);
  }

  /**
   * Sets the size of the system's send buffer, in bytes.
   *
   * @throws {TypeError} `ERR_SOCKET_BAD_BUFFER_SIZE`
   * @throws {Error} `ERR_SOCKET_BUFFER_SIZE`, also before the socket is bound.
   */
  setSendBufferSize(size: number): void {
    setBufferSize(this.#socket(), "send", size);
  }

  /**
   * The size of the system's receive buffer, in bytes; Linux tells twice of what
   * was set.
   *
   * @throws {Error} `ERR_SOCKET_BUFFER_SIZE` before the socket is bound.
   */
  getRecvBufferSize(): number {
    return bufferSize(this.#socket(), "receive");
  }

  /**
   * The size of the system's send buffer, in bytes; Linux tells twice of what was
   * set.
   *
   * @throws {Error} `ERR_SOCKET_BUFFER_SIZE` before the socket is bound.
   */
  getSendBufferSize(): number {
    return bufferSize(this.#socket(), "send");
  }

  #socket(): RioSocket | undefined {
    return this[NATIVE](false);
  }

  #call(syscall: string, call: (socket: RioSocket) => void): void {
    calling(this.#socket(), syscall, call);
  }

  #change(
    syscall: "addMembership" | "dropMembership",
    group: string,
    where: string | undefined,
  ): void {
    this[NATIVE](false);
    if (!group) throw missingArgument("multicastAddress");
    changeMembership(this[NATIVE](true)!, syscall, { group, where });
  }

  #changeSource(
    syscall: Change,
    at: { source: string; group: string; where: string | undefined },
  ): void {
    this[NATIVE](false);
    assertString("sourceAddress", at.source);
    assertString("groupAddress", at.group);
    changeMembership(this[NATIVE](true)!, syscall, at);
  }
}
