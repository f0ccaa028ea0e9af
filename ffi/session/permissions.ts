/**
 * Deno's network permission: Deno does not check it for native calls, so this
 * package does.
 *
 * @module
 */
import { readAddress } from "../address.ts";

/**
 * Asks for one host, a name or an address, and port.
 *
 * @throws {Deno.errors.NotCapable} If it is not granted.
 */
export function requireNet(hostname: string, port: number): void {
  const { state } = Deno.permissions.requestSync(descriptor(hostname, port));
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Requires net access to "${
        descriptor(hostname, port).host
      }", run again with the --allow-net flag`,
    );
  }
}

function descriptor(hostname: string, port: number) {
  const bare = hostname.split("%")[0]!;
  const host = `${bare.includes(":") ? `[${bare}]` : bare}:${port}`;
  return { name: "net", host } as const;
}

/** Asks for the network permission as Deno's own sockets do. */
export class Permissions {
  /** Addresses that were granted, with their ports. */
  readonly #granted: Set<string> = new Set();
  /** The whole network is permitted, so that no request has to ask. */
  readonly everything: boolean;

  constructor() {
    const { state, partial } = Deno.permissions.querySync({ name: "net" });
    // With --deny-net the state is partial: some addresses are not permitted.
    this.everything = state === "granted" && !partial;
  }

  /**
   * Asks for one address and port; once.
   *
   * @throws {Deno.errors.NotCapable} If it is not granted.
   */
  require(hostname: string, port: number): void {
    const key = `${hostname} ${port}`;
    if (this.#granted.has(key)) return;
    requireNet(hostname, port);
    this.#granted.add(key);
  }

  /**
   * Permits an address because the name that it was looked up for is permitted,
   * unless the address itself is denied.
   */
  grant(hostname: string, port: number): void {
    const { state } = Deno.permissions.querySync(descriptor(hostname, port));
    if (state !== "denied") this.#granted.add(`${hostname} ${port}`);
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
