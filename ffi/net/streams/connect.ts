/**
 * Opening TCP connections with the shape of Deno's own.
 *
 * @module
 */
import { type IpAddress, ipVersion } from "../../address.ts";
import { INTERNAL } from "../../internal.ts";
import { requireNet } from "../../session/permissions.ts";
import type { RioSession } from "../../session/session.ts";
import { grantAddress, type RioSocket } from "../../session/socket.ts";
import { assertTransport, toPort } from "../arguments.ts";
import { toDenoError } from "../errors.ts";
import { knownAddress, resolveHosts } from "../hosts.ts";
import { RioTcpConn } from "./conn.ts";
import { CONNECTION_LIMITS, type Hub, useHub } from "./hub.ts";

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
  const { hostname: given, signal } = options;
  assertTransport("tcp", options.transport);
  const port = peerPort(options.port);
  const hostname = given ?? "127.0.0.1";
  signal?.throwIfAborted();
  const named = knownAddress(hostname) === undefined;
  // As Deno does: the name is permitted, and with it where it leads.
  if (named) requireNet(hostname, port);
  const hosts = await resolveHosts(hostname);
  const addresses = hosts.map((host) => ({ hostname: host, port }));
  try {
    signal?.throwIfAborted();
    return await open(addresses, options, named);
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

/** Opens a connection to one of the addresses, which a name may have led to. */
async function open(
  addresses: readonly IpAddress[],
  options: RioConnectOptions,
  named: boolean,
): Promise<RioTcpConn> {
  const {
    signal,
    autoSelectFamily = true,
    autoSelectFamilyAttemptDelay = 250,
    noDelay,
    keepAlive,
  } = options;
  const patience = autoSelectFamily ? autoSelectFamilyAttemptDelay : Infinity;
  using stack = new DisposableStack();
  const hub = stack.adopt(useHub(options.session), (hub) => hub.release());
  const socket = stack.use(
    await connectAny(hub, addresses, { patience, signal, named }),
  );
  if (noDelay) socket.setOption("noDelay", true);
  if (keepAlive) socket.setOption("keepAlive", true);
  const conn = new RioTcpConn(INTERNAL, hub, socket);
  stack.move();
  return conn;
}

/**
 * Connects to the first address that answers; the next one is tried when the
 * one before failed or was quiet for a while.
 */
async function connectAny(
  hub: Hub,
  addresses: readonly IpAddress[],
  options: {
    patience: number;
    signal: AbortSignal | undefined;
    /** The addresses were looked up for a name that is permitted. */
    named: boolean;
  },
): Promise<RioSocket> {
  const { patience, signal } = options;
  const attempts = new Set<RioSocket>();
  const abandon = () => {
    for (const socket of attempts) socket[Symbol.dispose]();
  };
  signal?.addEventListener("abort", abandon, { once: true });
  try {
    const outcomes: Promise<RioSocket>[] = [];
    let winner: RioSocket | undefined;
    for (const address of addresses) {
      const attempt = connectOne(hub, address, attempts, options.named);
      outcomes.push(attempt);
      winner = await firstOf(outcomes, attempt, patience);
      if (winner || signal?.aborted) break;
    }
    winner ??= await Promise.any(outcomes);
    attempts.delete(winner);
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
  outcomes: readonly Promise<RioSocket>[],
  last: Promise<RioSocket>,
  patience: number,
): Promise<RioSocket | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  last.catch(() => resolve(undefined));
  const timer = patience === Infinity
    ? undefined
    : setTimeout(() => resolve(undefined), patience);
  try {
    const first = Promise.any(outcomes).catch(() => undefined);
    return await Promise.race([first, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Connects to one address, as one of several attempts. */
async function connectOne(
  hub: Hub,
  address: IpAddress,
  attempts: Set<RioSocket>,
  named: boolean,
): Promise<RioSocket> {
  const socket = openClient(hub, address);
  attempts.add(socket);
  if (named) grantAddress(socket, address);
  await socket.connect(address);
  return socket;
}

function openClient(hub: Hub, { hostname }: IpAddress): RioSocket {
  using _room = hub.reserve(CONNECTION_LIMITS);
  return hub.session.openSocket({
    transport: "tcp",
    hostname: ipVersion(hostname) === 6 ? "::" : "0.0.0.0",
    ...CONNECTION_LIMITS,
    completions: hub.completions,
  });
}
