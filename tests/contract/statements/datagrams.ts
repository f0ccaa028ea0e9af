/** Datagrams in both address families. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { SIO_UDP_CONNRESET } from "../../../ffi/constants.ts";
import { WSAEMSGSIZE } from "../../../ffi/error_numbers.ts";
import { FAMILIES, type Family } from "../families.ts";
import type { Statement } from "../harness.ts";

const MAX_DATAGRAM = 65507;

/** Every statement about datagrams. */
export const datagrams: readonly Statement[] = [
  ...FAMILIES.flatMap(statementsFor),
  {
    name: "a connected socket takes datagrams of its peer only",
    async run(t) {
      const [a, b] = t.udpPair();
      const stranger = t.udp();
      const inbox = t.room(16);
      t.receive(b, inbox);
      t.send(stranger, t.put("stranger"), {
        remote: t.put(t.addressOf(b.socket)),
      });
      await t.succeeds(stranger.sent);
      t.send(a, t.put("peer"));
      assertEquals(await t.succeeds(b.received), 4);
      assertEquals(t.text(inbox, 4), "peer");
    },
  },
  {
    name: "a send to a longer datagram than there can be never succeeds",
    misuse: true,
    async run(t) {
      const [a] = t.udpPair();
      const error = t.trySend(a, t.room(MAX_DATAGRAM + 1));
      if (error !== 0) return await t.stays(a.sent);
      assertNotEquals((await t.next(a.sent)).status, 0);
    },
  },
  {
    name: "a datagram of 65,507 bytes arrives whole over IPv4",
    async run(t) {
      const [a, b] = t.udpPair();
      const outbox = t.put(
        Uint8Array.from({ length: MAX_DATAGRAM }, (_, i) => i * 7 + (i >> 8)),
      );
      const inbox = t.room(MAX_DATAGRAM);
      t.receive(b, inbox);
      t.send(a, outbox);
      assertEquals(await t.succeeds(b.received), MAX_DATAGRAM);
      assert(same(t.slab.read(inbox), t.slab.read(outbox)), "other bytes");
    },
  },
];

function statementsFor(family: Family): Statement[] {
  const { name } = family;
  return [
    {
      name: `${name}: RIOSend and RIOReceive carry a datagram between peers`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        const inbox = t.room(64);
        t.receive(b, inbox, { context: 1 });
        t.send(a, t.put("connected"), { context: 2 });
        assertEquals(await t.next(a.sent), {
          status: 0,
          bytesTransferred: 9,
          requestContext: 2,
        });
        assertEquals(await t.succeeds(b.received), 9);
        assertEquals(t.text(inbox, 9), "connected");
      },
    },
    {
      name: `${name}: datagrams go both ways at once`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        const [atA, atB] = [t.room(8), t.room(8)];
        t.receive(a, atA);
        t.receive(b, atB);
        t.send(a, t.put("from a"));
        t.send(b, t.put("from b"));
        assertEquals(await t.succeeds(a.received), 6);
        assertEquals(await t.succeeds(b.received), 6);
        assertEquals([t.text(atA, 6), t.text(atB, 6)], ["from b", "from a"]);
      },
    },
    {
      name: `${name}: RIOSendEx and RIOReceiveEx carry a datagram by address`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const [inbox, from] = [t.room(64), t.room(28)];
        t.receive(b, inbox, { remote: from });
        t.send(a, t.put("to you"), {
          remote: t.put(t.addressOf(b.socket)),
        });
        assertEquals(await t.succeeds(a.sent), 6);
        assertEquals(await t.succeeds(b.received), 6);
        assertEquals(t.text(inbox, 6), "to you");
        assertEquals(t.slab.read(from), t.addressOf(a.socket));
      },
    },
    {
      name: `${name}: an answer goes to the address that a receive gave`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const [atA, atB, from] = [t.room(8), t.room(8), t.room(28)];
        t.receive(a, atA);
        t.receive(b, atB, { remote: from });
        t.send(a, t.put("ping"), { remote: t.put(t.addressOf(b.socket)) });
        await t.succeeds(b.received);
        t.send(b, t.put("pong"), { remote: from });
        assertEquals(await t.succeeds(a.received), 4);
        assertEquals(t.text(atA, 4), "pong");
      },
    },
    {
      name: `${name}: one socket sends to many and each gets its own`,
      async run(t) {
        const a = t.udp({ family });
        const all = Array.from({ length: 5 }, () => t.udp({ family }));
        const inboxes = all.map((b) => {
          const inbox = t.room(8);
          t.receive(b, inbox);
          return inbox;
        });
        for (const [i, b] of all.entries()) {
          t.send(a, t.put(`to ${i}`), {
            remote: t.put(t.addressOf(b.socket)),
          });
        }
        for (const [i, b] of all.entries()) {
          assertEquals(await t.succeeds(b.received), 4);
          assertEquals(t.text(inboxes[i]!, 4), `to ${i}`);
        }
      },
    },
    {
      name: `${name}: one socket hears many and tells them apart`,
      async run(t) {
        const b = t.udp({ family });
        const all = Array.from({ length: 5 }, () => t.udp({ family }));
        const froms = all.map((_, context) => {
          const from = t.room(28);
          t.receive(b, t.room(8), { remote: from, context });
          return from;
        });
        const remote = t.put(t.addressOf(b.socket));
        for (const a of all) {
          t.send(a, t.put("me"), { remote });
          await t.succeeds(a.sent);
        }
        await t.dequeue(b.received, 5);
        const ports = (slices: Uint8Array[]) =>
          slices.map((bytes) => bytes[2]! << 8 | bytes[3]!).sort();
        assertEquals(
          ports(froms.map((from) => t.slab.read(from))),
          ports(all.map((a) => t.addressOf(a.socket))),
        );
      },
    },
    {
      name:
        `${name}: RIOReceive completes with 10040 when the datagram is longer than the slice`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        const inbox = t.room(8);
        t.receive(b, t.room(4), { context: 1 });
        t.receive(b, inbox, { context: 2 });
        t.send(a, t.put("12345"));
        t.send(a, t.put("next"));
        const [cut, whole] = await t.dequeue(b.received, 2);
        assertEquals([cut!.status, cut!.requestContext], [WSAEMSGSIZE, 1]);
        assertEquals([whole!.status, whole!.requestContext], [0, 2]);
        assertEquals(t.text(inbox, 4), "next");
      },
    },
    {
      name:
        `${name}: RIOReceiveEx completes with 10040 when the datagram is longer than the slice`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        t.receive(b, t.room(4), { remote: t.room(28) });
        t.send(a, t.put("12345"), { remote: t.put(t.addressOf(b.socket)) });
        assertEquals((await t.next(b.received)).status, WSAEMSGSIZE);
      },
    },
    {
      name: `${name}: a datagram that just fits is not cut`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        const inbox = t.room(5);
        t.receive(b, inbox);
        t.send(a, t.put("12345"));
        assertEquals(await t.succeeds(b.received), 5);
        assertEquals(t.text(inbox), "12345");
      },
    },
    {
      name:
        `${name}: an empty datagram completes with 0 bytes and ends nothing`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        for (let i = 0; i < 3; i++) t.receive(b, t.room(8));
        t.send(a, t.put("1"));
        t.send(a, t.slab.slice(0, 0));
        t.send(a, t.put("333"));
        const completions = await t.dequeue(b.received, 3);
        assertEquals(
          completions.map((c) => [c.status, c.bytesTransferred]),
          [[0, 1], [0, 0], [0, 3]],
        );
      },
    },
    {
      name: `${name}: datagrams that came before the receives wait in order`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        for (let i = 0; i < 10; i++) t.send(a, t.put(`wait ${i}`));
        await t.dequeue(a.sent, 10);
        const inboxes = Array.from({ length: 10 }, () => t.room(8));
        for (const inbox of inboxes) t.receive(b, inbox);
        await t.dequeue(b.received, 10);
        assertEquals(
          inboxes.map((inbox) => t.text(inbox, 6)),
          inboxes.map((_, i) => `wait ${i}`),
        );
      },
    },
    {
      name:
        `${name}: receives are taken in the order in which they were posted`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        for (let i = 0; i < 10; i++) t.receive(b, t.room(8), { context: i });
        for (let i = 0; i < 10; i++) t.send(a, t.put(`${i}`));
        const completions = await t.dequeue(b.received, 10);
        assertEquals(
          completions.map((c) => c.requestContext),
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        );
      },
    },
    {
      name: `${name}: a socket sends to itself`,
      async run(t) {
        const a = t.udp({ family });
        const inbox = t.room(8);
        t.receive(a, inbox);
        t.send(a, t.put("myself"), { remote: t.put(t.addressOf(a.socket)) });
        assertEquals(await t.succeeds(a.received), 6);
        assertEquals(t.text(inbox, 6), "myself");
      },
    },
    {
      name: `${name}: every length from 0 to 300 bytes arrives unchanged`,
      async run(t) {
        const [a, b] = t.udpPair({ family, receives: 4, sends: 4 });
        const [inbox, outbox] = [t.room(512), t.room(512)];
        const bytes = t.slab.bytes;
        for (let length = 0; length <= 300; length++) {
          bytes.fill(length, outbox.offset, outbox.offset + length);
          bytes.fill(0xEE, inbox.offset, inbox.offset + 512);
          t.receive(b, inbox);
          t.send(a, { ...outbox, length });
          assertEquals(await t.succeeds(b.received), length);
          await t.succeeds(a.sent);
          const received = t.slab.read(inbox);
          const expected = new Uint8Array(512).fill(0xEE).fill(
            length,
            0,
            length,
          );
          assert(same(received, expected), `${length} bytes were changed`);
        }
      },
    },
    {
      name:
        `${name}: sends to an unreachable peer end no receive when SIO_UDP_CONNRESET is off`,
      async run(t) {
        const [a, gone] = t.udpPair({ family });
        const off = new Uint8Array(4);
        const error = t.rio.sockets.ioctl(a.socket, SIO_UDP_CONNRESET, off);
        t.done(error, "SIO_UDP_CONNRESET");
        t.close(gone);
        t.receive(a, t.room(8));
        for (let i = 0; i < 3; i++) {
          t.send(a, t.put("hello?"));
          await t.next(a.sent);
        }
        await t.stays(a.received);
      },
    },
    {
      name:
        `${name}: an unreachable port does not end receives when SIO_UDP_CONNRESET is off`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const off = new Uint8Array(4);
        const error = t.rio.sockets.ioctl(a.socket, SIO_UDP_CONNRESET, off);
        t.done(error, "SIO_UDP_CONNRESET");
        const gone = t.udp({ family });
        const nobody = t.put(t.addressOf(gone.socket));
        t.close(gone);
        const inbox = t.room(8);
        t.receive(a, inbox);
        t.send(a, t.put("hello?"), { remote: nobody });
        await t.next(a.sent);
        await t.stays(a.received);
        t.send(b, t.put("here"), { remote: t.put(t.addressOf(a.socket)) });
        assertEquals(await t.succeeds(a.received), 4);
        assertEquals(t.text(inbox, 4), "here");
      },
    },
  ];
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
