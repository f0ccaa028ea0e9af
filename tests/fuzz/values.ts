/**
 * What a program without types may give, and worse.
 *
 * @module
 */
import { RioSlice } from "../../mod.ts";
import type { Random } from "../model/random.ts";

/** Thrown by values that throw. */
export class Hostile extends Error {}

function throws(): never {
  throw new Hostile("from a hostile value");
}

/** Makes a hostile value; `acts` closes or disposes of something. */
type Maker = (random: Random, acts: () => void) => unknown;

const MAKERS: readonly Maker[] = [
  () => undefined,
  () => null,
  () => true,
  () => NaN,
  () => Infinity,
  () => -1,
  () => -0,
  () => 0.5,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => Number.MAX_VALUE,
  () => 1n,
  () => 2n ** 70n,
  () => "",
  () => "127.0.0.1",
  () => "udp",
  () => "tcp",
  () => "iocp",
  () => "\0",
  () => Symbol("hostile"),
  () => () => throws(),
  () => [],
  () => ({}),
  () => Object.create(null),
  () => Object.create(RioSlice.prototype),
  () => new Date(NaN),
  () => new Proxy({}, { get: throws, has: throws, getPrototypeOf: throws }),
  () => new Proxy(new Uint8Array(8), {}),
  () => ({ valueOf: throws, toString: throws }),
  () => new Uint8Array(0),
  () => new Uint8Array(new SharedArrayBuffer(16)),
  () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
  () => new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 16 })),
  () => new DataView(new ArrayBuffer(8)),
  () => new Float64Array(4),
  () => new ArrayBuffer(8),
  () => {
    const bytes = new Uint8Array(16);
    bytes.buffer.transfer();
    return bytes;
  },
  (random, acts) => ({
    valueOf() {
      acts();
      return random.below(100);
    },
    toString() {
      acts();
      return "1";
    },
  }),
];

/** An array of bytes, of a kind that nobody expects. */
export function hostileBytes(random: Random): Uint8Array {
  const length = random.below(100);
  switch (random.below(6)) {
    case 0:
      return new Uint8Array(new SharedArrayBuffer(length));
    case 1: {
      const bytes = new Uint8Array(length);
      bytes.buffer.transfer();
      return bytes;
    }
    case 2: {
      // It is transferred after it was given.
      const bytes = new Uint8Array(length);
      queueMicrotask(() => bytes.buffer.transfer());
      return bytes;
    }
    case 3: {
      // It shrinks after it was given.
      const buffer = new ArrayBuffer(length, { maxByteLength: 100 });
      queueMicrotask(() => buffer.resize(length >> 1));
      return new Uint8Array(buffer);
    }
    case 4:
      return new (class extends Uint8Array {
        override subarray(): never {
          throws();
        }
      })(length);
  }
  return new Uint8Array(length);
}

/** A value that nobody expects. */
export function hostileValue(random: Random, acts: () => void): unknown {
  return random.pick(MAKERS)!(random, acts);
}

/**
 * An object with some of the given properties, in part sound, in part hostile,
 * in part behind getters that throw or act.
 */
export function hostileOptions(
  random: Random,
  sound: Readonly<Record<string, unknown>>,
  acts: () => void,
): unknown {
  if (random.oneIn(12)) return hostileValue(random, acts);
  const options = {};
  for (const [name, value] of Object.entries(sound)) {
    if (random.oneIn(3)) continue;
    const given = random.oneIn(3) ? hostileValue(random, acts) : value;
    const get = random.oneIn(8)
      ? () => {
        acts();
        return given;
      }
      : random.oneIn(16)
      ? throws
      : () => given;
    Object.defineProperty(options, name, { get, enumerable: true });
  }
  return options;
}
