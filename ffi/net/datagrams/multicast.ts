/**
 * Multicast groups of a datagram socket.
 *
 * @module
 */
import { RioError } from "../../errors.ts";
import { NativePromise } from "../../globals.ts";
import { assertInternal, type INTERNAL } from "../../internal.ts";
import type { RioSocket } from "../../session/socket.ts";
import { denoErrors, toDenoError, withMore } from "../errors.ts";
import { type Group, type GroupRequest, GroupRequests } from "./groups.ts";

/** Options of {@linkcode RioDatagramConn.joinMulticastV4}. */
export interface RioMembershipOptions {
  /**
   * Hear this source of the group alone, given by its address. Join once for
   * each source.
   */
  source?: string;
}

/**
 * A joined multicast group; disposing it leaves the group.
 *
 * @example Join a group, hear what is sent to it, and leave
 * ```ts
 * import { listenDatagram } from "@winsock/rio";
 *
 * using conn = listenDatagram({ loopback: true });
 * // 1 is the interface of loopback; 0 lets the system choose.
 * await using membership = await conn.joinMulticastV4("239.255.0.7", 1);
 * await membership.setTTL(1); // stays in this network
 *
 * conn.socket.setOption("multicastInterface", 1);
 * const to = { hostname: "239.255.0.7", port: conn.addr.port };
 * await conn.send(new TextEncoder().encode("hello, group"), to);
 * const [data] = await conn.receive();
 * console.log(new TextDecoder().decode(data));
 * ```
 */
export class RioMembership implements AsyncDisposable {
  readonly #socket: RioSocket;
  readonly #requests: GroupRequests;
  readonly #drop: GroupRequest;
  #left = false;

  /**
   * For this package only: use {@linkcode RioDatagramConn.joinMulticastV4}.
   *
   * @ignore
   * @param key Proves that this package calls.
   * @param socket The socket that joins.
   * @param group The group and the interface, and the source if there is one.
   */
  constructor(
    key: typeof INTERNAL,
    socket: RioSocket,
    group: Group & RioMembershipOptions,
  ) {
    assertInternal(key, "RioDatagramConn.joinMulticastV4()");
    const { source } = group;
    this.#socket = socket;
    this.#requests = new GroupRequests(group);
    const request = (action: "join" | "leave") =>
      source === undefined
        ? this.#requests.group(action)
        : this.#requests.source(action, source);
    this.#drop = request("leave");
    denoErrors(() => this.#ask(request("join")));
    // Deno's can be taken out of their object.
    this.leave = this.leave.bind(this);
    this.block = this.block.bind(this);
    this.unblock = this.unblock.bind(this);
    this.setLoopback = this.setLoopback.bind(this);
    this.setTTL = this.setTTL.bind(this);
  }

  /**
   * Leaves the group.
   *
   * @throws {Deno.errors.AddrNotAvailable} If it was left before.
   */
  leave(): Promise<void> {
    return promised(() => {
      this.#left = true;
      this.#ask(this.#drop);
    });
  }

  /**
   * Hears one source of the group no more.
   *
   * @param source Its address.
   * @throws {Error} If it is no address of the group's version, or the group was
   * joined for one source.
   */
  block(source: string): Promise<void> {
    return promised(() => this.#ask(this.#requests.source("block", source)));
  }

  /**
   * Hears a source again that was blocked.
   *
   * @param source Its address.
   * @throws {Error} If it is not blocked.
   */
  unblock(source: string): Promise<void> {
    return promised(() => this.#ask(this.#requests.source("unblock", source)));
  }

  /** Sets whether this host hears what it sends to groups. */
  setLoopback(loopback: boolean): Promise<void> {
    return promised(() =>
      this.#socket.setOption("multicastLoopback", loopback)
    );
  }

  /** Sets the hops that multicast may take, 0 to 255. */
  setTTL(ttl: number): Promise<void> {
    return promised(() => this.#socket.setOption("multicastTimeToLive", ttl));
  }

  /** Leaves the group, unless that was done or the socket was closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#left && !this.#socket.closed) await this.leave();
  }

  #ask({ option, value, what }: GroupRequest): void {
    try {
      this.#socket.setRawOption(option, value);
    } catch (error) {
      const told = toDenoError(error);
      throw error instanceof RioError ? withMore(told, `to ${what}`) : told;
    }
  }
}

function promised(call: () => void): Promise<void> {
  return NativePromise.try(() => denoErrors(call));
}
