/**
 * Opening UDP sockets with the shape of Deno's own.
 *
 * @module
 */
import { DisposableStack } from "../../globals.ts";
import { ipVersion } from "../../address.ts";
import { INTERNAL } from "../../internal.ts";
import { assertInteger } from "../../arguments.ts";
import {
  type OwnSocketOptions,
  TOLD_WHERE,
} from "../../session/open_socket.ts";
import type { RioCompletionQueue } from "../../session/queue.ts";
import { LATE_QUEUES, type QueueOptions } from "../../session/request_queue.ts";
import { capabilitiesOf, type RioSession } from "../../session/session.ts";
import type { RioSocketOption } from "../../session/socket_options.ts";
import type { RioSocket } from "../../session/socket.ts";
import {
  assertReusePort,
  assertTimestamps,
  deviceOf,
  localAddress,
} from "../arguments.ts";
import { denoErrors } from "../errors.ts";
import { useSession } from "../shared_session.ts";
import { AddressReader, AddressWriter } from "./addresses.ts";
import { RioDatagramConn } from "./conn.ts";
import { Details } from "./details.ts";
import { DirectDatagrams } from "./direct.ts";
import { Inbox } from "./inbox.ts";
import { Joins, LONGEST } from "./joins.ts";
import { openLocals } from "./local.ts";
import { Outbox } from "./outbox.ts";
import { DatagramParts } from "./parts.ts";
import { defaultSlots, takeRoom } from "./room.ts";
import { hasIpv4Peer } from "./send_slots.ts";
import { slotSize } from "./slots.ts";
import { openDrivers } from "./watch.ts";

/** So many of the longest datagrams fit in one registration. */
const MAX_SLOTS = 0xF000;

/** Options of {@linkcode listenDatagram}. */
export interface RioListenDatagramOptions {
  /**
   * The transport, as for `Deno.listenDatagram`; only this one.
   *
   * @default {"udp"}
   */
  transport?: "udp";
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
   * Bind to an address that is in use.
   *
   * @default {false}
   */
  reuseAddress?: boolean;
  /**
   * Hear what this socket sends to its own multicast groups.
   *
   * @default {false}
   */
  loopback?: boolean;
  /**
   * Share the port with other sockets, the system spreads the traffic; Linux
   * only.
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
   * Size of the system's receive buffer, in bytes; its own by default.
   *
   * The system may give less, on Linux at most `net.core.rmem_max`:
   * `conn.socket.getOption("receiveBufferSize")` tells what it gave. Source:
   * `SO_RCVBUF` in socket(7).
   */
  receiveBufferSize?: number;
  /**
   * Size of the system's send buffer, in bytes; its own by default.
   *
   * The system may give less, on Linux at most `net.core.wmem_max`:
   * `conn.socket.getOption("sendBufferSize")` tells what it gave. Source:
   * `SO_SNDBUF` in socket(7).
   */
  sendBufferSize?: number;
  /** Hops that what is sent may take, 1 to 255; the system's by default. */
  timeToLive?: number;
  /**
   * Tell with each datagram of a batch where it arrived, its ECN codepoint and
   * the hops that were left.
   *
   * @default {false}
   */
  info?: boolean;
  /**
   * Tell with each datagram of a batch when the system received it; Linux only.
   *
   * Source: `SO_TIMESTAMPNS` in `socket(7)`. Windows has time stamps for receives
   * that are none of Registered I/O.
   *
   * @default {false}
   */
  timestamps?: boolean;
  /**
   * Let the system join datagrams of one sender; they are taken apart again.
   * Takes 64 KiB for each of `receives`, whatever `datagramSize` is.
   *
   * Some network drivers of Windows do not say what they joined: there give the
   * `datagramSize` of your protocol. What is longer then proves it, and nothing
   * is joined from then on, with a warning.
   *
   * @default {false}
   */
  coalesce?: boolean;
  /**
   * The longest datagram, in bytes; the rest of a longer one is lost, which a
   * batch tells with it. Each of `receives` and `sends` takes so many bytes and
   * 256 more: a protocol with short datagrams saves memory by saying so.
   *
   * @default {65535}
   */
  datagramSize?: number;
  /**
   * Tell a connected socket, with an error of its next receive, that an earlier
   * datagram did not arrive: `Deno.errors.ConnectionRefused` where nobody
   * listens, another class where host or network cannot be reached. It ends
   * `for await`; the socket can be used on. By default such reports are ignored,
   * as a datagram may always get lost. `"refused"` tells only what the system
   * takes to be final: that nobody listens, or that it is prohibited.
   *
   * @default {false}
   */
  reportUnreachable?: boolean | "refused";
  /**
   * Datagrams that can wait in registered memory: `receives` times
   * (`datagramSize` + 256) bytes of it, 4.2 MB with the defaults.
   *
   * Windows locks that memory, from the start, and as much for `sends` with the
   * first send; on Linux a socket has none until more than eight datagrams are
   * there at a time. Where sockets have more than 128 MB together, the defaults
   * of further ones get smaller, down to 4: 0.3 MB.
   *
   * @default {64}
   */
  receives?: number;
  /**
   * Datagrams that can be on their way to the system; `sends` times
   * (`datagramSize` + 256) bytes of memory, from the first that needs it.
   *
   * @default {64}
   */
  sends?: number;
  /** The session to open it in; by default one that all sockets share. */
  session?: RioSession;
}

/**
 * Opens a UDP socket: a drop-in for `Deno.listenDatagram`, without the unstable
 * flag.
 *
 * @example Change the import, keep the program
 * ```ts
 * import { listenDatagram } from "@winsock/rio";
 *
 * using conn = listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
 * await conn.send(new Uint8Array([1, 2, 3]), conn.addr);
 * const [data, from] = await conn.receive();
 * console.log(data, from);
 * ```
 *
 * @param options Address and sizes.
 * @returns The socket.
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If the port, a count or a size is out of range.
 * @throws {URIError} If no host can have that name.
 * @throws {Deno.errors.AddrInUse} If the address is in use.
 * @throws {Deno.errors.AddrNotAvailable} If it is not of this host.
 * @throws {Deno.errors.NotCapable} If it is not permitted.
 * @throws {Deno.errors.NotSupported} If the system lacks something asked for.
 */
export function listenDatagram(
  options: RioListenDatagramOptions = {},
): RioDatagramConn {
  const {
    receives: mostReceives,
    sends: mostSends,
    datagramSize = 65535,
    info = false,
    timestamps = false,
    coalesce = false,
    reportUnreachable: reports = false,
  } = options;
  const address = localAddress("udp", options);
  assertSlots("receives", mostReceives);
  assertSlots("sends", mostSends);
  assertInteger("datagramSize", datagramSize, 1, 65535);
  return denoErrors(() => {
    // Released in the opposite order: the socket first, then its queues and,
    // when the kernel is done with it, the memory.
    using stack = new DisposableStack();
    const { session } = stack.use(useSession(options.session));
    // What was joined can be as long as one datagram can be.
    const size = coalesce ? LONGEST : datagramSize;
    const receives = mostReceives ?? defaultSlots(session, slotSize(size));
    const sends = mostSends ?? defaultSlots(session, slotSize(datagramSize));
    assertReusePort(session, options.reusePort);
    assertTimestamps(session, timestamps);
    const memory = stack.use(new DisposableStack());
    const queues = stack.use(new DisposableStack());
    const room = (slots: number, size: number) =>
      memory.use(takeRoom(session, slots * slotSize(size)));
    const queue = (capacity: number) =>
      queues.use(session.createCompletionQueue({ capacity }));
    // Kept: making them may fail in part, and is tried again.
    let receive: RioCompletionQueue | undefined;
    let send: RioCompletionQueue | undefined;
    const settings: OwnSocketOptions & QueueOptions = {
      transport: "udp",
      ...address,
      reuseAddress: options.reuseAddress ?? false,
      reusePort: options.reusePort ?? false,
      ipv6Only: options.ipv6Only ?? false,
      reportUnreachable: reports,
      ...deviceOf(options),
      receives,
      sends,
      [TOLD_WHERE]: true,
      [LATE_QUEUES]: () => ({
        receive: receive ??= queue(receives),
        send: send ??= queue(sends),
      }),
    };
    const socket = stack.use(session.openSocket(settings));
    setOptions(socket, {
      broadcast: true,
      multicastLoopback: options.loopback ?? false,
      receiveBufferSize: options.receiveBufferSize,
      sendBufferSize: options.sendBufferSize,
      timeToLive: options.timeToLive,
      packetInfo: info || undefined,
      receiveEcn: info || undefined,
      receiveTimeToLive: info || undefined,
      receiveTimestamp: timestamps || undefined,
    });
    const { direct, ...drivers } = openDrivers(socket);
    const { segmentation, tellsJoined, tellsLocal, countsDropped } =
      capabilitiesOf(session);
    const senders = new AddressReader();
    const writer = new AddressWriter(ipVersion(address.hostname) === 6);
    const locals = openLocals(socket, tellsLocal);
    const told = info || timestamps;
    const control = told || coalesce || locals !== null && !tellsLocal;
    const datagrams = direct &&
      new DirectDatagrams(direct, {
        datagramSize,
        senders,
        locals,
        writer,
        hasIpv4Peer: () => hasIpv4Peer(socket),
        reports: reports !== false,
      });
    const joins = coalesce
      ? new Joins(socket, senders, tellsJoined ? null : { datagramSize })
      : null;
    const inbox = new Inbox(socket, {
      driver: drivers.receives,
      direct: told || coalesce ? null : datagrams,
      late: direct !== null,
      room: () => room(receives, size),
      slots: receives,
      size,
      datagramSize,
      control,
      local: locals !== null && tellsLocal,
      joins,
      details: new Details({ senders, locals, info: told }),
      reports: reports !== false,
    });
    const outbox = new Outbox(socket, {
      driver: drivers.sends,
      direct: datagrams,
      writer,
      room: () => room(sends, datagramSize),
      slots: sends,
      datagramSize,
      joins: segmentation,
    });
    const dropped = () => countsDropped ? socket.getOption("dropped") : null;
    const parts = new DatagramParts({ inbox, outbox, dropped }, stack.move());
    return new RioDatagramConn(INTERNAL, parts);
  });
}

/** Sets the options that have a value. */
function setOptions(
  socket: RioSocket,
  options: Partial<Record<RioSocketOption, number | boolean | undefined>>,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    socket.setOption(name as RioSocketOption, value);
  }
}

function assertSlots(name: string, slots: number | undefined): void {
  if (slots !== undefined) assertInteger(name, slots, 1, MAX_SLOTS);
}
