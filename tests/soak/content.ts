/**
 * Bytes that whoever receives them can tell from all others.
 *
 * @module
 */
import { assert } from "@std/assert";
import { Random } from "../model/random.ts";

/** After so many bytes they come again; a prime, so that no length divides it. */
const PERIOD = 65_521;
/** The most that is filled or compared at a time. */
const LONGEST = 65_536;
const BYTES = new Random(1).bytes(PERIOD);
/** So long that any place of the period is followed by {@linkcode LONGEST}. */
const PATTERN = Uint8Array.from(
  { length: PERIOD + LONGEST },
  (_, i) => BYTES[i % PERIOD]!,
);
/** Owner, number and length of a datagram, at its start. */
const HEAD = 10;

/** The bytes of a stream from one place on; not to be changed. */
export function content(key: number, at: number, length: number): Uint8Array {
  const start = (key * 40_503 + at) % PERIOD;
  return PATTERN.subarray(start, start + length);
}

/** Fails unless these are the bytes of a stream at that place. */
export function assertContent(
  bytes: Uint8Array,
  key: number,
  at: number,
): void {
  const expected = content(key, at, bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === expected[i]) continue;
    throw new Error(
      `byte ${at + i} of stream ${key} is ${bytes[i]}, not ${expected[i]}`,
    );
  }
}

/** Which datagram it is. */
export interface Mark {
  /** Who has sent it first. */
  readonly owner: number;
  readonly number: number;
}

/** A datagram; of at least 10 bytes. */
export function writeDatagram(
  { owner, number }: Mark,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, owner);
  view.setUint32(4, number);
  view.setUint16(8, length);
  bytes.set(content(owner + number, 0, length - HEAD), HEAD);
  return bytes;
}

/** Which datagram it is that has arrived, with each of its bytes. */
export function readDatagram(bytes: Uint8Array): Mark {
  assert(bytes.length >= HEAD, `a datagram of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [owner, number] = [view.getUint32(0), view.getUint32(4)];
  assert(view.getUint16(8) === bytes.length, `${bytes.length} bytes arrived`);
  assertContent(bytes.subarray(HEAD), owner + number, 0);
  return { owner, number };
}
