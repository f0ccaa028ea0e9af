/** Systems that join datagrams, and some that do not say so. */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE, writeAddress } from "../../ffi/address.ts";
import { CONTROL_SIZE, writeControl } from "../../ffi/control.ts";
import {
  IPPROTO_UDP,
  UDP_COALESCED_INFO,
  UDP_SEND_MSG_SIZE,
} from "../../ffi/constants.ts";
import { AddressReader } from "../../ffi/net/datagrams/addresses.ts";
import { Joins } from "../../ffi/net/datagrams/joins.ts";

const FAR = "192.0.2.1";

/** A socket that takes note of what is set. */
class Socket {
  readonly set: number[] = [];
  closed = false;
  setOption(name: string, value: number): void {
    assertEquals(name, "coalescedSize");
    this.set.push(value);
  }
}

/** A slot with what came from a host. */
function slotFrom(hostname: string, segmentSize?: number) {
  const remote = { bytes: new Uint8Array(ADDRESS_SIZE) };
  writeAddress(remote.bytes, { hostname, port: 9 });
  const control = { bytes: new Uint8Array(CONTROL_SIZE) };
  if (segmentSize !== undefined) {
    writeControl(control.bytes, 4, { segmentSize });
    // The message that is sent has another type than the one that is received.
    const view = new DataView(control.bytes.buffer);
    for (let at = 8; at < CONTROL_SIZE - 8; at += 4) {
      if (
        view.getUint32(at, true) === IPPROTO_UDP &&
        view.getUint32(at + 4, true) === UDP_SEND_MSG_SIZE
      ) view.setUint32(at + 4, UDP_COALESCED_INFO, true);
    }
  }
  return { remote, control };
}

/** Runs with what is warned of. */
function warned(body: () => void): string[] {
  const { warn } = console;
  const texts: string[] = [];
  console.warn = (text: string) => texts.push(text);
  try {
    body();
  } finally {
    console.warn = warn;
  }
  return texts;
}

Deno.test("Joins takes the size from the system, and doubts nothing where that always tells", () => {
  const socket = new Socket();
  const joins = new Joins(socket, new AddressReader(), null);
  assertEquals(joins.sizeIn(slotFrom(FAR, 1200), 12_000), 1200);
  assertEquals(warned(() => joins.sizeIn(slotFrom(FAR), 60_000)), []);
  assertEquals(socket.set, [65535]);
});

Deno.test("Joins switches off, and warns once, when more came than a datagram can be", () => {
  const senders = new AddressReader();
  const doubts = { datagramSize: 1200 };
  const [first, second] = [new Socket(), new Socket()];
  const joins = new Joins(first, senders, doubts);
  const earlier = new Joins(second, senders, { datagramSize: 65535 });
  const quiet = warned(() => {
    assertEquals(joins.sizeIn(slotFrom(FAR), 1200), 0);
    assertEquals(joins.sizeIn(slotFrom(FAR, 1200), 2400), 1200);
    // What stays on this machine is in one piece, however long it is.
    assertEquals(joins.sizeIn(slotFrom("127.0.0.1"), 60_000), 0);
    assertEquals(joins.sizeIn(slotFrom("::1"), 60_000), 0);
    // Nothing is known of the program's datagrams: no network carries more.
    assertEquals(earlier.sizeIn(slotFrom(FAR), 1472), 0);
  });
  assertEquals(quiet, []);
  assertEquals([first.set, second.set], [[65535], [65535]]);
  const texts = warned(() => {
    assertEquals(joins.sizeIn(slotFrom(FAR), 2400), 0);
    assertEquals(joins.sizeIn(slotFrom(FAR), 3600), 0);
    assertEquals(earlier.sizeIn(slotFrom(FAR), 2440), 0);
  });
  assertEquals(texts.length, 1);
  assert(texts[0]!.includes("2400 bytes"), texts[0]);
  assertEquals([first.set[1], second.set[1]], [0, 0]);
  // Sockets that are opened later do not ask for it any more.
  const later = new Socket();
  new Joins(later, senders, doubts);
  assertEquals(later.set, []);
});
