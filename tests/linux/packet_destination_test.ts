/** Where a datagram arrived, of what the kernel tells with it. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as winsock from "../../ffi/constants.ts";
import { packetDestination } from "../../ffi/linux/control.ts";
import {
  encode,
  MAPPED_PKTINFO,
  type Message,
  PKTINFO,
  PKTINFO6,
} from "./control_messages.ts";

/** The address in a slice of this family, after the kernel told a destination. */
function destinationOf(family: number, messages: Message[]): number[] {
  const source = encode(messages);
  const address = new DataView(new ArrayBuffer(40));
  address.setUint16(8, family, true);
  packetDestination(
    new DataView(source.buffer),
    0,
    source.length,
    address,
    8,
  );
  const bytes = [...new Uint8Array(address.buffer)];
  assertEquals([...bytes.slice(0, 8), ...bytes.slice(36)], Array(12).fill(0));
  return family === winsock.AF_INET ? bytes.slice(12, 16) : bytes.slice(16, 32);
}

describe("packetDestination()", () => {
  it("puts the address that an IPv4 datagram arrived at in place", () => {
    assertEquals(destinationOf(winsock.AF_INET, [PKTINFO]), [10, 0, 0, 9]);
    assertEquals(
      destinationOf(winsock.AF_INET6, [MAPPED_PKTINFO, PKTINFO]),
      [...MAPPED_PKTINFO.payload.slice(0, 12), 10, 0, 0, 9],
    );
    // What arrived before the option was set has none: nobody knows whether it
    // was sent to a broadcast.
    const { payload } = PKTINFO;
    const early = [0, 0, 0, 0, 0, 0, 0, 0, ...payload.slice(8)];
    const message = { ...PKTINFO, payload: early };
    assertEquals(destinationOf(winsock.AF_INET, [message]), [0, 0, 0, 0]);
    assertEquals(
      destinationOf(winsock.AF_INET6, [MAPPED_PKTINFO, message]),
      Array(16).fill(0),
    );
  });

  it("leaves the address alone for an IPv6 multicast group", () => {
    const group = [0xFF, 2, ...PKTINFO6.payload.slice(2)];
    assertEquals(
      destinationOf(winsock.AF_INET6, [{ ...PKTINFO6, payload: group }]),
      Array(16).fill(0),
    );
  });

  it("puts the destination of an IPv6 datagram in place", () => {
    const other = { level: 41, type: 67, payload: [0, 0, 0, 0] };
    assertEquals(
      destinationOf(winsock.AF_INET6, [other, PKTINFO6]),
      PKTINFO6.payload.slice(0, 16),
    );
  });

  it("leaves an IPv4 address alone for what IPv6 tells", () => {
    assertEquals(destinationOf(winsock.AF_INET, [PKTINFO6]), [0, 0, 0, 0]);
  });

  it("leaves the address alone when packet info is cut off", () => {
    const cut = (message: Message) => ({
      ...message,
      payload: message.payload.slice(0, 8),
    });
    assertEquals(destinationOf(winsock.AF_INET, [cut(PKTINFO)]), [0, 0, 0, 0]);
    assertEquals(
      destinationOf(winsock.AF_INET6, [cut(PKTINFO6)]),
      Array(16).fill(0),
    );
  });
});
