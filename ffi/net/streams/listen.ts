/**
 * Opening TCP listeners with the shape of Deno's own.
 *
 * @module
 */
import { assertInteger } from "../../session/arguments.ts";
import type { RioSession } from "../../session/session.ts";
import { denoErrors } from "../errors.ts";
import { knownAddress, toPort } from "../hosts.ts";
import { useHub } from "./hub.ts";
import { RioTcpListener } from "./listener.ts";

/** Options of {@linkcode listen}. */
export interface RioListenOptions {
  /**
   * The transport, as for `Deno.listen`; only this one.
   *
   * @default {"tcp"}
   */
  transport?: "tcp";
  /**
   * The local port; 0 for any.
   *
   * @default {0}
   */
  port?: number;
  /**
   * The local address, an IP literal or `localhost`; `"::"` serves IPv4 peers,
   * too.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * Connections that can wait to be accepted; the system may allow fewer.
   *
   * @default {511}
   */
  tcpBacklog?: number;
  /**
   * Share the port with other sockets, the system spreads the connections;
   * Linux only.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /** The session to open it in; by default one that all sockets share. */
  session?: RioSession;
}

/**
 * Listens for TCP connections: a drop-in for `Deno.listen`.
 *
 * @example Change the import, keep the program
 * ```ts no-assert
 * import { listen } from "@winsock/rio";
 *
 * using listener = listen({ hostname: "127.0.0.1", port: 0 });
 * console.log(`listening on port ${listener.addr.port}`);
 * ```
 *
 * @param options Address and backlog.
 * @returns The listener.
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If the port is out of range.
 * @throws {Deno.errors.AddrInUse} If the address is in use.
 * @throws {Deno.errors.AddrNotAvailable} If it is not of this host.
 * @throws {Deno.errors.NotCapable} If it is not permitted.
 * @throws {Deno.errors.NotSupported} If the system lacks something asked for.
 */
export function listen(options: RioListenOptions = {}): RioTcpListener {
  const {
    transport = "tcp",
    tcpBacklog = 511,
    reusePort = false,
  } = options;
  if (transport !== "tcp") {
    throw new TypeError(
      `Unsupported transport "${String(transport)}": give "tcp"`,
    );
  }
  const port = toPort(options.port);
  assertInteger("tcpBacklog", tcpBacklog, -0x80000000, 0x7FFFFFFF);
  const hostname = options.hostname ?? "0.0.0.0";
  const host = knownAddress(hostname);
  if (host === undefined) {
    throw new Error(
      `Cannot listen on "${hostname}": it is no IP literal, look the name up first`,
    );
  }
  if (reusePort && Deno.build.os === "windows") {
    throw new Deno.errors.NotSupported(
      "Cannot share a port between sockets: Windows has no SO_REUSEPORT",
    );
  }
  return denoErrors(() => {
    const use = useHub(options.session);
    try {
      const socket = use.hub.session.openSocket({
        transport: "tcp",
        hostname: host,
        port,
        reusePort,
        // Systems read less than 1 each in its own way.
        backlog: Math.max(1, tcpBacklog),
      });
      return new RioTcpListener(use, socket);
    } catch (error) {
      use.release();
      throw error;
    }
  });
}
