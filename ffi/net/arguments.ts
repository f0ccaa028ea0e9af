/**
 * Checks of what a caller gives to open a socket, and to send with it.
 *
 * @module
 */
import { assertPort } from "../address.ts";
import { refuseType, show } from "../arguments.ts";
import { capabilitiesOf, type RioSession } from "../session/session.ts";
import type { PermittedAddress } from "../session/permissions.ts";
import { bindAddress } from "./hosts.ts";

/** What `listen()` and `listenDatagram()` are both told about the address. */
interface LocalOptions {
  transport?: string;
  hostname?: string;
  port?: number;
}

/**
 * The address that a socket is to be bound to.
 *
 * @param transport The only transport that the caller opens.
 * @param options What was asked for; any free port of `0.0.0.0` by default.
 * @returns An IP literal and a port.
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If the port is out of range.
 * @throws {URIError} If no host can have that name.
 * @throws {Deno.errors.NotCapable} If the name is not permitted.
 * @throws {Error} If there is no such name.
 */
export function localAddress(
  transport: "udp" | "tcp",
  options: LocalOptions,
): PermittedAddress {
  assertTransport(transport, options.transport);
  const port = toPort(options.port);
  return bindAddress({ hostname: options.hostname ?? "0.0.0.0", port });
}

/**
 * Refuses another transport than the one that a function opens.
 *
 * @throws {TypeError} If another one was asked for.
 */
export function assertTransport(only: "udp" | "tcp", given: unknown): void {
  if (given === undefined || given === only) return;
  throw new TypeError(
    `Unsupported transport ${show(given)}: give "${only}"`,
  );
}

/**
 * Refuses to share a port where the system cannot.
 *
 * @param session Where the socket is to be opened.
 * @param asked Whether sharing was asked for.
 * @throws {Deno.errors.NotSupported} If it was, and there is no way to.
 */
export function assertReusePort(
  session: RioSession,
  asked: boolean | undefined,
): void {
  if (!asked || capabilitiesOf(session).reusePort) return;
  throw new Deno.errors.NotSupported(
    `Cannot share a port between sockets: the backend "${session.backend}" has no SO_REUSEPORT`,
  );
}

/** The interface of a socket, where one was given. */
export function deviceOf(
  { device }: { device?: number | string },
): { device?: number | string } {
  return device === undefined ? {} : { device };
}

/**
 * Refuses to ask for time stamps where the system has none.
 *
 * @throws {Deno.errors.NotSupported} If it does not.
 */
export function assertTimestamps(session: RioSession, asked: boolean): void {
  if (!asked || capabilitiesOf(session).timestamps) return;
  throw new Deno.errors.NotSupported(
    `Cannot tell when datagrams are received: the backend "${session.backend}" has no SO_TIMESTAMPNS`,
  );
}

/**
 * The number of a port, which Deno's sockets also take as a string of digits.
 *
 * @returns The number; 0 if there is none.
 * @throws {TypeError} If it is no whole number.
 * @throws {RangeError} If it is not from 0 to 65535.
 */
export function toPort(port: unknown): number {
  const number = typeof port === "string" && /^\d+$/.test(port)
    ? Number(port)
    : port ?? 0;
  if (typeof number === "number" && !Number.isInteger(number)) {
    throw new TypeError(
      `Invalid port ${number}: give a whole number from 0 to 65535`,
    );
  }
  assertPort(number);
  return number;
}

/**
 * The signal of a call, if it has one.
 *
 * @throws {TypeError} If it is anything else; `null` is none, as for `fetch()`.
 */
export function toSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (!isSignal(signal)) {
    refuseType("signal", signal, "give an AbortSignal");
  }
  return signal;
}

/** Also of a class that a program has put in the place of the platform's. */
function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, throwIfAborted } = Object(value);
  return typeof aborted === "boolean" &&
    typeof addEventListener === "function" &&
    typeof throwIfAborted === "function";
}

/**
 * Refuses what is not an array of bytes.
 *
 * @throws {TypeError} If it is anything else.
 */
export function assertBytes(
  name: string,
  value: unknown,
): asserts value is Uint8Array {
  // A proxy only looks like one.
  if (value instanceof Uint8Array && ArrayBuffer.isView(value)) return;
  refuseType(name, value, "give a Uint8Array");
}
