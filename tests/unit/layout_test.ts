/**
 * Layouts against the sizes and offsets that a C compiler prints for 64-bit
 * Windows (x64 and ARM64 agree), with the headers of mingw-w64 10 and, for the
 * RIO types, the declarations of microsoft/win32metadata.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import * as layout from "../../ffi/layout.ts";

const LAYOUTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  RIO_BUF: { size: 16, bufferId: 0, offset: 8, length: 12 },
  RIORESULT: {
    size: 24,
    status: 0,
    bytesTransferred: 4,
    socketContext: 8,
    requestContext: 16,
  },
  RIO_NOTIFICATION_COMPLETION: {
    size: 32,
    type: 0,
    eventHandle: 8,
    notifyReset: 16,
    iocpHandle: 8,
    completionKey: 16,
    overlapped: 24,
  },
  RIO_EXTENSION_FUNCTION_TABLE: { size: 112, cbSize: 0, functions: 8 },
  SOCKADDR_INET: {
    size: 28,
    family: 0,
    port: 2,
    ipv4Address: 4,
    ipv6FlowInfo: 4,
    ipv6Address: 8,
    ipv6ScopeId: 24,
  },
  WSACMSGHDR: { size: 16, length: 0, level: 8, type: 12 },
  IN_PKTINFO: { size: 8, address: 0, interfaceIndex: 4 },
  IN6_PKTINFO: { size: 20, address: 0, interfaceIndex: 16 },
  OVERLAPPED: { size: 32, internal: 0, internalHigh: 8, event: 24 },
  OVERLAPPED_ENTRY: {
    size: 32,
    completionKey: 0,
    overlapped: 8,
    internal: 16,
    bytesTransferred: 24,
  },
  WSAPROTOCOL_INFOW: {
    size: 628,
    serviceFlags1: 0,
    providerId: 20,
    addressFamily: 76,
    socketType: 88,
    protocol: 92,
    name: 116,
  },
  VARIANT: { size: 24, type: 0, value: 8 },
  LINGER: { size: 4, onOff: 0, seconds: 2 },
  GROUP_SOURCE_REQ: { size: 264, interface: 0, group: 8, source: 136 },
};

const SIZES = { SOCKADDR_IN_SIZE: 16, WSADATA_SIZE: 408 };

Deno.test("layouts are those of 64-bit Windows, none missing", () => {
  const objects = Object.entries(layout).filter(([, value]) =>
    typeof value === "object"
  );
  assertEquals(Object.fromEntries<unknown>(objects), LAYOUTS);
});

Deno.test("sizes are those of 64-bit Windows, none missing", () => {
  const numbers = Object.entries(layout).filter(([, value]) =>
    typeof value === "number"
  );
  assertEquals(Object.fromEntries<unknown>(numbers), SIZES);
});

Deno.test("alignControl() rounds up to the 8 bytes of WSA_CMSG_ALIGN", () => {
  const given = [0, 1, 4, 7, 8, 9, 16, 20, 36];
  assertEquals(given.map(layout.alignControl), [0, 8, 8, 8, 8, 16, 16, 24, 40]);
});

Deno.test("guidBytes() gives the bytes of a GUID as memory holds them", () => {
  const texts = [
    "8509e081-96dd-4005-b165-9e2ee8c79e3f",
    "b5367df1-cbac-11cf-95ca-00805f48a192",
    "25a207b9-ddf3-4660-8ee9-76e58c74063e",
  ];
  assertEquals(texts.map((text) => layout.guidBytes(text).toHex()), [
    "81e00985dd960540b1659e2ee8c79e3f",
    "f17d36b5accbcf1195ca00805f48a192",
    "b907a225f3dd60468ee976e58c74063e",
  ]);
});

Deno.test("RioResults reads what native code wrote at the offsets of RIORESULT", () => {
  const results = new layout.RioResults(3);
  assertEquals(results.memory.bytes.byteLength, 3 * 24);
  const { bytes } = results.memory;
  const view = new DataView(bytes.buffer, bytes.byteOffset + 24, 24);
  view.setInt32(0, 10040, true);
  view.setUint32(4, 0xFFFFFFF0, true);
  view.setBigUint64(8, 0x1_2345_6789n, true);
  view.setBigUint64(16, 0x1F_FFFF_FFFF_FFFFn, true);
  assertEquals(
    [
      results.status(1),
      results.bytesTransferred(1),
      results.requestContext(1),
    ],
    [10040, 0xFFFFFFF0, Number.MAX_SAFE_INTEGER],
  );
  assertEquals(
    [results.status(0), results.requestContext(0), results.status(2)],
    [0, 0, 0],
  );
});

Deno.test("RioResults.set() writes what native code would", () => {
  const results = new layout.RioResults(2);
  results.set(1, -1, 0x80000001, 0x12_0000_0003);
  const { bytes } = results.memory;
  const view = new DataView(bytes.buffer, bytes.byteOffset + 24, 24);
  assertEquals(
    [
      view.getInt32(0, true),
      view.getUint32(4, true),
      view.getBigUint64(16, true),
    ],
    [-1, 0x80000001, 0x12_0000_0003n],
  );
});

Deno.test("RioResults carries contexts of up to 53 bits there and back", () => {
  const results = new layout.RioResults(1);
  const contexts = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2 ** 32];
  for (const context of [...contexts, 2 ** 48 + 7, 2 ** 53 - 1]) {
    results.set(0, 0, 0, context);
    assertEquals(results.requestContext(0), context);
  }
});

Deno.test("highWord() and joinWords() take a whole number apart and together", () => {
  for (const value of [0, 5, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    const high = layout.highWord(value);
    assert(Number.isInteger(high) && high >= 0 && high < 2 ** 21);
    assertEquals(layout.joinWords(value >>> 0, high), value);
    assertEquals(layout.joinWords(value | 0, high | 0), value);
  }
});
