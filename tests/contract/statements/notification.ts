/** Notifications side by side, and releasing them. @module */
import { assertEquals } from "@std/assert";
import type { RioNotificationKind } from "../../../ffi/contract.ts";
import type { Statement } from "../harness.ts";
import { deliver, KINDS, notified } from "../notified.ts";
import { pause } from "../waits.ts";

/** Every statement about several notifications, and about their end. */
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
];

function statementsFor(kind: RioNotificationKind): Statement[] {
  return [
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
