/**
 * Deno's network permission, which FFI would go round.
 *
 * @module
 */
import { readAddress } from "../address.ts";

/** Asks for the network permission as Deno's own sockets do. */
export class Permissions {
  /** Destinations that were granted, by the address bytes. */
  readonly #granted: Set<string> = new Set();
  /** The whole network is allowed: nothing needs to be asked per request. */
  readonly everything: boolean;

  constructor() {
    const { state, partial } = Deno.permissions.querySync({ name: "net" });
    // Partial: --deny-net takes something out of --allow-net.
    this.everything = state === "granted" && !partial;
  }

  /**
   * Asks for one host and port.
   *
   * @throws {Deno.errors.NotCapable} If it is not granted.
   */
  require(hostname: string, port: number): void {
    const bare = hostname.split("%")[0]!;
    const host = `${bare.includes(":") ? `[${bare}]` : bare}:${port}`;
    const { state } = Deno.permissions.requestSync({ name: "net", host });
    if (state !== "granted") {
      throw new Deno.errors.NotCapable(
        `Requires net access to "${host}", run again with the --allow-net flag`,
      );
    }
  }

  /**
   * Asks for the destination in an address slice; once for each destination.
   *
   * @throws {Deno.errors.NotCapable} If it is not granted.
   * @throws {TypeError} If the bytes are no address.
   */
  requireDestination(bytes: Uint8Array): void {
    const { hostname, port } = readAddress(bytes, "udp");
    const key = `${hostname} ${port}`;
    if (this.#granted.has(key)) return;
    this.require(hostname, port);
    this.#granted.add(key);
  }
}
