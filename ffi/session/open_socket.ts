/**
 * Opening a socket, step by step, with nothing left behind if one fails.
 *
 * @module
 */
import { assertPort, ipVersion, writeAddress } from "../address.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_V6ONLY,
  SIO_UDP_CONNRESET,
  SIO_UDP_NETRESET,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../constants.ts";
import { check, checkHandle } from "../errors.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertInteger, assertOneOf } from "./arguments.ts";
import type { SessionCore } from "./core.ts";
import {
  assertQueueOptions,
  attachQueues,
  readOnce,
  type RioQueueOptions,
} from "./request_queue.ts";
import { RioSocket } from "./socket.ts";

/** Options of {@linkcode RioSession.openSocket}. */
export interface RioSocketOptions extends RioQueueOptions {
  /** The transport. */
  transport: "udp" | "tcp";
  /**
   * The local address, an IP literal; it decides between IPv4 and IPv6. On
   * `"::"` a socket serves both, unless `ipv6Only` is set.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * The local port; 0 for any.
   *
   * @default {0}
   */
  port?: number;
  /** Makes a TCP listener on which so many connections can wait. */
  backlog?: number;
  /**
   * Refuse IPv4 peers on an IPv6 socket.
   *
   * @default {false}
   */
  ipv6Only?: boolean;
  /**
   * Bind to an address that is in use.
   *
   * @default {false}
   */
  reuseAddress?: boolean;
  /**
   * Share the address with other sockets that ask for it, the system spreads
   * the traffic; Linux only.
   *
   * @default {false}
   */
  reusePort?: boolean;
}

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const ON = new Uint8Array([1, 0, 0, 0]);
const OFF = new Uint8Array(4);

/** Opens a socket in a session; for this package only. */
export function openSocket(
  core: SessionCore,
  options: RioSocketOptions,
): RioSocket {
  options = readOnce(options);
  const { transport, hostname = "0.0.0.0", port = 0, backlog } = options;
  assertOneOf("transport", transport, ["udp", "tcp"]);
  assertPort(port);
  assertQueueOptions(core, options);
  if (backlog !== undefined) {
    if (transport === "udp") {
      throw new TypeError("Invalid backlog: a UDP socket does not listen");
    }
    assertInteger("backlog", backlog, 1, 0x7FFFFFFF);
  }
  const listening = backlog !== undefined;
  const address = new Uint8Array(SOCKADDR_INET.size);
  writeAddress(address, { hostname, port });
  core.assertOpen("open a socket");
  // A client's system picks address and port: nothing of the network is claimed.
  const binds = transport === "udp" || listening || port !== 0 ||
    !WILDCARDS.has(hostname);
  if (binds) core.permissions.require(hostname, port);

  const { backend, ledger } = core;
  const family = ipVersion(hostname) === 6 ? AF_INET6 : AF_INET;
  const handle = transport === "udp"
    ? backend.sockets.open(family, SOCK_DGRAM, IPPROTO_UDP)
    : backend.sockets.open(family, SOCK_STREAM, IPPROTO_TCP);
  checkHandle(handle, "WSASocketW", `open a ${transport} socket`);
  const record = ledger.addSocket(handle);
  try {
    const where = `${hostname}:${port}`;
    const set = (level: number, name: number, value: Uint8Array) => {
      const errno = backend.sockets.setOption(handle, level, name, value);
      check(errno, "setsockopt", `set an option before binding ${where}`);
    };
    if (family === AF_INET6) {
      set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ? ON : OFF);
    }
    if (options.reuseAddress) set(SOL_SOCKET, SO_REUSEADDR, ON);
    if (options.reusePort) set(SOL_SOCKET, SO_REUSEPORT, ON);
    if (transport === "udp") {
      // An unreachable peer must not fail the receives of all others. Some
      // systems refuse the wish; that alone is no reason to fail.
      backend.sockets.ioctl(handle, SIO_UDP_CONNRESET, OFF);
      backend.sockets.ioctl(handle, SIO_UDP_NETRESET, OFF);
    }
    if (binds) {
      check(backend.sockets.bind(handle, address), "bind", `bind ${where}`);
    }
    if (listening) {
      check(
        backend.sockets.listen(handle, backlog),
        "listen",
        `listen on ${where}`,
      );
    }
    const queues = listening ? null : attachQueues(core, record, options);
    return new RioSocket(core, record, { transport, family, queues });
  } catch (error) {
    ledger.closeSocket(record);
    throw error;
  }
}
