/**
 * Opening a socket, step by step, with nothing left behind if one fails.
 *
 * @module
 */
import {
  assertPort,
  ipVersion,
  readAddress,
  showAddress,
  writeAddress,
} from "../address.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SIO_UDP_CONNRESET,
  SIO_UDP_NETRESET,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../constants.ts";
import { check, checkHandle } from "../errors.ts";
import { INTERNAL } from "../internal.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertInteger, assertOneOf, refuseType } from "../arguments.ts";
import type { SessionCore } from "./core.ts";
import { toDevice, useDevice } from "./device.ts";
import type { EndpointParts } from "./endpoint.ts";
import { RioListener } from "./listener.ts";
import { isPermitted } from "./permissions.ts";
import { planQueues, type RioQueueOptions } from "./request_queue.ts";
import { RioSocket } from "./socket.ts";
import { optionNumbers, type RioSocketOption } from "./socket_options.ts";

/** The local address of a socket, and how it may share it. */
export interface RioBindOptions {
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
  /**
   * Refuse IPv4 peers on an IPv6 socket.
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
   * Bind to an address that is in use.
   *
   * @default {false}
   */
  reuseAddress?: boolean;
  /**
   * Share the address with other sockets that set this: the system spreads the
   * traffic over them; Linux only.
   *
   * @default {false}
   */
  reusePort?: boolean;
}

/** Options of {@linkcode RioSession.openSocket} for a socket with data. */
export interface RioSocketOptions extends RioQueueOptions, RioBindOptions {
  /** The transport. */
  transport: "udp" | "tcp";
  /**
   * Fail a receive of a UDP socket when an earlier datagram did not arrive: with
   * `WSAECONNRESET` where nobody listens, with `WSAENETRESET` where its hops
   * were used up, with another number where host or network cannot be reached.
   * On Linux only a socket that is connected is told; a send of it that the
   * system drops fails with `WSAENOBUFS`. `"refused"` leaves out what may pass.
   *
   * Source: Microsoft's page on `SIO_UDP_CONNRESET` and `SIO_UDP_NETRESET`.
   *
   * @default {false}
   */
  reportUnreachable?: boolean | "refused";
  /** Only a listener has one: see {@linkcode RioListenerOptions}. */
  backlog?: undefined;
}

/** Options of {@linkcode RioSession.openSocket} for a listener. */
export interface RioListenerOptions extends RioBindOptions {
  /** The transport. */
  transport: "tcp";
  /** How many connections can wait to be accepted; at least 1. */
  backlog: number;
}

/** What a socket is bound to that serves every address of the host. */
export const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
/**
 * Has a UDP socket on a wildcard be told from its first datagram on where each
 * arrived, as this package's own sockets ask: what came before option
 * `packetInfo` was set does not tell.
 */
export const TOLD_WHERE: unique symbol = Symbol("told where");

/** Options of a socket as this package gives them. */
export interface OwnSocketOptions extends RioSocketOptions {
  readonly [TOLD_WHERE]?: boolean;
}

const ON = new Uint8Array([1, 0, 0, 0]);
const OFF = new Uint8Array(4);

/** Opens a socket or a listener in a session. */
export function openSocket(
  core: SessionCore,
  options: RioSocketOptions | RioListenerOptions,
): RioSocket | RioListener {
  // Options are read once: a getter may give another value the next time.
  const wanted: typeof options & RioQueueOptions = { ...options };
  const { transport, hostname = "0.0.0.0", port = 0, backlog } = wanted;
  assertOneOf("transport", transport, ["udp", "tcp"]);
  assertPort(port);
  const plan = planQueues(core, wanted);
  if (backlog !== undefined) assertBacklog(transport, backlog);
  const { reportUnreachable } = wanted as RioSocketOptions;
  if (reportUnreachable !== undefined) {
    assertReports(transport, reportUnreachable);
  }
  const address = new Uint8Array(SOCKADDR_INET.size);
  writeAddress(address, { hostname, port });
  if (wanted.ipv6Only && ipVersion(hostname) === 4) {
    throw new TypeError(
      `Invalid ipv6Only: ${hostname} is an IPv4 address, give one of IPv6`,
    );
  }
  core.assertOpen("open a socket");
  const { sockets, capabilities } = core.backend;
  const device = wanted.device === undefined
    ? null
    : toDevice(wanted.device, capabilities.bindToDevice);
  // A client whose address and port the system chooses needs no permission yet.
  const binds = transport === "udp" || backlog !== undefined || port !== 0 ||
    !WILDCARDS.has(hostname);
  if (binds && !isPermitted(wanted)) core.permissions.require(hostname, port);

  const family = ipVersion(hostname) === 6 ? AF_INET6 : AF_INET;
  const handle = transport === "udp"
    ? sockets.open(family, SOCK_DGRAM, IPPROTO_UDP)
    : sockets.open(family, SOCK_STREAM, IPPROTO_TCP);
  checkHandle(handle, "WSASocketW", `open a ${transport} socket`);
  return core.ledger.addSocket(handle, (record) => {
    const parts = { core, record, transport, family };
    const where = showAddress({ hostname, port });
    setOptions(parts, wanted, where);
    const isDual = family === AF_INET6 && !wanted.ipv6Only;
    if (device !== null) useDevice(parts, device, isDual);
    if ((wanted as OwnSocketOptions)[TOLD_WHERE]) {
      const { hostname } = readAddress(address, transport);
      if (WILDCARDS.has(hostname)) tellWhere(parts, isDual);
    }
    if (binds) check(sockets.bind(handle, address), "bind", `bind ${where}`);
    if (backlog === undefined) {
      return new RioSocket(INTERNAL, parts, plan);
    }
    check(sockets.listen(handle, backlog), "listen", `listen on ${where}`);
    return new RioListener(INTERNAL, parts);
  });
}

function assertReports(transport: string, reports: boolean | "refused"): void {
  if (transport === "tcp") {
    throw new TypeError(
      "Invalid reportUnreachable: only a UDP socket is told of it",
    );
  }
  if (typeof reports === "boolean" || reports === "refused") return;
  refuseType("reportUnreachable", reports, 'give true, false or "refused"');
}

function assertBacklog(transport: string, backlog: number): void {
  if (transport === "udp") {
    throw new TypeError("Invalid backlog: a UDP socket does not listen");
  }
  assertInteger("backlog", backlog, 1, 0x7FFFFFFF);
}

/** Where the system refuses, answers leave from where it chooses. */
function tellWhere(
  { core, record: { handle }, family }: EndpointParts,
  isDual: boolean,
): void {
  for (const each of isDual ? [AF_INET, AF_INET6] : [family]) {
    const [level, name] = optionNumbers("packetInfo", each);
    core.backend.sockets.setOption(handle, level, name, ON);
  }
}

/** Sets the options that have to be set before a socket is bound. */
function setOptions(
  { core, record: { handle }, transport, family }: EndpointParts,
  { ipv6Only, reuseAddress, reusePort, reportUnreachable }:
    & RioBindOptions
    & Pick<RioSocketOptions, "reportUnreachable">,
  where: string,
): void {
  const { sockets } = core.backend;
  const set = (option: RioSocketOption, value: Uint8Array) => {
    const [level, name] = optionNumbers(option, family);
    const errno = sockets.setOption(handle, level, name, value);
    check(errno, "setsockopt", `set "${option}" before binding ${where}`);
  };
  if (family === AF_INET6) set("ipv6Only", ipv6Only ? ON : OFF);
  if (reuseAddress) set("reuseAddress", ON);
  if (reusePort) set("reusePort", ON);
  if (transport === "tcp") return;
  // Otherwise a send to a peer that is gone fails a later receive. Where the
  // system refuses, the socket works all the same.
  const passing = reportUnreachable === "refused" ? false : reportUnreachable;
  sockets.ioctl(handle, SIO_UDP_CONNRESET, reportUnreachable ? ON : OFF);
  sockets.ioctl(handle, SIO_UDP_NETRESET, passing ? ON : OFF);
}
