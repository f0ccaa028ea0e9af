/** Changing the size of queues. @module */
import { assertEquals } from "@std/assert";
import {
  RIO_MAX_CQ_SIZE,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
} from "../../../ffi/constants.ts";
import {
  WSAEINVAL,
  WSAENOBUFS,
  WSAETOOMANYREFS,
} from "../../../ffi/error_numbers.ts";
import type { Statement } from "../harness.ts";

/** Every statement about resizing. */
export const resizing: readonly Statement[] = [
  {
    name: "RIOResizeCompletionQueue keeps what is queued, in order",
    async run(t) {
      const queue = t.queue(8);
      const [a, b] = t.udpPair({}, { receives: 8, received: queue });
      for (let i = 0; i < 6; i++) t.receive(b, t.room(8), { context: i });
      for (let i = 0; i < 6; i++) t.send(a, t.put("kept"));
      await t.dequeue(a.sent, 6);
      assertEquals((await t.next(queue)).requestContext, 0);
      t.done(t.rio.rings.resizeCompletionQueue(queue, 200), "grow");
      const completions = await t.dequeue(queue, 5);
      assertEquals(completions.map((c) => c.requestContext), [1, 2, 3, 4, 5]);
    },
  },
  {
    name: "RIOResizeCompletionQueue keeps what came round the end, in order",
    async run(t) {
      const queue = t.queue(4);
      const [a, b] = t.udpPair({}, { receives: 4, received: queue });
      const deliver = async (from: number, to: number) => {
        for (let i = from; i < to; i++) {
          t.receive(b, t.room(8), { context: i });
          t.send(a, t.put("round"));
        }
        await t.dequeue(a.sent, to - from);
      };
      await deliver(0, 4);
      const first = await t.dequeue(queue, 3);
      await deliver(4, 7);
      // Asking for two at once moves more than one into the queue.
      const two = await t.dequeue(queue, 2);
      t.done(t.rio.rings.resizeCompletionQueue(queue, 200), "grow");
      t.endpoint(t.udpSocket(), { receives: 100, received: queue });
      const rest = await t.dequeue(queue, 2);
      assertEquals(
        [...first, ...two, ...rest].map((c) => c.requestContext),
        [0, 1, 2, 3, 4, 5, 6],
      );
    },
  },
  {
    name: "RIOResizeCompletionQueue makes room for another request queue",
    run(t) {
      const queue = t.queue(4);
      const fit = { receives: 2, sends: 2, received: queue, sent: queue };
      t.endpoint(t.udpSocket(), fit);
      const socket = t.udpSocket();
      assertEquals(
        t.rio.rings.createRequestQueue(socket, 2, 2, queue, queue),
        -WSAENOBUFS,
      );
      t.done(t.rio.rings.resizeCompletionQueue(queue, 8), "grow");
      t.endpoint(socket, fit);
    },
  },
  {
    name: "RIOResizeCompletionQueue shrinks down to what is reserved",
    run(t) {
      const queue = t.queue(64);
      t.endpoint(t.udpSocket(), {
        receives: 3,
        sends: 2,
        received: queue,
        sent: queue,
      });
      t.done(t.rio.rings.resizeCompletionQueue(queue, 5), "shrink");
      assertEquals(
        t.rio.rings.createRequestQueue(t.udpSocket(), 1, 0, queue, queue),
        -WSAENOBUFS,
      );
    },
  },
  {
    name: "RIOResizeCompletionQueue fails with 10059 below what is reserved",
    async run(t) {
      const queue = t.queue(8);
      const [a, b] = t.udpPair({}, { receives: 5, received: queue });
      assertEquals(
        t.rio.rings.resizeCompletionQueue(queue, 4),
        WSAETOOMANYREFS,
      );
      for (let i = 0; i < 5; i++) t.receive(b, t.room(8));
      for (let i = 0; i < 5; i++) t.send(a, t.put("all"));
      assertEquals((await t.dequeue(queue, 5)).length, 5);
    },
  },
  {
    name: "RIOResizeCompletionQueue leaves the size when it fails",
    run(t) {
      const queue = t.queue(8);
      const fit = { receives: 2, sends: 2, received: queue, sent: queue };
      t.endpoint(t.udpSocket(), fit);
      assertEquals(
        t.rio.rings.resizeCompletionQueue(queue, 3),
        WSAETOOMANYREFS,
      );
      t.endpoint(t.udpSocket(), fit);
    },
  },
  {
    name: "RIOResizeCompletionQueue refuses more than the maximum with 10022",
    misuse: true,
    run(t) {
      const queue = t.queue(8);
      assertEquals(
        t.rio.rings.resizeCompletionQueue(queue, RIO_MAX_CQ_SIZE + 1),
        WSAEINVAL,
      );
    },
  },
  {
    name: "RIOResizeCompletionQueue refuses a closed queue with 10022",
    misuse: true,
    run(t) {
      const queue = t.queue(8);
      t.rio.rings.closeCompletionQueue(queue);
      assertEquals(t.rio.rings.resizeCompletionQueue(queue, 16), WSAEINVAL);
    },
  },
  {
    name: "RIOResizeCompletionQueue keeps a notification armed",
    async run(t) {
      const { queue, key } = t.notifying("event", 16);
      const [a, b] = t.udpPair({}, { received: queue });
      t.receive(b, t.room(8));
      t.arm(queue);
      t.done(t.rio.rings.resizeCompletionQueue(queue, 32), "grow");
      t.send(a, t.put("armed"));
      await t.fires(key, "a queue that was resized while armed");
      assertEquals(await t.succeeds(queue), 5);
    },
  },
  {
    name: "RIOResizeRequestQueue lets more requests be outstanding",
    async run(t) {
      const [received, sent] = [t.queue(64), t.queue(64)];
      const [a, b] = t.udpPair({ receives: 1, sends: 1, received, sent });
      t.receive(b, t.room(8), { context: 0 });
      assertEquals(t.tryReceive(b, t.room(8)), WSAENOBUFS);
      t.done(t.rio.rings.resizeRequestQueue(b.requestQueue, 3, 1), "grow");
      t.receive(b, t.room(8), { context: 1 });
      t.receive(b, t.room(8), { context: 2 });
      assertEquals(t.tryReceive(b, t.room(8)), WSAENOBUFS);
      t.done(t.rio.rings.resizeRequestQueue(a.requestQueue, 1, 3), "grow");
      for (let i = 0; i < 3; i++) t.send(a, t.put("more"));
      const completions = await t.dequeue(received, 3);
      assertEquals(completions.map((c) => c.requestContext), [0, 1, 2]);
    },
  },
  {
    name: "RIOResizeRequestQueue takes receives first, then sends",
    run(t) {
      const [received, sent] = [t.queue(8), t.queue(4)];
      const a = t.endpoint(t.udpSocket(), {
        receives: 4,
        sends: 4,
        received,
        sent,
      });
      t.done(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 8, 4),
        "8 receives",
      );
      assertEquals(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 4, 8),
        WSAENOBUFS,
      );
    },
  },
  {
    name: "RIOResizeRequestQueue keeps the requests that are posted",
    async run(t) {
      const [received, sent] = [t.queue(600), t.queue(64)];
      const [a, b] = t.udpPair({ sends: 100 }, {
        receives: 100,
        received,
        sent,
      });
      const inboxes = Array.from({ length: 160 }, () => t.room(8));
      const deliver = async (from: number, to: number) => {
        for (let i = from; i < to; i++) t.send(a, t.put(`${1000 + i}`));
        const completions = await t.dequeue(received, to - from);
        assertEquals(
          completions.map((c) => c.requestContext),
          completions.map((_, i) => from + i),
        );
        await t.dequeue(a.sent, to - from);
      };
      const post = (from: number, to: number) => {
        for (let context = from; context < to; context++) {
          t.receive(b, inboxes[context]!, { context });
        }
      };
      // A ring of slots has come round when it grows.
      post(0, 100);
      await deliver(0, 60);
      post(100, 160);
      t.done(t.rio.rings.resizeRequestQueue(b.requestQueue, 500, 16), "grow");
      await deliver(60, 160);
      assertEquals(
        inboxes.map((inbox) => t.text(inbox, 4)),
        inboxes.map((_, i) => `${1000 + i}`),
      );
    },
  },
  {
    name: "RIOResizeRequestQueue keeps addresses of the requests posted",
    async run(t) {
      const [received, sent] = [t.queue(64), t.queue(64)];
      const b = t.udp({ receives: 4, sends: 4, received, sent });
      const a = t.udp();
      const [first, from] = [t.room(8), t.room(28)];
      t.receive(b, first, { remote: from });
      t.send(b, t.put("out"), {
        remote: t.put(t.addressOf(a.socket)),
        flags: RIO_MSG_DEFER,
      });
      t.done(t.rio.rings.resizeRequestQueue(b.requestQueue, 32, 32), "grow");
      t.send(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      t.receive(a, t.room(8));
      assertEquals(await t.succeeds(a.received), 3);
      t.send(a, t.put("in"), { remote: t.put(t.addressOf(b.socket)) });
      assertEquals(await t.succeeds(received), 2);
      assertEquals(t.slab.read(from), t.addressOf(a.socket));
    },
  },
  {
    name:
      "RIOResizeRequestQueue keeps deferred requests, still to be committed",
    async run(t) {
      const [received, sent] = [t.queue(64), t.queue(64)];
      const [a, b] = t.udpPair({ receives: 4, sends: 4, received, sent });
      for (let i = 0; i < 4; i++) {
        t.send(a, t.put(`${i}`), { flags: RIO_MSG_DEFER, context: i });
      }
      t.done(t.rio.rings.resizeRequestQueue(a.requestQueue, 4, 20), "grow");
      t.send(a, null, { flags: RIO_MSG_COMMIT_ONLY });
      for (let i = 0; i < 4; i++) t.receive(b, t.room(8));
      assertEquals((await t.dequeue(received, 4)).length, 4);
      const completions = await t.dequeue(sent, 4);
      assertEquals(completions.map((c) => c.requestContext), [0, 1, 2, 3]);
    },
  },
  {
    name: "RIOResizeRequestQueue keeps stream requests in order",
    async run(t) {
      const [received, sent] = [t.queue(128), t.queue(128)];
      const [a, b] = await t.tcpPair({ receives: 4, sends: 4, received, sent });
      const inboxes = Array.from({ length: 8 }, () => t.room(1));
      for (const inbox of inboxes.slice(0, 4)) t.receive(b, inbox);
      t.done(t.rio.rings.resizeRequestQueue(b.requestQueue, 32, 4), "grow");
      for (const inbox of inboxes.slice(4)) t.receive(b, inbox);
      t.send(a, t.put("12345678"));
      await t.dequeue(received, 8);
      assertEquals(inboxes.map((inbox) => t.text(inbox)).join(""), "12345678");
    },
  },
  {
    name: "RIOResizeRequestQueue fails with 10059 below what is outstanding",
    run(t) {
      const a = t.udp({ receives: 4 });
      for (let i = 0; i < 3; i++) t.receive(a, t.room(8));
      assertEquals(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 2, 16),
        WSAETOOMANYREFS,
      );
      t.receive(a, t.room(8));
      t.done(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 4, 16),
        "same size",
      );
    },
  },
  {
    name: "RIOResizeRequestQueue refuses two zero maxima with 10022",
    misuse: true,
    run(t) {
      const a = t.udp();
      assertEquals(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 0, 0),
        WSAEINVAL,
      );
    },
  },
  {
    name: "RIOResizeRequestQueue refuses 0 as the queue with 10022",
    misuse: true,
    run(t) {
      assertEquals(t.rio.rings.resizeRequestQueue(0, 1, 1), WSAEINVAL);
    },
  },
  {
    name: "RIOResizeRequestQueue fails with 10055 when a queue has no room",
    run(t) {
      const received = t.queue(4);
      const a = t.udp({ receives: 4, received });
      assertEquals(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 5, 16),
        WSAENOBUFS,
      );
      for (let i = 0; i < 4; i++) t.receive(a, t.room(8));
      assertEquals(t.tryReceive(a, t.room(8)), WSAENOBUFS);
    },
  },
  {
    name: "RIOResizeRequestQueue reserves nothing when it fails",
    run(t) {
      const [large, small] = [t.queue(8), t.queue(4)];
      const fit = { receives: 4, sends: 4 };
      const a = t.udp({ ...fit, received: large, sent: small });
      for (const [receives, sends] of [[8, 5], [5, 8]] as const) {
        assertEquals(
          t.rio.rings.resizeRequestQueue(a.requestQueue, receives, sends),
          WSAENOBUFS,
        );
      }
      t.udp({ receives: 4, received: large });
    },
  },
  {
    name: "RIOResizeRequestQueue succeeds once the completion queue grew",
    run(t) {
      const received = t.queue(4);
      const a = t.udp({ receives: 4, received });
      t.done(t.rio.rings.resizeCompletionQueue(received, 8), "grow the queue");
      t.done(t.rio.rings.resizeRequestQueue(a.requestQueue, 8, 16), "grow");
      for (let i = 0; i < 8; i++) t.receive(a, t.room(8));
    },
  },
  {
    name: "RIOResizeRequestQueue gives room back when it shrinks",
    run(t) {
      const [received, sent] = [t.queue(8), t.queue(64)];
      const a = t.endpoint(t.udpSocket(), { receives: 8, received, sent });
      t.done(t.rio.rings.resizeRequestQueue(a.requestQueue, 3, 16), "shrink");
      t.endpoint(t.udpSocket(), { receives: 5, received, sent });
      assertEquals(
        t.rio.rings.resizeRequestQueue(a.requestQueue, 4, 16),
        WSAENOBUFS,
      );
    },
  },
  {
    name: "RIOResizeRequestQueue to no receives leaves the sends",
    async run(t) {
      const [a] = t.udpPair();
      t.done(t.rio.rings.resizeRequestQueue(a.requestQueue, 0, 4), "shrink");
      assertEquals(t.tryReceive(a, t.room(8)), WSAENOBUFS);
      t.send(a, t.put("sends"));
      assertEquals(await t.succeeds(a.sent), 5);
    },
  },
];
