/**
 * The forms in which a program can ask to send.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { RioDatagram } from "../net/datagrams/batch.ts";
import { lengthOf, partOf as plainPart } from "../plain_bytes.ts";
import {
  assertString,
  badPort,
  invalidType,
  outOfBounds,
  wrongState,
} from "./errors.ts";
import type { SendCallback } from "./types.ts";

/** A datagram to send. */
export interface Sending extends RioDatagram {
  readonly data: Uint8Array;
  /** Its bytes; the data may be transferred before it leaves. */
  readonly size: number;
  /** Where it goes, once that is known; absent on a connected socket. */
  addr?: Deno.NetAddr;
  /** 0 on a connected socket. */
  readonly port: number;
  /** As it was given; absent for this host. */
  readonly address: string | undefined;
  readonly callback: SendCallback | undefined;
}

const PAYLOAD =
  "of type string or an instance of Buffer, TypedArray, or DataView";

/**
 * Reads the arguments of `send()`: a payload or a list of parts, a part of it by
 * offset and length, the destination unless the socket is connected, and a
 * callback; all but the payload can be left out.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
 * @throws {RangeError} `ERR_SOCKET_BAD_PORT`, `ERR_BUFFER_OUT_OF_BOUNDS`
 * @throws {Error} `ERR_SOCKET_DGRAM_IS_CONNECTED` where a destination is given
 * to a connected socket.
 */
export function readSend(
  message: unknown,
  { rest, connected }: { rest: readonly unknown[]; connected: boolean },
): Sending {
  let payload = message;
  let [offset, length, port, address, callback] = rest;
  const cut = connected
    ? typeof length === "number"
    : Boolean(address) || Boolean(port) && typeof port !== "function";
  if (cut) payload = partOf(payload, offset, length);
  if (connected) {
    if (!cut) callback = offset;
    else if (typeof port === "function") [callback, port] = [port, null];
    if (port || address) throw wrongState("ERR_SOCKET_DGRAM_IS_CONNECTED");
    const data = bytesOf(payload);
    return {
      data,
      size: lengthOf(data),
      port: 0,
      address: undefined,
      callback: toCallback(callback),
    };
  }
  if (!cut) [port, address, callback] = [offset, length, port];
  const data = bytesOf(payload);
  const to = toPort(port);
  if (typeof address === "function") [callback, address] = [address, undefined];
  else if (address !== undefined && address !== null) {
    assertString("address", address);
  }
  return {
    data,
    size: lengthOf(data),
    port: to,
    address: address as string | undefined ?? undefined,
    callback: toCallback(callback),
  };
}

/**
 * The number of a port to send to, which may be given as text.
 *
 * @throws {RangeError} `ERR_SOCKET_BAD_PORT`
 */
export function toPort(port: unknown): number {
  if (typeof port === "number" || typeof port === "string" && port.trim()) {
    const number = Number(port);
    if (number === (number >>> 0) && number > 0 && number <= 0xFFFF) {
      return number;
    }
  }
  throw badPort(port);
}

function toCallback(value: unknown): SendCallback | undefined {
  return typeof value === "function" ? value as SendCallback : undefined;
}

/** The bytes of a payload, in one piece; of a list they are copied together. */
function bytesOf(payload: unknown): Uint8Array {
  if (typeof payload === "string") return Buffer.from(payload);
  // A proxy only looks like one.
  if (ArrayBuffer.isView(payload)) {
    return payload instanceof Uint8Array ? payload : viewOf(payload);
  }
  if (!Array.isArray(payload)) throw invalidType("buffer", PAYLOAD, payload);
  const parts = payload.map((part) => {
    if (typeof part === "string") return Buffer.from(part);
    if (ArrayBuffer.isView(part)) return viewOf(part);
    throw invalidType("buffer list arguments", PAYLOAD, payload);
  });
  return Buffer.concat(parts);
}

function viewOf({ buffer, byteOffset, byteLength }: ArrayBufferView) {
  if (byteLength === 0) return new Uint8Array(0);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A part of a payload that is no list. */
function partOf(
  payload: unknown,
  offset: unknown,
  length: unknown,
): Uint8Array {
  if (typeof payload !== "string" && !ArrayBuffer.isView(payload)) {
    throw invalidType("buffer", PAYLOAD, payload);
  }
  const bytes = bytesOf(payload);
  const start = toCount("offset", offset);
  const size = toCount("length", length);
  const whole = lengthOf(bytes);
  if (start > whole) throw outOfBounds("offset");
  if (start + size > whole) throw outOfBounds("length");
  // Of what was transferred nothing is left.
  if (size === 0) return new Uint8Array(0);
  return plainPart(bytes, start, start + size);
}

/**
 * A number as Node makes one: whole, of 32 bits, not negative.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
 */
export function toCount(name: string, value: unknown): number {
  const isNumber = typeof value === "number" || typeof value === "string" ||
    typeof value === "boolean" || value === undefined || value === null;
  if (!isNumber) throw invalidType(name, "of type number", value);
  return Number(value) >>> 0;
}
