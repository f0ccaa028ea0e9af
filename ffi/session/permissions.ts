/**
 * Deno's network permission: Deno does not check it for native calls, so this
 * package does.
 *
 * @module
 */
import {
  ADDRESS_SIZE,
  type IpAddress,
  ipVersion,
  readAddress,
  writeAddress,
} from "../address.ts";
import { show } from "../arguments.ts";

/** Marks an address that a name leads to which is permitted. */
const PERMITTED: unique symbol = Symbol("permitted");

/** An address, and whether it was permitted under a name. */
export interface PermittedAddress extends IpAddress {
  readonly [PERMITTED]?: true;
}

/**
 * Permits an address that a name leads to which is permitted: nobody has to ask
 * for the address itself, whether it is permitted or not.
 *
 * @throws {Deno.errors.NotCapable} If the address itself is denied.
 */
export function permitResolved(
  { hostname, port }: IpAddress,
): PermittedAddress {
  if (isAllPermitted()) return { hostname, port, [PERMITTED]: true };
  const { state } = Deno.permissions.querySync(descriptor(hostname, port));
  if (state === "denied") throw notCapable(hostname, port);
  return { hostname, port, [PERMITTED]: true };
}

/** Whether {@linkcode permitResolved} has made an address, or its copy. */
export function isPermitted(address: object): boolean {
  return PERMITTED in address;
}

/** What marks a request whose destination was permitted under a name. */
export const PERMITTED_OPTIONS: Readonly<{ [PERMITTED]: true }> = {
  [PERMITTED]: true,
};

/**
 * Asks for one host, a name or an address, and port.
 *
 * @throws {Deno.errors.NotCapable} If it is not granted.
 */
export function requireNet(hostname: string, port: number): void {
  if (isAllPermitted()) return;
  const { state } = Deno.permissions.requestSync(descriptor(hostname, port));
  if (state !== "granted") throw notCapable(hostname, port);
}

/**
 * Whether no host needs to be asked for. Deno keeps something for each that it
 * was ever asked for, until the process ends: this is one, and those are many.
 */
function isAllPermitted(): boolean {
  const { state, partial } = Deno.permissions.querySync({ name: "net" });
  // With --deny-net the state is partial: some addresses are not permitted.
  return state === "granted" && !partial;
}

function notCapable(hostname: string, port: number): Error {
  return new Deno.errors.NotCapable(
    `Requires net access to ${
      show(descriptor(hostname, port).host)
    }, run again with the --allow-net flag`,
  );
}

/** What Deno asks for; its flags know hosts in this spelling alone. */
function descriptor(hostname: string, port: number) {
  const host = hostOf(hostname);
  const name = host.includes(":") ? `[${host}]` : host;
  return { name: "net", host: `${name}:${port}` } as const;
}

/** A host without its interface, in the usual spelling of an address or name. */
function hostOf(hostname: string): string {
  const bare = hostname.replace(/^\[|%.*$|\]$/g, "");
  if (ipVersion(bare) === 0) return bare.replace(/\.$/, "").toLowerCase();
  const bytes = new Uint8Array(ADDRESS_SIZE);
  writeAddress(bytes, { hostname: bare, port: 0 });
  return readAddress(bytes, "udp").hostname;
}

/** Asks for the network permission as Deno's own sockets do. */
export class Permissions {
  /** Addresses that were granted, with their ports. */
  readonly #granted: Set<string> = new Set();
  /** The whole network is permitted, so that no request has to ask. */
  readonly everything: boolean = isAllPermitted();

  /**
   * Asks for one address and port; once.
   *
   * @throws {Deno.errors.NotCapable} If it is not granted.
   */
  require(hostname: string, port: number): void {
    const key = `${hostname} ${port}`;
    if (this.#granted.has(key) || isAllPermitted()) return;
    requireNet(hostname, port);
    this.#granted.add(key);
  }

  /**
   * Asks for the destination in an address slice; once.
   *
   * @throws {Deno.errors.NotCapable} If it is not granted.
   * @throws {TypeError} If the bytes are no address.
   */
  requireDestination(bytes: Uint8Array): void {
    const { hostname, port } = readAddress(bytes, "udp");
    this.require(hostname, port);
  }
}
