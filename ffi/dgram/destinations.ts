/**
 * Where datagrams go, and whether they may.
 *
 * @module
 */
import type { BlockList } from "node:net";
import type { RioDatagramConn } from "../net/datagrams/conn.ts";
import type { Family, Host } from "./addresses.ts";
import { blocked, systemCode, systemError, type Where } from "./errors.ts";
import { isBlocked } from "./receives.ts";
import type { Sending } from "./send_arguments.ts";

/** Directs datagrams of one socket. */
export class Destinations {
  readonly #family: Family;
  readonly #blocks: BlockList | undefined;
  #last: Deno.NetAddr = { transport: "udp", hostname: "", port: 0 };

  /**
   * Directs nothing yet.
   *
   * @param blocks Where nothing is sent.
   */
  constructor(family: Family, blocks: BlockList | undefined) {
    this.#family = family;
    this.#blocks = blocks;
  }

  /** Directs a datagram to a host; why that cannot be, or `null`. */
  direct(sending: Sending, { ip, hostname }: Host): Error | null {
    const { port } = sending;
    const refused = this.#refused(ip, "send", sending);
    if (refused !== null) return refused;
    // Most datagrams go where the one before went.
    if (this.#last.hostname !== hostname || this.#last.port !== port) {
      this.#last = { transport: "udp", hostname, port };
    }
    sending.addr = this.#last;
    return null;
  }

  /**
   * Connects to a host.
   *
   * @param where What was asked for, told with errors.
   * @returns What it fails with, or `null`.
   */
  async connect(
    conn: RioDatagramConn,
    { ip, hostname }: Host,
    where: { address: string; port: number },
  ): Promise<unknown> {
    const refused = this.#refused(ip, "connect", where);
    if (refused !== null) return refused;
    try {
      await conn.connect({ hostname, port: where.port });
    } catch (error) {
      const code = systemCode(error);
      return code === undefined ? error : systemError(code, "connect", where);
    }
    return null;
  }

  /** Why nothing is sent to an address; `null` where it may be. */
  #refused(ip: string, syscall: string, where: Where): Error | null {
    if (this.#blocks && isBlocked(this.#blocks, ip)) return blocked(ip);
    return this.#family.fits(ip) ? null : systemError("EINVAL", syscall, where);
  }
}
