/**
 * Opening TCP connections with the shape of Deno's own.
 *
 * @module
 */
import { DisposableStack, NativePromise } from "../../globals.ts";
import { type IpAddress, ipVersion } from "../../address.ts";
import { refuseType, show } from "../../arguments.ts";
import { INTERNAL } from "../../internal.ts";
import type { RioSession } from "../../session/session.ts";
import { assertTransport, deviceOf, toPort, toSignal } from "../arguments.ts";
import { toDenoError } from "../errors.ts";
import { withZone } from "../given_back.ts";
import { knownAddress, peerAddresses } from "../hosts.ts";
import { connectAny, type Local } from "./attempts.ts";
import { RioTcpConn } from "./conn.ts";
import { useHub } from "./hub.ts";

/** The longest that a timer can be set to. */
const LONGEST_TIMER_MS = 0x7FFFFFFF;

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
  /**
   * The address to connect from, an IP literal of this host; peers of its
   * family alone are tried. By default the system chooses.
   */
  localAddress?: string;
  /**
   * The port to connect from.
   *
   * @default {0}
   */
  localPort?: number;
  /**
   * The interface to use alone, by index or by name: on Linux nothing leaves or
   * arrives through another one, on Windows nothing leaves.
   */
  device?: number | string;
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
  /**
   * Have the ends of `readable` and `writable` end one direction each: the
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
 * Connects to a TCP server: a drop-in for `Deno.connect`.
 *
 * @example Change the import, keep the program
 * ```ts
 * import { connect, listen } from "@winsock/rio";
 *
 * using listener = listen({ hostname: "127.0.0.1" });
 * const signal = AbortSignal.timeout(5000);
 * const { port } = listener.addr;
 * using conn = await connect({ hostname: "127.0.0.1", port, signal });
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
  const { transport, session, noDelay, keepAlive, allowHalfOpen } = options;
  const patience = patienceOf(options);
  assertTransport("tcp", transport);
  const port = peerPort(options.port);
  const hostname = withZone(options, options.hostname) ?? "127.0.0.1";
  const local = localOf(options);
  const signal = toSignal(options.signal);
  signal?.throwIfAborted();
  const found = await orAborted(peerAddresses({ hostname, port }), signal);
  const addresses = reachable(local, found);
  try {
    signal?.throwIfAborted();
    using stack = new DisposableStack();
    const hub = stack.use(useHub(session));
    const socket = stack.use(
      await connectAny(hub, addresses, { signal, patience, local }),
    );
    // An abort that came with the connection has closed it.
    signal?.throwIfAborted();
    if (noDelay) socket.setOption("noDelay", true);
    if (keepAlive) socket.setOption("keepAlive", true);
    const conn = new RioTcpConn(INTERNAL, hub, { socket, allowHalfOpen });
    stack.move();
    return conn;
  } catch (error) {
    signal?.throwIfAborted();
    throw toDenoError(error);
  }
}

/** How long an address is tried alone, in milliseconds. */
function patienceOf(options: RioConnectOptions): number {
  const { autoSelectFamily = true, autoSelectFamilyAttemptDelay } = options;
  const delay: unknown = autoSelectFamilyAttemptDelay ?? 250;
  if (typeof delay !== "number") {
    refuseType(
      "autoSelectFamilyAttemptDelay",
      delay,
      "give milliseconds as a number",
    );
  }
  // A timer that is set to more ends at once.
  if (!autoSelectFamily || delay > LONGEST_TIMER_MS) return Infinity;
  return delay > 0 ? delay : 0;
}

/** What a promise gives, unless a signal is aborted before. */
async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = NativePromise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await NativePromise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function localOf(options: RioConnectOptions): Local {
  const { localAddress, localPort } = options;
  const local = { port: toPort(localPort), ...deviceOf(options) };
  if (localAddress === undefined) return { ...local, hostname: undefined };
  const hostname = knownAddress(localAddress);
  if (hostname !== undefined) return { ...local, hostname };
  throw new TypeError(
    `Invalid localAddress ${
      show(localAddress)
    }: give an IP literal of this host`,
  );
}

/** The addresses that can be reached from an address. */
function reachable<T extends IpAddress>(
  { hostname }: Local,
  addresses: readonly T[],
): readonly T[] {
  if (hostname === undefined) return addresses;
  const version = ipVersion(hostname);
  const found = addresses.filter((to) => ipVersion(to.hostname) === version);
  if (found.length > 0) return found;
  throw new TypeError(
    `Invalid localAddress ${
      show(hostname)
    }: the peer has no address of its family, only ${addresses[0]!.hostname}`,
  );
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
