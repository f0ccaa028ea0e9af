/** Request queues: what they take, how many, and when. @module */
import { assertEquals, assertNotEquals } from "@std/assert";
import { RIO_MSG_DEFER } from "../../../ffi/constants.ts";
import {
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTSOCK,
} from "../../../ffi/error_numbers.ts";
import { FAMILIES } from "../families.ts";
import type { Statement } from "../harness.ts";

/** Every statement about request queues. */
export const requestQueues: readonly Statement[] = [
  ...FAMILIES.map((family): Statement => ({
    name: `RIOCreateRequestQueue takes a ${family.name} socket before bind`,
    async run(t) {
      const socket = t.udpSocket(family);
      const a = t.endpoint(socket);
      t.bindLoopback(socket, family);
      t.made(
        t.rio.sockets.connect(socket, t.addressOf(socket), t.key()),
        "connect",
      );
      t.receive(a, t.room(8));
      t.send(a, t.put("before"));
      assertEquals(await t.succeeds(a.received), 6);
    },
  })),
  {
    name: "RIOCreateRequestQueue takes a TCP socket before connect",
    async run(t) {
      const listener = t.listener();
      const socket = t.tcpSocket();
      const client = t.endpoint(socket);
      t.made(await t.connect(socket, t.addressOf(listener)), "connect");
      const server = t.endpoint(await t.accept(listener));
      t.receive(server, t.room(8));
      t.send(client, t.put("early"));
      assertEquals(await t.succeeds(server.received), 5);
    },
  },
  {
    name: "RIOCreateRequestQueue refuses two zero maxima with 10022",
    misuse: true,
    run(t) {
      const queue = t.queue();
      assertEquals(
        t.rio.rings.createRequestQueue(t.udpSocket(), 0, 0, queue, queue),
        -WSAEINVAL,
      );
    },
  },
  ...(["the receiving", "the sending"] as const).map((which): Statement => ({
    name: `RIOCreateRequestQueue refuses 0 as ${which} queue with 10022`,
    misuse: true,
    run(t) {
      const queue = t.queue();
      const received = which === "the receiving" ? 0 : queue;
      const sent = which === "the sending" ? 0 : queue;
      assertEquals(
        t.rio.rings.createRequestQueue(t.udpSocket(), 1, 1, received, sent),
        -WSAEINVAL,
      );
    },
  })),
  {
    name: "RIOCreateRequestQueue refuses a closed completion queue with 10022",
    misuse: true,
    run(t) {
      const closed = t.queue();
      t.rio.rings.closeCompletionQueue(closed);
      assertEquals(
        t.rio.rings.createRequestQueue(t.udpSocket(), 1, 1, closed, closed),
        -WSAEINVAL,
      );
    },
  },
  {
    name: "RIOCreateRequestQueue refuses a closed socket with 10038",
    misuse: true,
    run(t) {
      const queue = t.queue();
      const socket = t.udpSocket();
      t.done(t.rio.sockets.close(socket), "closesocket");
      assertEquals(
        t.rio.rings.createRequestQueue(socket, 1, 1, queue, queue),
        -WSAENOTSOCK,
      );
    },
  },
  {
    name: "a request queue without receives only sends",
    async run(t) {
      const [a] = t.udpPair({ receives: 0 });
      t.send(a, t.put("sends"));
      assertEquals(await t.succeeds(a.sent), 5);
      assertEquals(t.tryReceive(a, t.room(8)), WSAENOBUFS);
    },
  },
  {
    name: "a request queue without sends only receives",
    async run(t) {
      const a = t.udp({ sends: 0 });
      const b = t.udp();
      t.receive(a, t.room(8));
      const remote = t.put(t.addressOf(a.socket));
      t.send(b, t.put("receives"), { remote });
      assertEquals(await t.succeeds(a.received), 8);
      assertEquals(t.trySend(a, t.put("x"), { remote }), WSAENOBUFS);
    },
  },
  {
    name: "RIOReceive fails with 10055 beyond the outstanding limit",
    async run(t) {
      const a = t.udp({ receives: 3 });
      for (let i = 0; i < 3; i++) t.receive(a, t.room(8));
      assertEquals(t.tryReceive(a, t.room(8)), WSAENOBUFS);
      assertEquals(t.tryReceive(a, t.room(8)), WSAENOBUFS);
      await t.stays(a.received);
    },
  },
  {
    name: "deferred requests count against the outstanding limit at once",
    run(t) {
      const [a] = t.udpPair({ receives: 2, sends: 2 });
      const flags = RIO_MSG_DEFER;
      for (let i = 0; i < 2; i++) t.receive(a, t.room(8), { flags });
      for (let i = 0; i < 2; i++) t.send(a, t.put("x"), { flags });
      assertEquals(t.tryReceive(a, t.room(8), { flags }), WSAENOBUFS);
      assertEquals(t.trySend(a, t.put("x"), { flags }), WSAENOBUFS);
    },
  },
  {
    name: "the limits of the two directions are apart",
    async run(t) {
      const [a] = t.udpPair({ receives: 1, sends: 2 });
      t.receive(a, t.room(8));
      t.send(a, t.put("1"));
      t.send(a, t.put("2"));
      await t.dequeue(a.sent, 2);
      assertEquals(t.tryReceive(a, t.room(8)), WSAENOBUFS);
      t.send(a, t.put("3"));
    },
  },
  ...(["receive", "send"] as const).map((direction): Statement => ({
    name: `the slot of a ${direction} is free when its completion was dequeued`,
    async run(t) {
      const { queue, key } = t.notifying("event", 1);
      const [a, b] = direction === "receive"
        ? t.udpPair({ receives: 1, received: queue }, {})
        : t.udpPair({ sends: 1, sent: queue }, {});
      const post = () =>
        direction === "receive"
          ? t.tryReceive(a, t.room(8))
          : t.trySend(a, t.put("slot"));
      t.arm(queue);
      assertEquals(post(), 0);
      if (direction === "receive") t.send(b, t.put("slot"));
      // The request is over now, and nobody has dequeued it.
      await t.fires(key, "a completion");
      assertEquals(post(), WSAENOBUFS);
      assertEquals(t.poll(queue).length, 1);
      assertEquals(post(), 0);
    },
  })),
  {
    name: "a hundred request queues share one completion queue",
    async run(t) {
      const received = t.queue(100);
      const sent = t.queue(100);
      const endpoints = Array.from(
        { length: 100 },
        (_, context) =>
          t.udp({ receives: 1, sends: 1, received, sent, context }),
      );
      for (const endpoint of endpoints) t.receive(endpoint, t.room(8));
      for (const [i, endpoint] of endpoints.entries()) {
        const to = endpoints[(i + 1) % 100]!;
        const remote = t.put(t.addressOf(to.socket));
        t.send(endpoint, t.put("ring"), { remote });
      }
      const contexts = (await t.dequeue(received, 100))
        .map((c) => c.requestContext);
      assertEquals(new Set(contexts).size, 100);
    },
  },
  {
    name: "RIOReceive and RIOSend refuse 0 as the request queue",
    misuse: true,
    run(t) {
      assertNotEquals(t.rio.rings.receive(0, t.room(8), 0, 0), 0);
      assertNotEquals(t.rio.rings.send(0, t.room(8), 0, 0), 0);
    },
  },
];
