/**
 * Opening TCP connections with the shape of Deno's own.
 *
 * @module
 */
import { type IpAddress, ipVersion } from "../../address.ts";
import { INTERNAL } from "../../internal.ts";
import type { RioSession } from "../../session/session.ts";
import type { RioSocket } from "../../session/socket.ts";
import { assertTransport, toPort, toSignal } from "../arguments.ts";
import { toDenoError } from "../errors.ts";
import { peerAddresses } from "../hosts.ts";
import { RioTcpConn } from "./conn.ts";
import { type Hub, useHub } from "./hub.ts";

/** Options of {@linkcode connect}. */
export interface RioConnectOptions {
  /**
   * The transport, as for `Deno.connect`; only this one.
   *
   * @default {"tcp"}
   */
  transport?: "tcp";
  /** The peer's port. */
  port: number;
  /**
   * The peer's address or name.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /** Gives up connecting. */
  signal?: AbortSignal;
  /**
   * Where a name has several addresses, try the next one while an earlier one
   * does not answer.
   *
   * @default {true}
   */
  autoSelectFamily?: boolean;
  /**
   * How long an address is tried alone, in milliseconds.
   *
   * @default {250}
   */
  autoSelectFamilyAttemptDelay?: number;
  /**
   * Send small segments at once.
   *
   * @default {false}
   */
  noDelay?: boolean;
  /**
   * Probe the connection while it is idle.
   *
   * @default {false}
   */
  keepAlive?: boolean;
  /** The session to open it in; by default one that all sockets share. */
  session?: RioSession;
}

/**
 * Connects to a TCP server: a drop-in for `Deno.connect`.
 *
 * @example Change the import, keep the program
 * ```ts no-assert
 * import { connect } from "@winsock/rio";
 *
 * using conn = await connect({ hostname: "127.0.0.1", port: 7777 });
 * await conn.write(new TextEncoder().encode("hello"));
 * ```
 *
 * @param options Address and signal.
 * @returns The connection.
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If the port is out of range.
 * @throws {Deno.errors.ConnectionRefused} If nothing listens there.
 * @throws {Deno.errors.TimedOut} If nobody answers.
 * @throws {Deno.errors.NotCapable} If the address is not permitted.
 * @throws {Error} If the name is not found.
 */
export async function connect(options: RioConnectOptions): Promise<RioTcpConn> {
  // Each option is read once: getters may give another value the next time.
  const { transport, session, noDelay, keepAlive } = options;
  const { autoSelectFamily = true, autoSelectFamilyAttemptDelay = 250 } =
    options;
  assertTransport("tcp", transport);
  const port = peerPort(options.port);
  const hostname = options.hostname ?? "127.0.0.1";
  const signal = toSignal(options.signal);
  const addresses = await peerAddresses({ hostname, port });
  try {
    signal?.throwIfAborted();
    using stack = new DisposableStack();
    const hub = stack.use(useHub(session));
    const patience = autoSelectFamily ? autoSelectFamilyAttemptDelay : Infinity;
    const socket = stack.use(
      await connectAny(hub, addresses, { signal, patience }),
    );
    // An abort that came with the connection has closed it.
    signal?.throwIfAborted();
    if (noDelay) socket.setOption("noDelay", true);
    if (keepAlive) socket.setOption("keepAlive", true);
    const conn = new RioTcpConn(INTERNAL, hub, socket);
    stack.move();
    return conn;
  } catch (error) {
    signal?.throwIfAborted();
    throw toDenoError(error);
  }
}

function peerPort(port: number | null | undefined): number {
  if (port === undefined || port === null) {
    throw new TypeError(
      `Invalid port ${port}: give a whole number from 1 to 65535`,
    );
  }
  const number = toPort(port);
  if (number > 0) return number;
  throw new RangeError("Invalid port 0: nothing can listen there");
}

/**
 * Connects to the first address that answers; the next one is tried when the
 * one before failed or was quiet for a while.
 *
 * @param hub Where the connection belongs.
 * @param addresses What to try, in this order.
 * @param options What ends all attempts, and how many milliseconds one is
 * alone.
 */
async function connectAny(
  hub: Hub,
  addresses: readonly IpAddress[],
  { signal, patience }: { signal: AbortSignal | undefined; patience: number },
): Promise<RioSocket> {
  const sockets = new Set<RioSocket>();
  const abandon = () => {
    for (const socket of sockets) socket[Symbol.dispose]();
  };
  const connectTo = async (address: IpAddress) => {
    const socket = openClient(hub, address);
    sockets.add(socket);
    await socket.connect(address);
    return socket;
  };
  signal?.addEventListener("abort", abandon, { once: true });
  try {
    const attempts: Promise<RioSocket>[] = [];
    let winner: RioSocket | undefined;
    for (const address of addresses) {
      attempts.push(connectTo(address));
      winner = await firstOf(attempts, patience);
      if (winner || signal?.aborted) break;
    }
    winner ??= await Promise.any(attempts);
    sockets.delete(winner);
    return winner;
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    signal?.removeEventListener("abort", abandon);
    abandon();
  }
}

/** The first connection; nothing once the last attempt has failed or is late. */
async function firstOf(
  attempts: readonly Promise<RioSocket>[],
  patience: number,
): Promise<RioSocket | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const end = () => resolve(undefined);
  attempts.at(-1)!.catch(end);
  const timer = patience < Infinity ? setTimeout(end, patience) : undefined;
  try {
    return await Promise.race([Promise.any(attempts).catch(() => over), over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Opens a socket that can connect to an address. */
function openClient(hub: Hub, { hostname }: IpAddress): RioSocket {
  using _room = hub.way.reserve();
  return hub.session.openSocket({
    transport: "tcp",
    hostname: ipVersion(hostname) === 6 ? "::" : "0.0.0.0",
    ...hub.way.queueOptions,
  });
}
