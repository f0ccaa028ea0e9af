/** Which completions an armed queue fires for. @module */
import { assertEquals } from "@std/assert";
import { RIO_MSG_DONT_NOTIFY } from "../../../ffi/constants.ts";
import type { RioNotificationKind } from "../../../ffi/contract.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEALREADY,
  WSAEMSGSIZE,
} from "../../../ffi/error_numbers.ts";
import type { Statement } from "../harness.ts";
import { deliver, KINDS, notified } from "../notified.ts";

/** Every statement about the completions that fire. */
export const firing: readonly Statement[] = KINDS.flatMap(statementsFor);

function statementsFor(kind: RioNotificationKind): Statement[] {
  return [
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
  ];
}
