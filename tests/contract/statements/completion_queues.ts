/** Completion queues: making, filling, emptying, closing. @module */
import { assert, assertEquals } from "@std/assert";
import { RIO_CORRUPT_CQ, RIO_MAX_CQ_SIZE } from "../../../ffi/constants.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEINVAL,
  WSAENOBUFS,
} from "../../../ffi/error_numbers.ts";
import { RioResults } from "../../../ffi/layout.ts";
import type { Statement } from "../harness.ts";

/** Every statement about completion queues. */
export const completionQueues: readonly Statement[] = [
  {
    name: "RIOCreateCompletionQueue makes a queue of one entry",
    run(t) {
      assertEquals(t.poll(t.queue(1)), []);
    },
  },
  ...[0, RIO_MAX_CQ_SIZE + 1].map((size): Statement => ({
    name: `RIOCreateCompletionQueue refuses ${size} entries with 10022`,
    misuse: true,
    run(t) {
      assertEquals(t.rio.rings.createCompletionQueue(size, 0), -WSAEINVAL);
    },
  })),
  {
    name: "RIOCreateCompletionQueue makes a hundred queues that are apart",
    async run(t) {
      const queues = Array.from({ length: 100 }, () => t.queue(4));
      assertEquals(new Set(queues).size, 100);
      const [a] = t.udpPair({ sends: 4, sent: queues[57]! }, {});
      t.send(a, t.put("one"));
      await t.succeeds(queues[57]!);
      assertEquals(queues.flatMap((queue) => t.poll(queue)), []);
    },
  },
  {
    name: "RIODequeueCompletion returns 0 when the queue is empty",
    run(t) {
      const queue = t.queue();
      const results = new RioResults(4);
      assertEquals(t.rio.rings.dequeueCompletion(queue, results, 4), 0);
      assertEquals(t.rio.rings.dequeueCompletion(queue, results, 4), 0);
    },
  },
  {
    name: "RIODequeueCompletion moves at most max and leaves the others",
    async run(t) {
      const [a, b] = t.udpPair();
      for (let i = 0; i < 5; i++) t.receive(b, t.room(8), { context: i });
      for (let i = 0; i < 5; i++) t.send(a, t.put("max"));
      await t.dequeue(a.sent, 5);
      const [first] = await t.dequeue(b.received, 1);
      const two = await t.dequeue(b.received, 2);
      const rest = await t.dequeue(b.received, 2);
      assertEquals(
        [first!, ...two, ...rest].map((c) => c.requestContext),
        [0, 1, 2, 3, 4],
      );
      assertEquals(t.poll(b.received), []);
    },
  },
  {
    name: "RIODequeueCompletion never returns more than max",
    async run(t) {
      const [a] = t.udpPair();
      for (let i = 0; i < 8; i++) t.send(a, t.put("max"));
      let seen = 0;
      await t.until(() => {
        const count = t.poll(a.sent, 3).length;
        assert(count <= 3, `${count} completions where 3 were asked for`);
        return (seen += count) === 8;
      }, "8 completions, 3 at a time");
    },
  },
  ...[0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, 2 ** 53 - 1].map(
    (context): Statement => ({
      name:
        `RIODequeueCompletion gives both contexts back when they are ${context}`,
      async run(t) {
        const [a, b] = t.udpPair({ context });
        t.receive(b, t.room(8), { context });
        t.send(a, t.put("context"), { context });
        for (const queue of [a.sent, b.received]) {
          assertEquals(await t.next(queue), {
            status: 0,
            bytesTransferred: 7,
            requestContext: context,
          });
        }
      },
    }),
  ),
  {
    name: "a completion queue serves several sockets, told apart by context",
    async run(t) {
      const received = t.queue(64);
      const pairs = [1, 2, 3].map((context) =>
        t.udpPair({ receives: 4, sends: 4, received, context })
      );
      for (const [, b] of pairs) t.receive(b, t.room(8));
      for (const [a] of pairs) t.send(a, t.put("shared"));
      const completions = await t.dequeue(received, 3);
      assertEquals(
        completions.map((c) => c.requestContext).sort(),
        [1, 2, 3],
      );
    },
  },
  {
    name: "a completion queue serves both directions of a socket",
    async run(t) {
      const queue = t.queue(8);
      const socket = t.udpSocket();
      t.bindLoopback(socket);
      t.made(
        t.rio.sockets.connect(socket, t.addressOf(socket), t.key()),
        "connect",
      );
      const self = t.endpoint(socket, {
        receives: 4,
        sends: 4,
        received: queue,
        sent: queue,
      });
      t.receive(self, t.room(8), { context: 1 });
      t.send(self, t.put("self"), { context: 2 });
      const completions = await t.dequeue(queue, 2);
      assertEquals(
        completions.map((c) => [c.requestContext, c.bytesTransferred]).sort(),
        [[1, 4], [2, 4]],
      );
    },
  },
  {
    name: "receives and sends complete in the queues that they were given",
    async run(t) {
      const [a, b] = t.udpPair();
      t.receive(b, t.room(8), { context: 1 });
      t.send(a, t.put("apart"), { context: 2 });
      assertEquals((await t.next(a.sent)).requestContext, 2);
      assertEquals((await t.next(b.received)).requestContext, 1);
      assertEquals([...t.poll(a.received), ...t.poll(b.sent)], []);
    },
  },
  {
    name: "a queue of one entry is used again and again",
    async run(t) {
      const [a, b] = t.udpPair({ receives: 1, sends: 1 });
      const inbox = t.room(8);
      for (let i = 0; i < 50; i++) {
        t.receive(b, inbox, { context: i });
        t.send(a, t.put(`${100 + i}`), { context: i });
        assertEquals((await t.next(a.sent)).requestContext, i);
        assertEquals((await t.next(b.received)).requestContext, i);
        assertEquals(t.text(inbox, 3), `${100 + i}`);
      }
    },
  },
  {
    name: "RIOCreateRequestQueue fails with 10055 when a queue has no room",
    run(t) {
      const queue = t.queue(4);
      const other = t.queue(64);
      const first = t.udpSocket();
      t.endpoint(first, {
        receives: 4,
        sends: 4,
        received: queue,
        sent: other,
      });
      assertEquals(
        t.rio.rings.createRequestQueue(t.udpSocket(), 1, 1, queue, other),
        -WSAENOBUFS,
      );
      assertEquals(
        t.rio.rings.createRequestQueue(t.udpSocket(), 1, 1, other, queue),
        -WSAENOBUFS,
      );
    },
  },
  {
    name: "RIOCreateRequestQueue charges both directions of a shared queue",
    run(t) {
      const queue = t.queue(4);
      const socket = t.udpSocket();
      assertEquals(
        t.rio.rings.createRequestQueue(socket, 3, 2, queue, queue),
        -WSAENOBUFS,
      );
      t.endpoint(socket, {
        receives: 2,
        sends: 2,
        received: queue,
        sent: queue,
      });
    },
  },
  {
    name: "RIOCreateRequestQueue charges nothing when it fails",
    run(t) {
      const [small, large] = [t.queue(4), t.queue(4)];
      for (let i = 0; i < 3; i++) {
        assertEquals(
          t.rio.rings.createRequestQueue(t.udpSocket(), 4, 5, small, large),
          -WSAENOBUFS,
        );
      }
      t.endpoint(t.udpSocket(), {
        receives: 4,
        sends: 4,
        received: small,
        sent: large,
      });
    },
  },
  {
    name: "a closed socket gives its entries back to its queues",
    async run(t) {
      const queue = t.queue(4);
      for (let i = 0; i < 10; i++) {
        const socket = t.udpSocket();
        let made = 0;
        // Windows may take a moment to give them back.
        await t.until(() => {
          made = t.rio.rings.createRequestQueue(socket, 2, 2, queue, queue);
          return made !== -WSAENOBUFS;
        }, "the entries of a closed socket");
        t.made(made, "RIOCreateRequestQueue");
        t.done(t.rio.sockets.close(socket), "closesocket");
      }
    },
  },
  {
    name: "a closed socket gives back what it reserved and no more",
    async run(t) {
      const [received, sent] = [t.queue(8), t.queue(64)];
      const first = t.udp({ receives: 4, received, sent });
      t.udp({ receives: 4, received, sent });
      for (let i = 0; i < 3; i++) t.receive(first, t.room(8));
      t.close(first);
      await t.dequeue(received, 3);
      const create = (receives: number) =>
        t.rio.rings.createRequestQueue(
          t.udpSocket(),
          receives,
          1,
          received,
          sent,
        );
      await t.until(() => {
        t.poll(received);
        return create(4) > 0;
      }, "four entries of a closed socket");
      assertEquals(create(1), -WSAENOBUFS);
    },
  },
  {
    name: "RIOCloseCompletionQueue ignores the invalid queue",
    misuse: true,
    run(t) {
      t.rio.rings.closeCompletionQueue(0);
      assertEquals(t.poll(t.queue(1)), []);
    },
  },
  {
    name:
      "RIODequeueCompletion returns minus RIO_CORRUPT_CQ for a closed queue",
    misuse: true,
    run(t) {
      const queue = t.queue();
      t.rio.rings.closeCompletionQueue(queue);
      const results = new RioResults(4);
      assertEquals(
        t.rio.rings.dequeueCompletion(queue, results, 4),
        -RIO_CORRUPT_CQ,
      );
    },
  },
  {
    name: "RIOCloseCompletionQueue drops what arrives later and nothing else",
    misuse: true,
    async run(t) {
      const dropped = t.queue(8);
      const kept = t.queue(8);
      const socket = t.udpSocket();
      t.bindLoopback(socket);
      const a = t.endpoint(socket, {
        receives: 4,
        sends: 4,
        received: dropped,
      });
      const b = t.udp({ receives: 4, received: kept });
      t.receive(a, t.room(8));
      t.receive(b, t.room(8));
      t.rio.rings.closeCompletionQueue(dropped);
      t.close(a);
      t.close(b);
      const { status } = await t.next(kept);
      assertEquals(status, WSA_OPERATION_ABORTED);
      await t.stays(kept);
    },
  },
  {
    name: "a completion queue outlives the sockets that used it",
    async run(t) {
      const queue = t.queue(16);
      for (let i = 0; i < 5; i++) {
        const a = t.udp({ receives: 2, sends: 1, received: queue, context: i });
        t.receive(a, t.room(8));
        t.receive(a, t.room(8));
        t.close(a);
        const completions = await t.dequeue(queue, 2);
        assertEquals(completions.map((c) => c.requestContext), [i, i]);
      }
    },
  },
];
