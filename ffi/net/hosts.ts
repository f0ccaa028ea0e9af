/**
 * Hostnames as users give them, and addresses as the kernel reads them.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import {
  ADDRESS_SIZE,
  assertPort,
  ipVersion,
  readAddress,
  writeAddress,
} from "../address.ts";

/** How many destinations are kept ready. */
const CACHED = 1024;
const LOCALHOST = /^localhost$/i;
/** What a name can consist of; Deno's sockets refuse everything else, too. */
const NAME = /^[\w.-]+$/;

/**
 * The IP literal of a hostname that needs no look-up.
 *
 * @returns A literal, or `undefined` for a name that has to be looked up.
 * @throws {TypeError} If it is no string.
 * @throws {URIError} If no host can have that name.
 */
export function knownAddress(hostname: string): string | undefined {
  if (hostname === "127.0.0.1") return hostname;
  if (typeof hostname !== "string") {
    throw new TypeError(
      `Invalid hostname ${
        String(hostname)
      }: give a string, not a ${typeof hostname}`,
    );
  }
  if (LOCALHOST.test(hostname)) return "127.0.0.1";
  const bare = hostname.startsWith("[") && hostname.endsWith("]")
    ? hostname.slice(1, -1)
    : hostname;
  if (ipVersion(bare) !== 0) return bare;
  if (NAME.test(hostname)) return undefined;
  throw new URIError(
    `Invalid hostname "${hostname}": give an IP literal or a name of letters, digits, "-", "_" and "."`,
  );
}

/**
 * The number of a port, which Deno's sockets also take as a string of digits.
 *
 * @returns The number; 0 if there is none.
 * @throws {TypeError} If it is no whole number.
 * @throws {RangeError} If it is not from 0 to 65535.
 */
export function toPort(port: unknown): number {
  const number = typeof port === "string" && /^\d+$/.test(port)
    ? Number(port)
    : port ?? 0;
  if (typeof number === "number" && !Number.isInteger(number)) {
    throw new TypeError(
      `Invalid port ${number}: give a whole number from 0 to 65535`,
    );
  }
  assertPort(number);
  return number;
}

/**
 * Resolves a hostname with the system's resolver.
 *
 * @param hostname A name or an IP literal.
 * @param family 4 or 6 for addresses of that family only, 0 for either.
 * @returns The first address, as a literal.
 * @throws {Error} If there is no such name.
 */
export async function resolveHost(
  hostname: string,
  family: 0 | 4 | 6 = 0,
): Promise<string> {
  const known = knownAddress(hostname);
  if (known !== undefined && !(LOCALHOST.test(hostname) && family === 6)) {
    return known;
  }
  return (await lookup(hostname, { family, order: "verbatim" })).address;
}

/**
 * Resolves a hostname to all of its addresses.
 *
 * @param hostname A name or an IP literal.
 * @returns The addresses, as literals, in the order to try them.
 * @throws {Error} If there is no such name.
 */
export async function resolveHosts(hostname: string): Promise<string[]> {
  const known = knownAddress(hostname);
  if (LOCALHOST.test(hostname)) return ["127.0.0.1", "::1"];
  if (known !== undefined) return [known];
  const found = await lookup(hostname, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
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
   * Writes host and port into 28 bytes.
   *
   * @param bytes The bytes of a slice.
   * @param hostname An IP literal.
   * @param port 0 to 65535.
   */
  write(bytes: Uint8Array, hostname: string, port: number): void {
    let host = this.#hosts.get(hostname);
    if (host === undefined) {
      host = new Uint8Array(ADDRESS_SIZE);
      writeAddress(host, { hostname, port: 0 }, { mapped: this.#mapped });
      if (this.#hosts.size >= CACHED) this.#hosts.clear();
      this.#hosts.set(hostname, host);
    }
    bytes.set(host);
    bytes[2] = port >> 8;
    bytes[3] = port & 0xFF;
  }
}

/** Reads senders from slices; the same sender again costs a comparison. */
export class AddressReader {
  readonly #last: Uint8Array = new Uint8Array(ADDRESS_SIZE);
  #hostname = "";
  #port = -1;

  /** Reads 28 bytes that a receive filled. */
  read(bytes: Uint8Array): Deno.NetAddr {
    const last = this.#last;
    let same = this.#port >= 0;
    for (let i = 0; same && i < ADDRESS_SIZE; i++) same = bytes[i] === last[i];
    if (!same) {
      ({ hostname: this.#hostname, port: this.#port } = readAddress(
        bytes,
        "udp",
      ));
      last.set(bytes.subarray(0, ADDRESS_SIZE));
    }
    return { transport: "udp", hostname: this.#hostname, port: this.#port };
  }
}
