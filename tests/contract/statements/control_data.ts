/** Control messages and message flags. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  IP_ECN,
  IP_PKTINFO,
  IP_RECVTOS,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ECN,
  IPV6_PKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  RIO_CMSG_BASE_SIZE,
} from "../../../ffi/constants.ts";
import type { RioBuf } from "../../../ffi/contract.ts";
import { WSAENOPROTOOPT } from "../../../ffi/error_numbers.ts";
import { alignControl, WSACMSGHDR } from "../../../ffi/layout.ts";
import { type Family, IPV4, IPV6 } from "../families.ts";
import type { Endpoint, Harness, Statement } from "../harness.ts";

const ECT_0 = 2;

interface Message {
  level: number;
  type: number;
  data: Uint8Array;
}

/** What the families call the same things. */
const NUMBERS = [
  {
    family: IPV4,
    level: IPPROTO_IP,
    packetInfo: IP_PKTINFO,
    infoSize: 8,
    interfaceAt: 4,
    ecn: IP_ECN,
    receiveTos: IP_RECVTOS,
    tos: IP_TOS,
  },
  {
    family: IPV6,
    level: IPPROTO_IPV6,
    packetInfo: IPV6_PKTINFO,
    infoSize: 20,
    interfaceAt: 16,
    ecn: IPV6_ECN,
    receiveTos: IPV6_RECVTCLASS,
    tos: IPV6_TCLASS,
  },
] as const;

/** Every statement about control data. */
export const controlData: readonly Statement[] = [
  ...NUMBERS.flatMap((numbers): Statement[] => {
    const { family, level } = numbers;
    const { name } = family;
    return [
      {
        name: `${name}: packet info tells address and interface of a datagram`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.packetInfo);
          const { messages, total } = await exchange(t, a, b);
          const [info] = messages;
          assertEquals(messages.length, 1);
          assertEquals([info!.level, info!.type], [level, numbers.packetInfo]);
          assertEquals(info!.data.length, numbers.infoSize);
          const address = t.addressOf(b.socket);
          const ip = family === IPV4
            ? address.subarray(4, 8)
            : address.subarray(8, 24);
          assertEquals(info!.data.subarray(0, ip.length), ip);
          const index = new DataView(info!.data.buffer)
            .getUint32(numbers.interfaceAt, true);
          assert(index > 0, "no interface");
          assert(
            total >= RIO_CMSG_BASE_SIZE + WSACMSGHDR.size + numbers.infoSize,
            `a total length of ${total}`,
          );
        },
      },
      {
        name: `${name}: no option, no control message`,
        async run(t) {
          const [a, b] = pair(t, family);
          const { messages, total } = await exchange(t, a, b);
          assertEquals(messages, []);
          assert(total <= RIO_CMSG_BASE_SIZE, `a total length of ${total}`);
        },
      },
      {
        name: `${name}: an option that is off again gives no control message`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.packetInfo);
          t.done(
            t.rio.sockets.setOption(
              b.socket,
              level,
              numbers.packetInfo,
              number(0),
            ),
            "setsockopt",
          );
          assertEquals((await exchange(t, a, b)).messages, []);
        },
      },
      {
        name: `${name}: every datagram of a batch has its own control data`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.packetInfo);
          const controls = Array.from({ length: 10 }, () => t.room(128));
          for (const control of controls) {
            t.receive(b, t.room(8), { control });
          }
          const remote = t.put(t.addressOf(b.socket));
          for (let i = 0; i < 10; i++) t.send(a, t.put("x"), { remote });
          await t.dequeue(b.received, 10);
          assertEquals(
            controls.map((control) => read(t, control).messages.length),
            controls.map(() => 1),
          );
        },
      },
      {
        name: `${name}: a control message stays within its slice`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.packetInfo);
          const control = t.put(new Uint8Array(256).fill(0xA5));
          t.receive(b, t.room(8), { control: { ...control, length: 64 } });
          t.send(a, t.put("x"), { remote: t.put(t.addressOf(b.socket)) });
          await t.next(b.received);
          const behind = t.slab.read(control).subarray(64);
          assert(behind.every((byte) => byte === 0xA5), "bytes behind it");
        },
      },
      {
        name: `${name}: control data and the sender's address come together`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.packetInfo);
          const from = t.room(28);
          const { messages } = await exchange(t, a, b, { from });
          assertEquals(messages.length, 1);
          assertEquals(t.slab.read(from), t.addressOf(a.socket));
        },
      },
      {
        name: `${name}: a control slice without messages is sent like none`,
        async run(t) {
          const [a, b] = pair(t, family);
          t.receive(b, t.room(8));
          t.send(a, t.put("none"), {
            remote: t.put(t.addressOf(b.socket)),
            control: write(t, []),
          });
          assertEquals(await t.succeeds(a.sent), 4);
          assertEquals(await t.succeeds(b.received), 4);
        },
      },
      {
        name: `${name}: an ECN codepoint travels as control data`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.ecn);
          const { messages } = await exchange(t, a, b, {
            control: write(t, [{
              level,
              type: numbers.ecn,
              data: number(ECT_0),
            }]),
          });
          const ecn = messages.find((message) =>
            message.level === level && message.type === numbers.ecn
          );
          assertEquals(ecn?.data[0], ECT_0);
        },
      },
      {
        name: `${name}: a type of service travels as control data`,
        async run(t) {
          const [a, b] = pair(t, family);
          enable(t, b, level, numbers.receiveTos);
          const { messages } = await exchange(t, a, b, {
            control: write(t, [{
              level,
              type: numbers.tos,
              data: number(0x28),
            }]),
          });
          const tos = messages.find((message) =>
            message.level === level && message.type === numbers.tos
          );
          if (!tos?.data[0]) t.mayLack("the type of service of a send");
          assertEquals(tos?.data[0], 0x28);
        },
      },
    ];
  }),
  {
    name: "packet info tells each datagram of a batch its own destination",
    async run(t) {
      const socket = t.udpSocket();
      t.done(t.rio.sockets.bind(socket, t.address(IPV4.any, 0)), "bind");
      const b = t.endpoint(socket);
      enable(t, b, IPPROTO_IP, IP_PKTINFO);
      const a = t.udp();
      const controls = Array.from({ length: 9 }, () => t.room(128));
      for (const control of controls) t.receive(b, t.room(8), { control });
      for (let i = 1; i <= 9; i++) {
        const remote = t.put(t.address(`127.0.0.${i}`, t.portOf(socket)));
        t.send(a, t.put("x"), { remote });
      }
      await t.dequeue(a.sent, 9);
      await t.dequeue(b.received, 9);
      assertEquals(
        controls.map((control) => [
          ...read(t, control).messages[0]!.data.subarray(0, 4),
        ]),
        controls.map((_, i) => [127, 0, 0, i + 1]),
      );
    },
  },
  {
    name: "packet info of a send chooses the source address",
    async run(t) {
      const probe = t.udpSocket();
      if (t.rio.sockets.bind(probe, t.address("127.0.0.2", 0)) !== 0) {
        t.skip("127.0.0.2 is no address of this host");
      }
      const socket = t.udpSocket();
      t.done(t.rio.sockets.bind(socket, t.address(IPV4.any, 0)), "bind");
      const a = t.endpoint(socket);
      const b = t.udp();
      const from = t.room(28);
      t.receive(b, t.room(8), { remote: from });
      t.send(a, t.put("source"), {
        remote: t.put(t.addressOf(b.socket)),
        control: write(t, [{
          level: IPPROTO_IP,
          type: IP_PKTINFO,
          data: Uint8Array.of(127, 0, 0, 2, 0, 0, 0, 0),
        }]),
      });
      const { status } = await t.next(a.sent);
      assertEquals(status, 0);
      await t.succeeds(b.received);
      if (t.slab.bytes[from.offset + 7] === 1) {
        t.mayLack("the packet info of a send");
      }
      assertEquals(
        t.slab.read(from),
        t.address("127.0.0.2", t.portOf(socket)),
      );
    },
  },
  {
    name: "a control slice of a send that states another length never succeeds",
    misuse: true,
    async run(t) {
      const [a, b] = pair(t, IPV4);
      const control = write(t, []);
      t.slab.view(control).setUint32(0, 4096, true);
      const error = t.trySend(a, t.put("x"), {
        remote: t.put(t.addressOf(b.socket)),
        control,
      });
      if (error === 0) assertNotEquals((await t.next(a.sent)).status, 0);
    },
  },
  {
    name: "RIOReceiveEx takes a slice for the message flags, and data as ever",
    async run(t) {
      const [a, b] = pair(t, IPV4);
      const guard = t.put(new Uint8Array(16).fill(0xA5));
      const inbox = t.room(8);
      t.receive(b, inbox, { messageFlags: { ...guard, length: 4 } });
      t.send(a, t.put("flags"), { remote: t.put(t.addressOf(b.socket)) });
      assertEquals(await t.succeeds(b.received), 5);
      assertEquals(t.text(inbox, 5), "flags");
      const behind = t.slab.read(guard).subarray(4);
      assert(behind.every((byte) => byte === 0xA5), "bytes behind the flags");
    },
  },
];

function pair(t: Harness, family: Family): [Endpoint, Endpoint] {
  return [t.udp({ family }), t.udp({ family })];
}

/** Sends one datagram and reads the control data that it arrives with. */
async function exchange(
  t: Harness,
  a: Endpoint,
  b: Endpoint,
  options: { control?: RioBuf; from?: RioBuf } = {},
): Promise<{ total: number; messages: Message[] }> {
  const control = t.room(256);
  t.receive(b, t.room(8), {
    control,
    ...(options.from ? { remote: options.from } : {}),
  });
  t.send(a, t.put("control"), {
    remote: t.put(t.addressOf(b.socket)),
    ...(options.control ? { control: options.control } : {}),
  });
  await t.succeeds(a.sent);
  assertEquals(await t.succeeds(b.received), 7);
  return read(t, control);
}

/** Turns an option on; a system that may lack it ends the statement. */
function enable(
  t: Harness,
  { socket }: Endpoint,
  level: number,
  name: number,
): void {
  const error = t.rio.sockets.setOption(socket, level, name, number(1));
  if (error === WSAENOPROTOOPT) {
    t.mayLack(`option ${name} at level ${level}`);
  }
  t.done(error, "setsockopt");
}

/** Writes control messages as `RIOSendEx` takes them. */
function write(t: Harness, messages: Message[]): RioBuf {
  const total = messages.reduce(
    (sum, { data }) => sum + alignControl(WSACMSGHDR.size + data.length),
    RIO_CMSG_BASE_SIZE,
  );
  const control = t.room(total);
  const view = t.slab.view(control);
  view.setUint32(0, total, true);
  let at = RIO_CMSG_BASE_SIZE;
  for (const { level, type, data } of messages) {
    const length = WSACMSGHDR.size + data.length;
    view.setBigUint64(at + WSACMSGHDR.length, BigInt(length), true);
    view.setInt32(at + WSACMSGHDR.level, level, true);
    view.setInt32(at + WSACMSGHDR.type, type, true);
    t.slab.bytes.set(data, control.offset + at + WSACMSGHDR.size);
    at += alignControl(length);
  }
  return control;
}

/** Reads control messages as `RIOReceiveEx` leaves them. */
function read(
  t: Harness,
  control: RioBuf,
): { total: number; messages: Message[] } {
  const view = t.slab.view(control);
  const total = view.getUint32(0, true);
  assert(total <= control.length, `${total} bytes where ${control.length} fit`);
  const messages: Message[] = [];
  let at = RIO_CMSG_BASE_SIZE;
  while (at + WSACMSGHDR.size <= total) {
    const length = Number(view.getBigUint64(at + WSACMSGHDR.length, true));
    assert(length >= WSACMSGHDR.size, `a message of ${length} bytes`);
    assert(at + length <= total, `a message that ends behind ${total}`);
    messages.push({
      level: view.getInt32(at + WSACMSGHDR.level, true),
      type: view.getInt32(at + WSACMSGHDR.type, true),
      data: t.slab.read(control)
        .slice(at + WSACMSGHDR.size, at + length),
    });
    at += alignControl(length);
  }
  return { total, messages };
}

function number(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}
