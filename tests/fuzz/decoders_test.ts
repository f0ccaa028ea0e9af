/** Decoders take any bytes: they decode, refuse with a typed error, or stop. */
import { assert, assertEquals } from "@std/assert";
import { AF_INET, AF_INET6 } from "../../ffi/constants.ts";
import { RioResults } from "../../ffi/layout.ts";
import {
  fromKernel,
  packetDestination,
  toKernel,
} from "../../ffi/linux/control.ts";
import { readAddress, readControl, writeAddress } from "../../mod.ts";
import { Random } from "../model/random.ts";

const CASES = 20_000;
const SEED = Number(Deno.env.get("RIO_FUZZ_SEED") ?? Date.now() >>> 0);
/** What lies around memory that must not be touched. */
const GUARD = 0xA5;

/** Runs a body with many seeds, and says which one fails. */
function fuzz(name: string, body: (random: Random) => void): void {
  Deno.test(name, () => {
    for (let i = 0; i < CASES; i++) {
      const seed = SEED + i >>> 0;
      try {
        body(new Random(seed));
      } catch (cause) {
        throw new Error(`Replay with RIO_FUZZ_SEED=${seed}`, { cause });
      }
    }
    console.log(`${CASES} cases from seed ${SEED}`);
  });
}

/** Calls, and passes over errors that are documented. */
function allow(
  call: () => void,
  ...allowed: readonly (new (message: string) => Error)[]
): void {
  try {
    call();
  } catch (error) {
    assert(
      allowed.some((known) => error instanceof known),
      `not a documented error: ${error}`,
    );
  }
}

/** Random bytes, sometimes with a family that means something. */
function addressBytes(random: Random): Uint8Array<ArrayBuffer> {
  const bytes = random.bytes(random.oneIn(4) ? random.below(64) : 28);
  if (bytes.length > 1 && !random.oneIn(3)) {
    bytes[0] = random.pick([AF_INET, AF_INET6, 10, 0])!;
    bytes[1] = 0;
  }
  if (random.oneIn(3)) bytes.fill(0, 8, 8 + random.below(16));
  return bytes;
}

/** Random messages, most with lengths that are nearly right. */
function controlBytes(random: Random, lead: number): Uint8Array<ArrayBuffer> {
  const bytes = random.bytes(random.below(200));
  const view = new DataView(bytes.buffer);
  let at = lead;
  while (at + 16 <= bytes.length && !random.oneIn(5)) {
    const length = random.oneIn(6)
      ? random.bits()
      : random.oneIn(4)
      ? random.below(40)
      : 16 + random.pick([0, 1, 4, 8, 12, 20])!;
    view.setUint32(at, length, true);
    view.setUint32(at + 4, random.oneIn(8) ? random.bits() : 0, true);
    view.setInt32(at + 8, random.pick([0, 41, 17, 1, -1])!, true);
    view.setInt32(at + 12, random.below(130), true);
    at += Math.max(16, length + 7 & ~7);
    if (at < 0) break;
  }
  if (lead > 0 && bytes.length >= 4 && !random.oneIn(4)) {
    view.setUint32(0, random.oneIn(3) ? random.below(256) : bytes.length, true);
  }
  return bytes;
}

fuzz("readAddress() decodes any bytes or throws TypeError", (random) => {
  const bytes = addressBytes(random);
  const before = bytes.slice();
  allow(
    () => {
      const address = readAddress(bytes, "udp");
      // What was read can be written, and means the same.
      const again = new Uint8Array(28);
      writeAddress(again, address);
      assertEquals(readAddress(again, "udp"), address);
    },
    TypeError,
    RangeError,
  );
  assertEquals(bytes, before);
});

const PIECES = [
  "127.0.0.1",
  "::",
  "::1",
  ":",
  ".",
  "%",
  "1",
  "0",
  "255",
  "256",
  "ffff",
  "fe80",
  "g",
  "%1",
  "%eth0",
  " ",
  "\0",
  "[",
  "]",
  "-1",
  "0x7f",
  "١",
];

fuzz("writeAddress() writes what it can read back or throws", (random) => {
  let hostname = "";
  for (let i = random.below(9); i > 0; i--) hostname += random.pick(PIECES);
  const port = random.pick([0, 1, 65535, 65536, -1, 1.5, NaN])!;
  const whole = new Uint8Array(40).fill(GUARD);
  const bytes = whole.subarray(
    6,
    6 + (random.oneIn(5) ? random.below(28) : 28),
  );
  const mapped = random.oneIn(2);
  allow(
    () => {
      writeAddress(bytes, { hostname, port }, { mapped });
      const address = readAddress(bytes, "udp");
      assertEquals(address.port, port);
      const again = new Uint8Array(28);
      writeAddress(again, address, { mapped });
      assertEquals(again, bytes.slice());
    },
    TypeError,
    RangeError,
  );
  assert([...whole.subarray(0, 6)].every((byte) => byte === GUARD));
  assert([...whole.subarray(34)].every((byte) => byte === GUARD));
});

fuzz("readControl() reads any bytes", (random) => {
  const bytes = controlBytes(random, 8);
  const info = readControl(bytes);
  if (info.ecn !== undefined) assert(info.ecn >= 0 && info.ecn <= 3);
  if (info.typeOfService !== undefined) assert(info.typeOfService <= 255);
});

fuzz("fromKernel() writes nothing outside of the control slice", (random) => {
  const source = controlBytes(random, 0);
  const target = new Uint8Array(300).fill(GUARD);
  const offset = 32 + random.below(32);
  const capacity = random.below(200);
  const choose = () => ({
    packetInfo: random.oneIn(2),
    receivesTos: random.oneIn(2),
    receivesEcn: random.oneIn(2),
  });
  const choice = { ipv4: choose(), ipv6: choose() };
  fromKernel(
    new DataView(source.buffer),
    0,
    source.length,
    new DataView(target.buffer),
    offset,
    capacity,
    choice,
  );
  assertUntouched(target, offset, capacity);
  const slice = target.subarray(offset, offset + capacity);
  if (capacity >= 8) {
    const total = new DataView(target.buffer).getUint32(offset, true);
    assert(total >= 8 && total <= capacity, `a total of ${total}`);
    readControl(slice);
  }
});

fuzz("toKernel() writes nothing outside of the kernel's area", (random) => {
  const source = controlBytes(random, 8);
  const target = new Uint8Array(300).fill(GUARD);
  const at = 16 * random.below(4);
  const length = toKernel(
    new DataView(source.buffer),
    0,
    source.length,
    new DataView(target.buffer),
    at,
    128,
  );
  assert(length >= -1 && length <= 128);
  assertUntouched(target, at, 128);
});

fuzz("packetDestination() writes an address or nothing", (random) => {
  const source = controlBytes(random, 0);
  const target = new Uint8Array(64).fill(GUARD);
  packetDestination(
    new DataView(source.buffer),
    0,
    source.length,
    new DataView(target.buffer),
    8,
  );
  assertUntouched(target, 8, 28);
});

const results = new RioResults(2);

fuzz("RioResults reads what native code wrote", (random) => {
  const words = Array.from({ length: 12 }, () => random.bits());
  results.words.set(words);
  for (const i of [0, 1]) {
    assertEquals(results.status(i), words[6 * i]! | 0);
    assertEquals(results.bytesTransferred(i), words[6 * i + 1]!);
    const context = random.below(2 ** 53);
    results.set(i, 1, 2, context);
    assertEquals(results.requestContext(i), context);
  }
});

function assertUntouched(
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  const outside = bytes.every((byte, i) =>
    i >= offset && i < offset + length || byte === GUARD
  );
  assert(outside, "bytes outside were changed");
}
