/** Many datagrams through few slots. @module */
import { assertEquals } from "@std/assert";
import type { Statement } from "../harness.ts";

/** Every statement about datagrams in numbers. */
export const traffic: readonly Statement[] = [
  {
    name: "10,000 datagrams through a window arrive once and in order",
    async run(t) {
      const window = 64;
      const total = 10_000;
      const [a, b] = t.udpPair({ receives: window, sends: window });
      const inbox = Array.from({ length: window }, () => t.room(16));
      const outbox = Array.from({ length: window }, () => t.room(16));
      const [read, write] = [inbox, outbox].map((slices) =>
        slices.map((slice) => t.slab.view(slice))
      ) as [DataView[], DataView[]];
      for (const [i, slice] of inbox.entries()) {
        t.receive(b, slice, { context: i });
      }
      let sent = 0;
      let freeSends = window;
      let received = 0;
      await t.untilTotal(() => {
        // The window keeps the socket buffer from running over.
        while (freeSends > 0 && sent < total && sent - received < window) {
          const slot = sent % window;
          write[slot]!.setUint32(0, sent, true);
          write[slot]!.setUint32(12, ~sent >>> 0, true);
          t.send(a, outbox[slot]!);
          freeSends--;
          sent++;
        }
        for (const { status } of t.poll(a.sent)) {
          assertEquals(status, 0);
          freeSends++;
        }
        for (const completion of t.poll(b.received)) {
          const slot = completion.requestContext;
          assertEquals(completion.status, 0);
          assertEquals(completion.bytesTransferred, 16);
          assertEquals(read[slot]!.getUint32(0, true), received);
          assertEquals(read[slot]!.getUint32(12, true), ~received >>> 0);
          received++;
          t.receive(b, inbox[slot]!, { context: slot });
        }
        return received;
      }, total);
    },
  },
  {
    name: "2,000 datagrams by address keep sender and payload together",
    async run(t) {
      const slots = 5;
      const total = 2000;
      const b = t.udp({ receives: slots, sends: slots });
      const senders = [0, 1, 2].map(() => t.udp({ sends: 1 }));
      const ports = senders.map(({ socket }) => t.portOf(socket));
      const remote = t.put(t.addressOf(b.socket));
      const outbox = senders.map(() => t.room(4));
      const inbox = Array.from({ length: slots }, () => t.room(4));
      const from = Array.from({ length: slots }, () => t.room(28));
      const post = (context: number) =>
        t.receive(b, inbox[context]!, { remote: from[context]!, context });
      for (let slot = 0; slot < slots; slot++) post(slot);
      for (let i = 0; i < total; i++) {
        const which = i % 3;
        t.slab.view(outbox[which]!).setUint32(0, i, true);
        t.send(senders[which]!, outbox[which]!, { remote });
        await t.succeeds(senders[which]!.sent);
        const { requestContext, status } = await t.next(b.received);
        assertEquals([status, requestContext], [0, i % slots]);
        const number = t.slab.view(inbox[requestContext]!).getUint32(0, true);
        const port = t.slab.view(from[requestContext]!).getUint16(2);
        assertEquals([number, port], [i, ports[which]]);
        post(requestContext);
      }
    },
  },
  {
    name: "receives with and without slices take turns",
    async run(t) {
      const [a, b] = [t.udp({ sends: 1 }), t.udp({ receives: 1 })];
      const remote = t.put(t.addressOf(b.socket));
      const [inbox, from] = [t.room(8), t.room(28)];
      for (let i = 0; i < 20; i++) {
        t.slab.bytes.fill(0, from.offset, from.offset + 28);
        if (i % 2 === 0) t.receive(b, inbox, { remote: from });
        else t.receive(b, inbox);
        t.send(a, t.put(`${i}`), { remote });
        await t.succeeds(a.sent);
        assertEquals(await t.succeeds(b.received), `${i}`.length);
        assertEquals(
          t.slab.read(from),
          i % 2 === 0 ? t.addressOf(a.socket) : new Uint8Array(28),
        );
      }
    },
  },
  {
    name: "20 sockets on a polled queue hear bursts longer than their receives",
    async run(t) {
      const received = t.queue(20);
      const a = t.udp({ sends: 60 });
      const all = Array.from(
        { length: 20 },
        (_, context) => t.udp({ receives: 1, sends: 1, received, context }),
      );
      const inboxes = all.map(() => t.room(8));
      const remotes = all.map(({ socket }) => t.put(t.addressOf(socket)));
      for (const [i, b] of all.entries()) t.receive(b, inboxes[i]!);
      for (let round = 0; round < 5; round++) {
        await t.stays(received);
        for (const remote of remotes) {
          for (let i = 0; i < 3; i++) {
            t.send(a, t.slab.slice(128 * 1024, 8), { remote });
          }
        }
        await t.dequeue(a.sent, 60);
        for (let i = 0; i < 60; i++) {
          const { requestContext } = await t.next(received);
          t.receive(all[requestContext]!, inboxes[requestContext]!);
        }
      }
    },
  },
];
