/**
 * The errors of Node's datagram sockets: class, code and words of each.
 *
 * Source: the chapter "Errors" of Node's documentation.
 *
 * @module
 */
import { getSystemErrorMessage, getSystemErrorName, inspect } from "node:util";
import { RioError } from "../errors.ts";

/** An error with Node's code. */
export interface NodeError extends Error {
  /** The code, for example `ERR_SOCKET_BAD_PORT` or `EADDRINUSE`. */
  code: string;
}

type Class = new (message: string) => Error;

/** Makes an error with Node's code, which is a part of its stack's first line. */
export function nodeError(
  Class: Class,
  code: string,
  message: string,
): NodeError {
  const error = new Class(message);
  const { name } = error;
  error.name = `${name} [${code}]`;
  error.stack; // Written now, with that name in it.
  delete (error as Partial<Error>).name;
  if (error.name !== name) error.name = name;
  return Object.assign(error, { code });
}

/** A value as Node's errors tell what they were given. */
function received(value: unknown): string {
  if (value === undefined || value === null) return `Received ${value}`;
  if (typeof value === "function") return `Received function ${value.name}`;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    return name
      ? `Received an instance of ${name}`
      : `Received ${inspect(value, { depth: -1 })}`;
  }
  const short = typeof value === "string" && value.length > 28
    ? `${value.slice(0, 25)}...`
    : value;
  return `Received type ${typeof value} (${inspect(short)})`;
}

/** An argument, or a property of one, is of another type. */
export function invalidType(
  name: string,
  expected: string,
  value: unknown,
): NodeError {
  const kind = name.includes(".") ? "property" : "argument";
  return nodeError(
    TypeError,
    "ERR_INVALID_ARG_TYPE",
    `The "${name}" ${kind} must be ${expected}. ${received(value)}`,
  );
}

/** Refuses what is no string. */
export function assertString(
  name: string,
  value: unknown,
): asserts value is string {
  if (typeof value !== "string") {
    throw invalidType(name, "of type string", value);
  }
}

/** Refuses what is no number. */
export function assertNumber(
  name: string,
  value: unknown,
): asserts value is number {
  if (typeof value !== "number") {
    throw invalidType(name, "of type number", value);
  }
}

/** Refuses what is no size of a buffer in an option. */
export function assertSize(name: string, value: unknown): void {
  assertNumber(name, value);
  if (value >>> 0 === value) return;
  const rule = Number.isInteger(value) ? ">= 0 && <= 4294967295" : "an integer";
  throw nodeError(
    RangeError,
    "ERR_OUT_OF_RANGE",
    `The value of "${name}" is out of range. It must be ${rule}. Received ${value}`,
  );
}

/** An argument is missing. */
export function missingArgument(name: string): NodeError {
  const message = `The "${name}" argument must be specified`;
  return nodeError(TypeError, "ERR_MISSING_ARGS", message);
}

/** No port to send to. */
export function badPort(value: unknown): NodeError {
  return nodeError(
    RangeError,
    "ERR_SOCKET_BAD_PORT",
    `Port should be > 0 and < 65536. ${received(value)}.`,
  );
}

/** A part of a payload is not in it. */
export function outOfBounds(name: "offset" | "length"): NodeError {
  const message = `"${name}" is outside of buffer bounds`;
  return nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", message);
}

/** There is no such kind of socket. */
export function badType(): NodeError {
  return nodeError(
    TypeError,
    "ERR_SOCKET_BAD_TYPE",
    "Bad socket type specified. Valid types are: udp4, udp6",
  );
}

/** A buffer cannot have that size. */
export function badBufferSize(): NodeError {
  return nodeError(
    TypeError,
    "ERR_SOCKET_BAD_BUFFER_SIZE",
    "Buffer size must be a positive integer",
  );
}

/** A descriptor of somebody else cannot be taken over. */
export function refusedDescriptor(fd: number): NodeError {
  return nodeError(
    TypeError,
    "ERR_INVALID_FD_TYPE",
    `Unsupported fd type: cannot take over descriptor ${fd}, give a port and an address`,
  );
}

const STATES = {
  ERR_SOCKET_ALREADY_BOUND: "Socket is already bound",
  ERR_SOCKET_DGRAM_IS_CONNECTED: "Already connected",
  ERR_SOCKET_DGRAM_NOT_CONNECTED: "Not connected",
  ERR_SOCKET_DGRAM_NOT_RUNNING: "Not running",
} as const;

/** The socket is in a state in which that cannot be done. */
export function wrongState(code: keyof typeof STATES): NodeError {
  return nodeError(Error, code, STATES[code]);
}

/** A block list has the destination. */
export function blocked(address: string): NodeError {
  const message = `IP(${address}) is blocked by net.BlockList`;
  return nodeError(Error, "ERR_IP_BLOCKED", message);
}

/** Where a call was to go. */
export interface Where {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/**
 * The error of a call of the system.
 *
 * @param code Its name, for example `EADDRINUSE`.
 * @param syscall What was attempted, for example `bind`.
 * @param where Told in the message, and as properties.
 */
export function systemError(
  code: string,
  syscall: string,
  { address, port }: Where = {},
): NodeError {
  const place = port
    ? ` ${address}:${port}`
    : address === undefined
    ? ""
    : ` ${address}`;
  const error = new Error(`${syscall} ${code}${place}`);
  return Object.assign(
    error,
    { errno: errnoOf(code), code, syscall },
    address === undefined ? {} : { address },
    port ? { port } : {},
  );
}

/** The size of a buffer can be neither set nor told. */
export function bufferSizeError(code: string, syscall: string): NodeError {
  const errno = errnoOf(code);
  const message = getSystemErrorMessage(errno) ?? "unknown error";
  const error = nodeError(
    Error,
    "ERR_SOCKET_BUFFER_SIZE",
    `Could not get or set buffer size: ${syscall} returned ${code} (${message})`,
  );
  const info = { errno, code, message, syscall };
  return Object.assign(error, { name: "SystemError", info, errno, syscall });
}

/**
 * The system's name for an error of this package's sockets.
 *
 * @returns For example `EADDRINUSE`; nothing for an error of another kind.
 */
export function systemCode(error: unknown): string | undefined {
  const found = error instanceof RioError
    ? error
    : (error as Error | undefined)?.cause;
  return found instanceof RioError ? found.osCode : undefined;
}

/** The most that Node's number of an error is below 0. */
const LOWEST = -4096;

/** Node's number of an error, which is negative. */
function errnoOf(code: string): number {
  // Deno 2.8 has no list of them.
  for (let errno = -1; errno > LOWEST; errno--) {
    if (getSystemErrorName(errno) === code) return errno;
  }
  return -4094; // As Node for an error without a name.
}
