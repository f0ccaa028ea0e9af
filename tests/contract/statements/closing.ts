/** Closing sockets with requests outstanding, and draining. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { RIO_MSG_DEFER, RIO_MSG_WAITALL } from "../../../ffi/constants.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAENOTSOCK,
} from "../../../ffi/error_numbers.ts";
import { FAMILIES } from "../families.ts";
import type { Statement } from "../harness.ts";
import { pause } from "../waits.ts";

const ABORTED = [WSA_OPERATION_ABORTED, 0];

/** Every statement about closing. */
export const closing: readonly Statement[] = [
  ...FAMILIES.map((family): Statement => ({
    name:
      `${family.name}: closeSocket completes every receive with 995 and 0 bytes`,
    async run(t) {
      const a = t.udp({ family });
      for (let i = 0; i < 5; i++) t.receive(a, t.room(8), { context: i });
      t.close(a);
      const completions = await t.dequeue(a.received, 5);
      assertEquals(
        completions.map((c) => [c.status, c.bytesTransferred]),
        completions.map(() => ABORTED),
      );
      assertEquals(
        completions.map((c) => c.requestContext).sort(),
        [0, 1, 2, 3, 4],
      );
      await t.stays(a.received);
    },
  })),
  {
    name: "closeSocket completes a stream receive with 995 and 0 bytes",
    async run(t) {
      const [a] = await t.tcpPair();
      t.receive(a, t.room(8));
      t.close(a);
      const { status, bytesTransferred } = await t.next(a.received);
      assertEquals([status, bytesTransferred], ABORTED);
    },
  },
  {
    name: "closeSocket completes a WAITALL receive that has nothing with 995",
    async run(t) {
      const [a] = await t.tcpPair();
      t.receive(a, t.room(8), { flags: RIO_MSG_WAITALL });
      t.close(a);
      const { status, bytesTransferred } = await t.next(a.received);
      assertEquals([status, bytesTransferred], ABORTED);
    },
  },
  {
    name: "closeSocket completes a WAITALL receive that has a part",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(b, t.room(8), { flags: RIO_MSG_WAITALL, context: 1 });
      t.send(a, t.put("part"));
      await t.succeeds(a.sent);
      await t.stays(b.received);
      t.close(b);
      assertEquals((await t.next(b.received)).requestContext, 1);
    },
  },
  {
    name: "closeSocket completes deferred receives with 995",
    async run(t) {
      const a = t.udp();
      for (let i = 0; i < 3; i++) {
        t.receive(a, t.room(8), { flags: RIO_MSG_DEFER });
      }
      t.close(a);
      const completions = await t.dequeue(a.received, 3);
      assertEquals(
        completions.map((c) => [c.status, c.bytesTransferred]),
        completions.map(() => ABORTED),
      );
    },
  },
  {
    name: "closeSocket completes deferred sends, sent or aborted",
    async run(t) {
      const [a] = t.udpPair();
      for (let i = 0; i < 3; i++) {
        t.send(a, t.put("maybe"), { flags: RIO_MSG_DEFER });
      }
      t.close(a);
      for (const { status } of await t.dequeue(a.sent, 3)) {
        assert([0, WSA_OPERATION_ABORTED].includes(status), `${status}`);
      }
    },
  },
  {
    name: "closeSocket completes sends that the peer does not take",
    async run(t) {
      const [a] = await t.tcpPair();
      const outbox = t.register(4 << 20);
      for (let i = 0; i < 4; i++) t.send(a, outbox.slice(i << 20, 1 << 20));
      await pause(5);
      t.close(a);
      for (const { status } of await t.dequeue(a.sent, 4)) {
        assert([0, WSA_OPERATION_ABORTED].includes(status), `${status}`);
      }
    },
  },
  {
    name: "closeSocket leaves what had completed as it was",
    async run(t) {
      const [a, b] = t.udpPair();
      const inbox = t.room(8);
      t.receive(b, inbox, { context: 1 });
      t.receive(b, t.room(8), { context: 2 });
      t.send(a, t.put("done"));
      await t.succeeds(a.sent);
      await pause(5);
      // A receive that the close overtakes is aborted; it may not be lost.
      t.close(b);
      const [first, second] = await t.dequeue(b.received, 2);
      assertEquals(second!.status, WSA_OPERATION_ABORTED);
      if (first!.status === 0) assertEquals(t.text(inbox, 4), "done");
      else assertEquals(first!.bytesTransferred, 0);
    },
  },
  {
    name: "completions that were notified are not changed by closeSocket",
    async run(t) {
      const { queue, key } = t.notifying("event");
      const [a, b] = t.udpPair({}, { received: queue });
      const inbox = t.room(8);
      t.receive(b, inbox, { context: 1 });
      t.receive(b, t.room(8), { context: 2 });
      t.arm(queue);
      t.send(a, t.put("done"));
      await t.fires(key, "the first receive");
      t.close(b);
      const [first, second] = await t.dequeue(queue, 2);
      assertEquals([first!.status, first!.bytesTransferred], [0, 4]);
      assertEquals(t.text(inbox, 4), "done");
      assertEquals([second!.status, second!.bytesTransferred], ABORTED);
    },
  },
  {
    name: "closeSocket with nothing outstanding completes nothing",
    async run(t) {
      const a = t.udp();
      t.close(a);
      await t.stays(a.received);
      await t.stays(a.sent);
    },
  },
  {
    name: "closeSocket fails with 10038 the second time",
    misuse: true,
    run(t) {
      const { socket } = t.udp();
      t.done(t.rio.sockets.close(socket), "closesocket");
      assertEquals(t.rio.sockets.close(socket), WSAENOTSOCK);
    },
  },
  {
    name: "closeSocket does not touch another socket on the same queues",
    async run(t) {
      const [received, sent] = [t.queue(), t.queue()];
      const [a, b] = t.udpPair({ received, sent });
      const doomed = t.udp({ received, sent });
      const inbox = t.room(8);
      t.receive(b, inbox, { context: 1 });
      t.receive(doomed, t.room(8), { context: 2 });
      t.close(doomed);
      assertEquals((await t.next(received)).requestContext, 2);
      t.send(a, t.put("alive"));
      assertEquals(await t.succeeds(received), 5);
      assertEquals(t.text(inbox, 5), "alive");
    },
  },
  {
    name: "a new socket has nothing of a closed one, even with its number",
    async run(t) {
      const [received, sent] = [t.queue(), t.queue()];
      for (let i = 1; i <= 20; i++) {
        const a = t.udp({ receives: 2, sends: 2, received, sent, context: i });
        t.receive(a, t.room(8), { context: i });
        t.close(a);
        const [aborted] = await t.dequeue(received, 1);
        assertEquals(aborted!.requestContext, i);
        const b = t.udp({
          receives: 2,
          sends: 2,
          received,
          sent,
          context: -i + 1000,
        });
        t.send(b, t.put("new"), { remote: t.put(t.addressOf(b.socket)) });
        assertEquals((await t.next(sent)).requestContext, 1000 - i);
        t.close(b);
      }
    },
  },
  {
    name: "requests on the request queue of a closed socket are refused",
    run(t) {
      // The native pointer is dead: a backend must not hand it to the system.
      const a = t.udp();
      t.close(a);
      const remote = t.room(28);
      assertNotEquals(t.tryReceive(a, t.room(8)), 0);
      assertNotEquals(t.tryReceive(a, t.room(8), { remote }), 0);
      assertNotEquals(t.trySend(a, t.put("x")), 0);
      assertNotEquals(t.trySend(a, t.put("x"), { remote }), 0);
      assertNotEquals(t.rio.rings.resizeRequestQueue(a.requestQueue, 8, 8), 0);
    },
  },
  {
    name: "a hundred sockets close with ten receives each, and all drain",
    async run(t) {
      const received = t.queue(1000);
      const sent = t.queue(100);
      const all = Array.from(
        { length: 100 },
        (_, context) =>
          t.udp({ receives: 10, sends: 1, received, sent, context }),
      );
      for (const endpoint of all) {
        for (let i = 0; i < 10; i++) t.receive(endpoint, t.room(8));
      }
      for (const endpoint of all) t.close(endpoint);
      const completions = await t.dequeue(received, 1000);
      assert(completions.every((c) => c.status === WSA_OPERATION_ABORTED));
      const counts = new Map<number, number>();
      for (const { requestContext } of completions) {
        counts.set(requestContext, (counts.get(requestContext) ?? 0) + 1);
      }
      assertEquals([...counts.values()], Array(100).fill(10));
    },
  },
  {
    name: "opening and closing a socket goes on 300 times",
    async run(t) {
      const [received, sent] = [t.queue(8), t.queue(8)];
      for (let i = 0; i < 300; i++) {
        const socket = t.udpSocket();
        let made = 0;
        await t.until(() => {
          made = t.rio
            .rings.createRequestQueue(socket, 4, 4, received, sent);
          return made > 0;
        }, "room for a request queue");
        t.done(t.rio.sockets.close(socket), "closesocket");
      }
    },
  },
  {
    name: "the peer of a closed stream sees its end, not an abort",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(a, t.room(8));
      t.receive(b, t.room(8));
      t.close(a);
      assertEquals(
        (await t.next(a.received)).status,
        WSA_OPERATION_ABORTED,
      );
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "a closed socket's buffers serve another socket when drained",
    async run(t) {
      const a = t.udp();
      const slice = t.room(8);
      t.receive(a, slice);
      t.close(a);
      await t.next(a.received);
      const [c, d] = t.udpPair();
      t.receive(d, slice);
      t.send(c, t.put("again"));
      assertEquals(await t.succeeds(d.received), 5);
      assertEquals(t.text(slice, 5), "again");
    },
  },
];
