/**
 * Addresses as Node tells them, and how it finds those of names.
 *
 * @module
 */
import dns from "node:dns";
import { nextTick } from "node:process";
import { ipVersion } from "../address.ts";
import { interfaceName } from "../interfaces.ts";
import { withZone } from "../net/given_back.ts";
import type {
  AddressInfo,
  LookupFunction,
  RemoteInfo,
  SocketType,
} from "./types.ts";

/** The addresses that a family has for what nobody names. */
const DEFAULTS = {
  udp4: { here: "127.0.0.1", everywhere: "0.0.0.0" },
  udp6: { here: "::1", everywhere: "::" },
} as const;

/** A host whose address is known. */
export interface Host {
  /** Its address. */
  readonly ip: string;
  /**
   * What the system's socket is told: the address; where not the whole network is
   * permitted the name that was given, which is permitted by itself.
   */
  readonly hostname: string;
}

/** Speaks of addresses as Node does on sockets of one family. */
export class Family {
  /** 4 or 6. */
  readonly version: 4 | 6;
  /** What Node calls it. */
  readonly name: "IPv4" | "IPv6";
  /** This host. */
  readonly here: string;
  /** All addresses of this host. */
  readonly everywhere: string;
  readonly #lookup: LookupFunction | undefined;
  #lastKnown = "";
  #lastVersion: 0 | 4 | 6 = 0;
  #lastHost = "";
  #lastAddress = "";

  /**
   * Takes a family.
   *
   * @param lookup Looks up all that is given; by default names only.
   */
  constructor(type: SocketType, lookup?: LookupFunction) {
    this.version = type === "udp4" ? 4 : 6;
    this.name = type === "udp4" ? "IPv4" : "IPv6";
    this.here = DEFAULTS[type].here;
    this.everywhere = DEFAULTS[type].everywhere;
    this.#lookup = lookup;
  }

  /** Finds a host by its address or name, and tells it in a later turn. */
  find(
    name: string,
    callback: (error: Error | null, host: Host | null) => void,
  ): void {
    this.#lookUp(name, (error, ip) => {
      if (error) callback(error, null);
      else callback(null, { ip, hostname: this.#reach(name, ip) });
    });
  }

  #lookUp(
    hostname: string,
    callback: (error: Error | null, address: string) => void,
  ): void {
    if (this.#lookup) {
      this.#lookup(hostname, this.version, (error, address) =>
        // What is no address fits nowhere.
        callback(error, typeof address === "string" ? address : ""));
    } else if (ipVersion(hostname) !== 0) {
      nextTick(callback, null, hostname);
    } else {
      // Asked for each time: a program may have put another one there.
      dns.lookup(
        hostname,
        this.version,
        // What is thrown there is an uncaught exception then, as in Node.
        (error, address) => nextTick(callback, error, address),
      );
    }
  }

  /** Whether a hostname is an address, and nobody has to be asked for it. */
  knows(hostname: string): boolean {
    return this.#lookup === undefined && this.#versionOf(hostname) !== 0;
  }

  /** Whether sockets of this family can have to do with an address. */
  fits(address: string): boolean {
    return this.#versionOf(address) === this.version;
  }

  #versionOf(hostname: string): 0 | 4 | 6 {
    if (hostname !== this.#lastKnown) {
      this.#lastKnown = hostname;
      this.#lastVersion = ipVersion(hostname);
    }
    return this.#lastVersion;
  }

  #reach(hostname: string, address: string): string {
    if (this.#lookup !== undefined || hostname === address) return address;
    const { state, partial } = Deno.permissions.querySync({ name: "net" });
    return state === "granted" && !partial ? address : hostname;
  }

  /** An address of this package's sockets, as Node tells it. */
  address(address: Deno.NetAddr): AddressInfo {
    const { port } = address;
    return { address: this.#told(address), family: this.name, port };
  }

  /** The sender of a datagram. */
  remote(address: Deno.NetAddr, size: number): RemoteInfo {
    const { port } = address;
    return { address: this.#told(address), family: this.name, port, size };
  }

  #told(address: Deno.NetAddr): string {
    if (this.version === 4) return address.hostname;
    const hostname = withZone(address, address.hostname);
    if (hostname !== this.#lastHost) {
      this.#lastAddress = toIpv6(hostname);
      this.#lastHost = hostname;
    }
    return this.#lastAddress;
  }
}

/** An address of a socket of IPv6, with IPv4 and interfaces as Node tells them. */
function toIpv6(hostname: string): string {
  const at = hostname.indexOf("%");
  if (at < 0) return hostname.includes(":") ? hostname : `::ffff:${hostname}`;
  // On Windows interfaces have numbers there as well.
  if (Deno.build.os === "windows") return hostname;
  const name = interfaceName(Number(hostname.slice(at + 1)));
  return name === "" ? hostname : hostname.slice(0, at + 1) + name;
}
