/**
 * Addresses of datagrams: as callers give and get them, and as the kernel reads
 * and writes them.
 *
 * @module
 */
import {
  ADDRESS_SIZE,
  assertPort,
  type IpAddress,
  readAddress,
  writeAddress,
} from "../../address.ts";
import { AF_INET } from "../../constants.ts";
import { SOCKADDR_INET } from "../../layout.ts";
import { givenBack, withZone } from "../given_back.ts";
import { knownAddress } from "../hosts.ts";

/**
 * Where a datagram goes: host, `127.0.0.1` by default, and port. The transport
 * of Deno's addresses is not needed.
 */
export type RioDestination = Deno.Addr | {
  /** A name or an IP literal. */
  hostname?: string;
  /** The port. */
  port: number;
};

/** Family, port and host: what is behind them in an IPv4 address says nothing. */
const IPV4_SIZE = SOCKADDR_INET.ipv4Address + 4;

/** How many destinations are kept ready. */
const CACHED = 1024;

/** The destination of a send, with Deno's default host. */
export function destination(addr: unknown): IpAddress {
  const { hostname, port } = (addr ?? {}) as {
    hostname?: string | null;
    port?: number;
  };
  assertPort(port);
  const host = withZone(addr as object, hostname) ?? "127.0.0.1";
  return { hostname: host, port };
}

/** Writes destinations into slices, without parsing one twice. */
export class AddressWriter {
  readonly #mapped: boolean;
  readonly #hosts: Map<string, Uint8Array> = new Map();

  /**
   * Makes a writer for one socket.
   *
   * @param mapped The socket is dual-stack: IPv4 hosts need the mapped form.
   */
  constructor(mapped: boolean) {
    this.#mapped = mapped;
  }

  /** The IP literal of a hostname that needs no look-up. */
  known(hostname: string): string | undefined {
    return this.#hosts.has(hostname) ? hostname : knownAddress(hostname);
  }

  /**
   * Writes a destination into 28 bytes.
   *
   * @param bytes The bytes of a slice.
   * @param to An IP literal, and a port.
   */
  write(bytes: Uint8Array, { hostname, port }: IpAddress): void {
    let host = this.#hosts.get(hostname);
    if (host === undefined) {
      host = new Uint8Array(ADDRESS_SIZE);
      writeAddress(host, { hostname, port: 0 }, { mapped: this.#mapped });
      if (this.#hosts.size >= CACHED) this.#hosts.clear();
      this.#hosts.set(hostname, host);
    }
    bytes.set(host);
    bytes[SOCKADDR_INET.port] = port >> 8;
    bytes[SOCKADDR_INET.port + 1] = port & 0xFF;
  }
}

/** Reads senders from slices; the same sender again costs a comparison. */
export class AddressReader {
  readonly #last: Uint8Array = new Uint8Array(ADDRESS_SIZE);
  #address: Deno.NetAddr | null = null;

  /**
   * Reads 28 bytes that a receive filled.
   *
   * @returns The address; frozen, for all who hear from the same sender get the
   * same object.
   */
  read(bytes: Uint8Array): Deno.NetAddr {
    const last = this.#last;
    const size = bytes[0] === AF_INET ? IPV4_SIZE : ADDRESS_SIZE;
    let same = this.#address !== null;
    for (let i = 0; same && i < size; i++) same = bytes[i] === last[i];
    if (!same) {
      this.#address = Object.freeze(
        givenBack(readAddress(bytes, "udp")),
      );
      last.set(bytes.subarray(0, ADDRESS_SIZE));
    }
    return this.#address!;
  }
}
