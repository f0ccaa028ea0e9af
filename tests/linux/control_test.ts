import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as winsock from "../../ffi/constants.ts";
import { fromKernel, toKernel } from "../../ffi/linux/control.ts";
import {
  encode,
  MAPPED_PKTINFO,
  type Message,
  PKTINFO,
  PKTINFO6,
} from "./control_messages.ts";

const EACH = { packetInfo: true, receivesTos: true, receivesEcn: true };
const ALL = { ipv4: EACH, ipv6: EACH };

/** All but one message of IPv4. */
function without(name: keyof typeof EACH) {
  return { ...ALL, ipv4: { ...EACH, [name]: false } };
}

/** A control slice as a sender fills it. */
function slice(messages: Message[]): DataView {
  const bytes = encode(messages, 8);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  return new DataView(bytes.buffer);
}

function decode(view: DataView, from: number, to: number): Message[] {
  const messages: Message[] = [];
  while (from < to) {
    const length = view.getUint32(from, true);
    messages.push({
      level: view.getInt32(from + 8, true),
      type: view.getInt32(from + 12, true),
      payload: [
        ...new Uint8Array(
          view.buffer,
          view.byteOffset + from + 16,
          length - 16,
        ),
      ],
    });
    from += (length + 7) & ~7;
  }
  return messages;
}

/** What arrives in a control slice of `capacity` bytes. */
function receive(messages: Message[], choice = ALL, capacity = 256) {
  const source = encode(messages);
  const bytes = new Uint8Array(capacity + 32).fill(0xEE);
  const target = new DataView(bytes.buffer);
  const truncated = fromKernel(
    new DataView(source.buffer),
    0,
    source.length,
    target,
    16,
    capacity,
    choice,
  );
  const untouched = [
    ...bytes.subarray(0, 16),
    ...bytes.subarray(16 + capacity),
  ];
  assertEquals(untouched.filter((byte) => byte !== 0xEE), []);
  const total = capacity < 8 ? 0 : target.getUint32(16, true);
  return { truncated, total, messages: decode(target, 24, 16 + total) };
}

function send(view: DataView, length = view.byteLength, capacity = 128) {
  const target = new DataView(new ArrayBuffer(capacity + 16));
  const written = toKernel(view, 0, length, target, 16, capacity);
  return { written, messages: decode(target, 16, 16 + Math.max(0, written)) };
}

describe("fromKernel()", () => {
  it("puts the destination before the index in IPv4 packet info", () => {
    assertEquals(receive([PKTINFO]), {
      truncated: false,
      total: 32,
      messages: [{ level: 0, type: 19, payload: [10, 0, 0, 1, 3, 0, 0, 0] }],
    });
  });

  it("tells packet info of an IPv4 datagram once on an IPv6 socket", () => {
    const asIpv4 = { level: 0, type: 19, payload: [10, 0, 0, 1, 3, 0, 0, 0] };
    assertEquals(receive([MAPPED_PKTINFO, PKTINFO]).messages, [asIpv4]);
    // In the form that was asked for.
    assertEquals(
      receive([MAPPED_PKTINFO], without("packetInfo")).messages,
      [{ level: 41, type: 19, payload: MAPPED_PKTINFO.payload }],
    );
  });

  it("tells the hops that were left, of both families", () => {
    const payload = [63, 0, 0, 0];
    assertEquals(receive([{ level: 0, type: 2, payload }]).messages, [
      { level: 0, type: winsock.IP_TTL, payload },
    ]);
    assertEquals(receive([{ level: 41, type: 52, payload }]).messages, [
      { level: 41, type: winsock.IPV6_HOPLIMIT, payload },
    ]);
  });

  it("tells a time stamp as nanoseconds", () => {
    const timespec = new DataView(new ArrayBuffer(16));
    timespec.setBigUint64(0, 1_800_000_000n, true);
    timespec.setBigUint64(8, 123_456_789n, true);
    const payload = [...new Uint8Array(timespec.buffer)];
    const [message] = receive([{ level: 1, type: 35, payload }]).messages;
    const { level, type } = message!;
    assertEquals([level, type], [winsock.SOL_SOCKET, winsock.SO_TIMESTAMP]);
    const told = new DataView(Uint8Array.from(message!.payload).buffer);
    assertEquals(told.getBigUint64(0, true), 1_800_000_000_123_456_789n);
  });

  it("keeps IPv6 packet info as it is", () => {
    assertEquals(receive([PKTINFO6]).messages, [
      { level: 41, type: 19, payload: PKTINFO6.payload },
    ]);
  });

  it("tells the type of service, the codepoint, or both, as asked", () => {
    const tos = { level: 0, type: 1, payload: [0x2A] };
    const asTos = { level: 0, type: 3, payload: [0x2A, 0, 0, 0] };
    const asEcn = { level: 0, type: 50, payload: [2, 0, 0, 0] };
    assertEquals(receive([tos]).messages, [asTos, asEcn]);
    assertEquals(receive([tos], without("receivesEcn")).messages, [asTos]);
    assertEquals(receive([tos], without("receivesTos")).messages, [asEcn]);
  });

  it("tells an IPv6 traffic class and its codepoint", () => {
    assertEquals(
      receive([{ level: 41, type: 67, payload: [0x2B, 0, 0, 0] }]).messages,
      [
        { level: 41, type: 39, payload: [0x2B, 0, 0, 0] },
        { level: 41, type: 50, payload: [3, 0, 0, 0] },
      ],
    );
  });

  it("tells the segment size of a coalesced datagram", () => {
    assertEquals(
      receive([{ level: 17, type: 104, payload: [0xB0, 4, 0, 0] }]).messages,
      [{ level: 17, type: 3, payload: [0xB0, 4, 0, 0] }],
    );
  });

  it("tells no segment size of a datagram that was not coalesced", () => {
    for (const payload of [[0, 0, 0, 0], [0, 0]]) {
      assertEquals(receive([{ level: 17, type: 104, payload }]).messages, []);
    }
  });

  it("takes the 16-bit segment size of older kernels, and none from less", () => {
    assertEquals(
      receive([{ level: 17, type: 104, payload: [0xB0, 4] }]).messages,
      [{ level: 17, type: 3, payload: [0xB0, 4, 0, 0] }],
    );
    assertEquals(
      receive([{ level: 17, type: 104, payload: [0xB0] }]).messages,
      [],
    );
  });

  it("writes a total length of 8 when there is no message", () => {
    assertEquals(receive([]), { truncated: false, total: 8, messages: [] });
  });

  it("leaves out what Winsock has no message for", () => {
    const unknown = { level: 1, type: 29, payload: new Array(16).fill(1) };
    assertEquals(receive([unknown, PKTINFO]).messages.length, 1);
    assertEquals(receive([PKTINFO], without("packetInfo")).messages, []);
  });

  for (const capacity of [0, 4, 7, 8, 16, 31]) {
    it(`says so when a message does not fit ${capacity} bytes`, () => {
      const result = receive([PKTINFO], ALL, capacity);
      assertEquals(result.truncated, true);
      assertEquals(result.messages, []);
    });
  }

  it("keeps what fits and says that something did not", () => {
    const result = receive([PKTINFO, PKTINFO6], ALL, 32);
    assertEquals(result.truncated, true);
    assertEquals(result.total, 32);
    assertEquals(result.messages.length, 1);
  });

  it("stops at a message with an impossible length", () => {
    for (const length of [0, 15, 200, 0xFFFFFFFF]) {
      const source = encode([PKTINFO, PKTINFO]);
      const view = new DataView(source.buffer);
      view.setUint32(32, length, true);
      const target = new DataView(new ArrayBuffer(256));
      fromKernel(view, 0, source.length, target, 0, 256, ALL);
      assertEquals(decode(target, 8, target.getUint32(0, true)).length, 1);
    }
  });
});

describe("toKernel()", () => {
  it("makes the address of packet info the source address", () => {
    const message = { level: 0, type: 19, payload: [10, 0, 0, 1, 3, 0, 0, 0] };
    assertEquals(send(slice([message])).messages, [
      { level: 0, type: 8, payload: [3, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0] },
    ]);
  });

  it("translates IPv6 packet info, type of service, class, codepoint and segment size", () => {
    const messages = [
      { level: 41, type: 19, payload: PKTINFO6.payload },
      { level: 0, type: winsock.IP_TOS, payload: [8, 0, 0, 0] },
      { level: 41, type: winsock.IPV6_TCLASS, payload: [9, 0, 0, 0] },
    ];
    assertEquals(send(slice(messages)).messages, [
      PKTINFO6,
      { level: 0, type: 1, payload: [8, 0, 0, 0] },
      { level: 41, type: 67, payload: [9, 0, 0, 0] },
    ]);
    assertEquals(
      send(slice([
        { level: 0, type: winsock.IP_ECN, payload: [2, 0, 0, 0] },
        { level: 41, type: winsock.IPV6_ECN, payload: [1, 0, 0, 0] },
        {
          level: 17,
          type: winsock.UDP_SEND_MSG_SIZE,
          payload: [0xB0, 4, 0, 0],
        },
      ])).messages,
      [
        { level: 0, type: 1, payload: [2, 0, 0, 0] },
        { level: 41, type: 67, payload: [1, 0, 0, 0] },
        { level: 17, type: 103, payload: [0xB0, 4] },
      ],
    );
  });

  it("keeps the rest of a socket's type of service beside a codepoint", () => {
    const view = slice([
      { level: 0, type: winsock.IP_ECN, payload: [2, 0, 0, 0] },
      { level: 41, type: winsock.IPV6_ECN, payload: [1, 0, 0, 0] },
    ]);
    const service = { tos: 0xB9, trafficClass: 0x2B };
    const target = new DataView(new ArrayBuffer(64));
    toKernel(view, 0, view.byteLength, target, 0, 64, service);
    assertEquals(
      decode(target, 0, 48).map(({ payload }) => payload[0]),
      [0xBA, 0x29],
    );
  });

  it("takes a slice without messages", () => {
    assertEquals(send(slice([])), { written: 0, messages: [] });
  });

  it("refuses a total length that is too small or beyond the slice", () => {
    for (const total of [0, 7, 33, 0xFFFFFFFF]) {
      const view = slice([{ level: 0, type: 3, payload: [0, 0, 0, 0] }]);
      view.setUint32(0, total, true);
      assertEquals(send(view).written, -1, `${total}`);
    }
    assertEquals(send(slice([]), 7).written, -1);
  });

  it("refuses a message with an impossible length", () => {
    for (const [low, high] of [[0, 0], [15, 0], [17, 0], [25, 0], [20, 1]]) {
      const view = slice([{ level: 0, type: 3, payload: [1, 0, 0, 0] }]);
      view.setUint32(8, low!, true);
      view.setUint32(12, high!, true);
      assertEquals(send(view).written, -1, `${low} ${high}`);
    }
  });

  it("refuses messages that it does not know or that do not fit", () => {
    assertEquals(
      send(slice([{ level: 0, type: 77, payload: [0, 0, 0, 0] }])).written,
      -1,
    );
    assertEquals(
      send(slice([{ level: 17, type: 2, payload: [0, 0, 1, 0] }])).written,
      -1,
    );
    const tos = { level: 0, type: 3, payload: [0, 0, 0, 0] };
    assertEquals(send(slice(new Array(5).fill(tos))).written, 120);
    assertEquals(send(slice(new Array(6).fill(tos))).written, -1);
    const info = { level: 0, type: 19, payload: [10, 0, 0, 1, 3, 0, 0, 0] };
    assertEquals(send(slice(new Array(4).fill(info))).written, 128);
    assertEquals(send(slice(new Array(5).fill(info))).written, -1);
    const info6 = { ...PKTINFO6, type: 19 };
    assertEquals(send(slice(new Array(3).fill(info6))).written, 120);
    assertEquals(send(slice(new Array(4).fill(info6))).written, -1);
  });
});
