/** Notifications of both kinds, and waiting for them. @module */
import { assertEquals } from "@std/assert";
import { RIO_MSG_DONT_NOTIFY } from "../../../ffi/constants.ts";
import type { RioNotificationKind } from "../../../ffi/contract.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEALREADY,
  WSAEINVAL,
  WSAEMSGSIZE,
} from "../../../ffi/error_numbers.ts";
import type { Endpoint, Harness, Statement } from "../harness.ts";
import { pause } from "../waits.ts";

const KINDS: readonly RioNotificationKind[] = ["event", "iocp"];

/** A pair of which `b` receives into a queue that notifies. */
function notified(t: Harness, kind: RioNotificationKind): {
  a: Endpoint;
  b: Endpoint;
  key: number;
} {
  const { queue, key } = t.notifying(kind);
  const [a, b] = t.udpPair({}, { received: queue });
  return { a, b, key };
}

/** Delivers one datagram and waits until it is on its queue unseen. */
async function deliver(t: Harness, a: Endpoint, b: Endpoint, flags = 0) {
  t.receive(b, t.room(8), { flags });
  t.send(a, t.put("deliver"));
  await t.succeeds(a.sent);
  await pause(5);
}

/** Every statement about notifications. */
export const notification: readonly Statement[] = [
  ...KINDS.flatMap(statementsFor),
  {
    name: "notifications of both kinds fire side by side",
    async run(t) {
      const [one, two] = [notified(t, "event"), notified(t, "iocp")];
      for (let i = 0; i < 5; i++) {
        for (const { a, b } of [one, two]) {
          t.receive(b, t.room(8));
          t.arm(b.received);
          t.send(a, t.put("both"));
        }
        for (const { b, key } of [one, two]) {
          await t.fires(key, "one of two kinds");
          await t.succeeds(b.received);
        }
      }
    },
  },
  {
    name: "RIONotify refuses 0 with 10022",
    misuse: true,
    run(t) {
      assertEquals(t.rio.rings.notify(0), WSAEINVAL);
    },
  },
];

function statementsFor(kind: RioNotificationKind): Statement[] {
  return [
    {
      name: `${kind}: wait() reports the largest key there is`,
      async run(t) {
        const key = 0x7FFFFFFF;
        t.done(
          t.rio.waits.createNotification(kind, key),
          "createNotification",
        );
        const received = t.queue(4, key);
        const [a, b] = t.udpPair({}, { received, receives: 4 });
        t.receive(b, t.room(8));
        t.arm(received);
        t.send(a, t.put("fire"));
        await t.fires(key, "the key");
      },
    },
    {
      name: `${kind}: wait() reports the key when a completion arrives`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        t.receive(b, t.room(8));
        t.arm(b.received);
        t.send(a, t.put("fire"));
        await t.fires(key, "the key of an armed queue");
        assertEquals(await t.succeeds(b.received), 4);
      },
    },
    {
      name: `${kind}: a wait that started earlier sees a later completion`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        t.receive(b, t.room(8));
        t.arm(b.received);
        const fired = t.fires(key, "a completion during the wait");
        await pause(5);
        t.send(a, t.put("later"));
        await fired;
        assertEquals(await t.succeeds(b.received), 5);
      },
    },
    {
      name: `${kind}: a queue that is armed during a wait fires into that wait`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        const fired = t.fires(key, "a queue armed during the wait");
        await pause(5);
        t.receive(b, t.room(8));
        t.arm(b.received);
        t.send(a, t.put("armed"));
        await fired;
        assertEquals(await t.succeeds(b.received), 5);
      },
    },
    {
      name: `${kind}: RIONotify fires at once when a completion is there`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        await deliver(t, a, b);
        t.arm(b.received);
        await t.fires(key, "a completion from before RIONotify");
        assertEquals(await t.succeeds(b.received), 7);
      },
    },
    {
      name: `${kind}: RIONotify during a wait tells what is there already`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        await deliver(t, a, b);
        const fired = t.fires(key, "a queue armed during the wait");
        await pause(5);
        t.arm(b.received);
        await fired;
        assertEquals(await t.succeeds(b.received), 7);
      },
    },
    {
      name: `${kind}: nothing fires without RIONotify`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        await deliver(t, a, b);
        assertEquals((await t.firedInAMoment()).has(key), false);
        assertEquals(await t.succeeds(b.received), 7);
      },
    },
    {
      name: `${kind}: one RIONotify buys one notification`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        t.arm(b.received);
        await deliver(t, a, b);
        await t.fires(key, "the first completion");
        await t.succeeds(b.received);
        await deliver(t, a, b);
        assertEquals((await t.firedInAMoment()).has(key), false);
        await t.succeeds(b.received);
      },
    },
    {
      name: `${kind}: RIONotify on an armed queue fails with 10037`,
      misuse: true,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        t.arm(b.received);
        assertEquals(t.rio.rings.notify(b.received), WSAEALREADY);
        assertEquals(t.rio.rings.notify(b.received), WSAEALREADY);
        await deliver(t, a, b);
        await t.fires(key, "the first RIONotify");
        await t.succeeds(b.received);
      },
    },
    {
      name: `${kind}: RIONotify arms again after it fired`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        for (let i = 0; i < 30; i++) {
          t.receive(b, t.slab.slice(128 * 1024, 8));
          t.arm(b.received);
          t.send(a, t.put(`${i}`));
          await t.fires(key, `notification ${i}`);
          await t.succeeds(b.received);
          await t.succeeds(a.sent);
        }
      },
    },
    {
      name: `${kind}: many completions are one notification`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        for (let i = 0; i < 10; i++) t.receive(b, t.room(8));
        t.arm(b.received);
        for (let i = 0; i < 10; i++) t.send(a, t.put("many"));
        await t.fires(key, "ten completions");
        await t.dequeue(b.received, 10);
        assertEquals((await t.firedInAMoment()).has(key), false);
      },
    },
    {
      name: `${kind}: DONT_NOTIFY completions never fire, others do`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        t.arm(b.received);
        await deliver(t, a, b, RIO_MSG_DONT_NOTIFY);
        assertEquals((await t.firedInAMoment()).has(key), false);
        await deliver(t, a, b);
        await t.fires(key, "a completion that notifies");
        assertEquals((await t.dequeue(b.received, 2)).length, 2);
      },
    },
    {
      name: `${kind}: a queue of DONT_NOTIFY completions stays armed`,
      misuse: true,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        await deliver(t, a, b, RIO_MSG_DONT_NOTIFY);
        t.arm(b.received);
        assertEquals((await t.firedInAMoment()).has(key), false);
        assertEquals(t.rio.rings.notify(b.received), WSAEALREADY);
        assertEquals(await t.succeeds(b.received), 7);
      },
    },
    {
      name: `${kind}: a queue that was emptied does not fire when it is armed`,
      misuse: true,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        await deliver(t, a, b);
        await t.succeeds(b.received);
        t.arm(b.received);
        assertEquals((await t.firedInAMoment()).has(key), false);
        assertEquals(t.rio.rings.notify(b.received), WSAEALREADY);
      },
    },
    {
      name: `${kind}: a completion left on the queue fires again when armed`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        await deliver(t, a, b);
        for (let i = 0; i < 3; i++) {
          t.arm(b.received);
          await t.fires(key, "a completion that nobody dequeued");
        }
        await t.succeeds(b.received);
      },
    },
    {
      name: `${kind}: the completion of a send fires`,
      async run(t) {
        const { queue, key } = t.notifying(kind);
        const [a] = t.udpPair({ sent: queue }, {});
        t.arm(queue);
        t.send(a, t.put("sent"));
        await t.fires(key, "the completion of a send");
        assertEquals(await t.succeeds(queue), 4);
      },
    },
    {
      name: `${kind}: a completion with an error fires`,
      async run(t) {
        const { a, b, key } = notified(t, kind);
        t.receive(b, t.room(2));
        t.arm(b.received);
        t.send(a, t.put("too long"));
        await t.fires(key, "a datagram that was too long");
        assertEquals((await t.next(b.received)).status, WSAEMSGSIZE);
      },
    },
    {
      name: `${kind}: requests that a close aborts fire`,
      async run(t) {
        const { b, key } = notified(t, kind);
        t.receive(b, t.room(8));
        t.arm(b.received);
        t.close(b);
        await t.fires(key, "an aborted receive");
        assertEquals((await t.next(b.received)).status, WSA_OPERATION_ABORTED);
      },
    },
    {
      name: `${kind}: a receive and the end of a stream fire`,
      async run(t) {
        const { queue, key } = t.notifying(kind);
        const [a, b] = await t.tcpPair({}, { received: queue });
        for (const [bytes, end] of [[4, false], [0, true]] as const) {
          t.receive(b, t.room(8));
          t.arm(queue);
          if (end) t.done(t.rio.sockets.shutdown(a.socket, 1), "shutdown");
          else t.send(a, t.put("data"));
          await t.fires(key, end ? "the end of a stream" : "stream data");
          assertEquals(await t.succeeds(queue), bytes);
        }
      },
    },
    {
      name: `${kind}: only the armed one of two queues fires`,
      async run(t) {
        const armed = notified(t, kind);
        const idle = notified(t, kind);
        t.arm(armed.b.received);
        await deliver(t, idle.a, idle.b);
        await deliver(t, armed.a, armed.b);
        await t.fires(armed.key, "the armed queue");
        assertEquals((await t.firedInAMoment()).has(idle.key), false);
        await t.succeeds(idle.b.received);
        await t.succeeds(armed.b.received);
      },
    },
    {
      name: `${kind}: twenty queues fire, each with its own key`,
      async run(t) {
        const all = Array.from({ length: 20 }, () => notified(t, kind));
        for (const { b } of all) {
          t.receive(b, t.room(8));
          t.arm(b.received);
        }
        for (const { a } of all) t.send(a, t.put("all"));
        for (const { b, key } of all) {
          await t.fires(key, `key ${key} of twenty`);
          await t.succeeds(b.received);
        }
      },
    },
    {
      name: `${kind}: 40 sockets share a queue and none is missed`,
      async run(t) {
        const { queue, key } = t.notifying(kind, 40);
        const all = Array.from(
          { length: 40 },
          (_, context) =>
            t.udp({ receives: 1, sends: 1, received: queue, context }),
        );
        const inboxes = all.map(() => t.room(8));
        const remotes = all.map(({ socket }) => t.put(t.addressOf(socket)));
        for (const [i, b] of all.entries()) t.receive(b, inboxes[i]!);
        for (let round = 0; round < 40; round++) {
          const to = round * 7 % 40;
          t.arm(queue);
          const a = all[(to + 1) % 40]!;
          t.send(a, t.put(`${round}`), { remote: remotes[to]! });
          await t.fires(key, `socket ${to} in round ${round}`);
          assertEquals((await t.next(queue)).requestContext, to);
          await t.succeeds(a.sent);
          t.receive(all[to]!, inboxes[to]!);
        }
      },
    },
    {
      name: `${kind}: RIONotify refuses a closed queue with 10022`,
      misuse: true,
      run(t) {
        const { queue } = t.notifying(kind);
        t.rio.rings.closeCompletionQueue(queue);
        assertEquals(t.rio.rings.notify(queue), WSAEINVAL);
      },
    },
    {
      name:
        `${kind}: a released notification is not reported, its successor is`,
      async run(t) {
        const first = t.notifying(kind);
        t.arm(first.queue);
        t.rio.rings.closeCompletionQueue(first.queue);
        t.rio.waits.closeNotification(first.key);
        const { a, b, key } = notified(t, kind);
        t.arm(b.received);
        await deliver(t, a, b);
        await t.fires(key, "the successor");
        assertEquals((await t.firedInAMoment()).has(first.key), false);
        await t.succeeds(b.received);
      },
    },
    {
      name: `${kind}: a notification is released while a wait goes on`,
      async run(t) {
        const gone = t.notifying(kind);
        const { a, b, key } = notified(t, kind);
        t.arm(gone.queue);
        t.arm(b.received);
        const fired = t.fires(key, "the queue that stayed");
        await pause(5);
        t.rio.rings.closeCompletionQueue(gone.queue);
        t.rio.waits.closeNotification(gone.key);
        await deliver(t, a, b);
        await fired;
        await t.succeeds(b.received);
      },
    },
    {
      name: `${kind}: close() with an armed queue and a wait going on is clean`,
      async run(t) {
        const { b } = notified(t, kind);
        t.receive(b, t.room(8));
        t.arm(b.received);
        let over = false;
        const wait = t.rio.waits.wait();
        wait.then(() => over = true);
        await pause(5);
        t.rio.waits.wake();
        await t.until(() => over, "a wait that was woken");
      },
    },
  ];
}
