/** What `RIONotify` arms, and when an armed queue fires. @module */
import { assertEquals } from "@std/assert";
import type { RioNotificationKind } from "../../../ffi/contract.ts";
import { WSAEALREADY, WSAEINVAL } from "../../../ffi/error_numbers.ts";
import type { Statement } from "../harness.ts";
import { deliver, KINDS, notified } from "../notified.ts";
import { pause } from "../waits.ts";

/** Every statement about arming a queue. */
export const arming: readonly Statement[] = [
  ...KINDS.flatMap(statementsFor),
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
      name: `${kind}: RIONotify refuses a closed queue with 10022`,
      misuse: true,
      run(t) {
        const { queue } = t.notifying(kind);
        t.rio.rings.closeCompletionQueue(queue);
        assertEquals(t.rio.rings.notify(queue), WSAEINVAL);
      },
    },
  ];
}
