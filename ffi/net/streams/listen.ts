/**
 * Opening TCP listeners with the shape of Deno's own.
 *
 * @module
 */
import { DisposableStack } from "../../globals.ts";
import { INTERNAL } from "../../internal.ts";
import { assertInteger } from "../../arguments.ts";
import type { RioSession } from "../../session/session.ts";
import { assertReusePort, deviceOf, localAddress } from "../arguments.ts";
import { denoErrors } from "../errors.ts";
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
   * The local address, an IP literal or a name, which is looked up at once;
   * `"::"` serves IPv4 peers, too, unless `ipv6Only` is set.
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
  /**
   * Refuse IPv4 peers on an IPv6 socket, so that another one can have the port
   * for them.
   *
   * @default {false}
   */
  ipv6Only?: boolean;
  /**
   * The interface to use alone, by index or by name: on Linux nothing leaves or
   * arrives through another one, on Windows nothing leaves.
   */
  device?: number | string;
  /**
   * Have the ends of `readable` and `writable` end one direction each: a
   * connection is closed when both have ended. By default each closes it, as with
   * Deno's own.
   *
   * @default {false}
   */
  allowHalfOpen?: boolean;
  /** The session to open it in; by default one that all sockets share. */
  session?: RioSession;
}

/**
 * Listens for TCP connections: a drop-in for `Deno.listen`.
 *
 * @example Change the import, keep the program
 * ```ts
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
  const { tcpBacklog = 511, reusePort = false, ipv6Only = false } = options;
  const { allowHalfOpen } = options;
  const address = localAddress("tcp", options);
  assertInteger("tcpBacklog", tcpBacklog, -0x80000000, 0x7FFFFFFF);
  return denoErrors(() => {
    using stack = new DisposableStack();
    const hub = stack.use(useHub(options.session));
    assertReusePort(hub.session, reusePort);
    const socket = hub.session.openSocket({
      transport: "tcp",
      ...address,
      reusePort,
      ipv6Only,
      ...deviceOf(options),
      // What less than 1 means differs from system to system.
      backlog: Math.max(1, tcpBacklog),
    });
    const listener = new RioTcpListener(INTERNAL, hub, {
      socket,
      allowHalfOpen,
    });
    stack.move();
    return listener;
  });
}
