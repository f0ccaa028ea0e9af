/**
 * The two kinds of sockets that are compared under light load.
 *
 * @module
 */
import { listen, listenDatagram, type RioDatagramConn } from "../../mod.ts";

/** What the kinds are called in tables; this package first. */
export const NAMES = {
  rio: "listenDatagram",
  deno: "Deno.listenDatagram",
} as const;

/** One of the kinds. */
export type Kind = keyof typeof NAMES;

/** The kinds, this package first. */
export const KINDS = Object.keys(NAMES) as Kind[];

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** Deno's own, with the methods that its types leave out. */
interface DenoDatagramConn extends Deno.DatagramConn {
  ref(): void;
  unref(): void;
}

/** UDP sockets with default options. */
export const UDP = {
  rio: (): RioDatagramConn => listenDatagram(LOCAL),
  deno: (): DenoDatagramConn =>
    Deno.listenDatagram({ transport: "udp", ...LOCAL }) as DenoDatagramConn,
} as const;

/** TCP listeners with default options. */
export const TCP = {
  rio: () => listen(LOCAL),
  deno: () => Deno.listen(LOCAL),
} as const;
