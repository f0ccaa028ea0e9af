/** TCP: ends, resets, and streams that never were. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_WAITALL,
  SD_BOTH,
  SD_SEND,
  SO_LINGER,
  SOL_SOCKET,
} from "../../../ffi/constants.ts";
import type { Endpoint, Harness, Statement } from "../harness.ts";
import { readText } from "../read_text.ts";

/** `SO_LINGER` that makes closing a reset. */
const RESET = Uint8Array.of(1, 0, 0, 0);

/** Every statement about the ends of streams. */
export const streamEnds: readonly Statement[] = [
  {
    name: "the end of a stream is 0 bytes with status 0",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(b, t.room(8));
      t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "the end of a stream comes after all data",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.send(a, t.put("last words"));
      await t.succeeds(a.sent);
      t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      assertEquals(await readText(t, b, 10, 10), "last words");
      t.receive(b, t.room(8));
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "the end of a stream completes every receive that is posted",
    async run(t) {
      const [a, b] = await t.tcpPair();
      for (let i = 0; i < 3; i++) t.receive(b, t.room(8));
      t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      const completions = await t.dequeue(b.received, 3);
      assertEquals(
        completions.map((c) => [c.status, c.bytesTransferred]),
        [[0, 0], [0, 0], [0, 0]],
      );
      t.receive(b, t.room(8));
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "twelve streams on one queue each tell data and the end behind it",
    async run(t) {
      const [received, sent] = [t.queue(24), t.queue(24)];
      const pairs = [];
      for (let context = 0; context < 12; context++) {
        const options = { receives: 1, sends: 1, received, sent, context };
        pairs.push(await t.tcpPair(options));
      }
      for (const [, b] of pairs) t.receive(b, t.room(64));
      await t.stays(received);
      for (const [a] of pairs) t.send(a, t.put("data"));
      await t.dequeue(sent, 12);
      for (const [a] of pairs) {
        t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      }
      for (let i = 0; i < 12; i++) {
        const { status, bytesTransferred, requestContext } = await t.next(
          received,
        );
        assertEquals([status, bytesTransferred], [0, 4]);
        const [, b] = pairs[requestContext]!;
        t.receive(b, t.room(64), { flags: RIO_MSG_DEFER });
      }
      for (const [, b] of pairs) {
        t.receive(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      }
      const ends = await t.dequeue(received, 12);
      assertEquals(
        ends.map((c) => [c.status, c.bytesTransferred]),
        ends.map(() => [0, 0]),
      );
    },
  },
  {
    name: "half a stream goes on when the other half ended",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      t.receive(b, t.room(8));
      assertEquals(await t.succeeds(b.received), 0);
      t.send(b, t.put("still here"));
      assertEquals(await t.succeeds(b.sent), 10);
      assertEquals(await readText(t, a, 10, 10), "still here");
    },
  },
  {
    name: "a send after shutdown never succeeds",
    misuse: true,
    async run(t) {
      const [a] = await t.tcpPair();
      t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      if (t.trySend(a, t.put("late")) !== 0) return;
      assertNotEquals((await t.next(a.sent)).status, 0);
    },
  },
  {
    name: "shutdown of both directions ends the stream for the peer",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(b, t.room(8));
      t.done(t.rio.sockets.shutdown(a.socket, SD_BOTH), "shutdown");
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "a close of the peer is the end of the stream",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(b, t.room(8));
      t.close(a);
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "data that was sent before a close arrives before the end",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.send(a, t.put("goodbye"));
      await t.succeeds(a.sent);
      t.close(a);
      assertEquals(await readText(t, b, 7, 7), "goodbye");
      t.receive(b, t.room(8));
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "a reset of the peer completes a receive with an error",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(b, t.room(8));
      reset(t, a);
      assertReset((await t.next(b.received)).status);
    },
  },
  {
    name: "a reset of the peer completes a WAITALL receive with an error",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.receive(b, t.room(8), { flags: RIO_MSG_WAITALL });
      reset(t, a);
      assertReset((await t.next(b.received)).status);
    },
  },
  {
    name: "every receive that is posted completes after a reset",
    async run(t) {
      const [a, b] = await t.tcpPair();
      for (let i = 0; i < 3; i++) t.receive(b, t.room(8));
      reset(t, a);
      const [first] = await t.dequeue(b.received, 3);
      assertReset(first!.status);
    },
  },
  {
    name: "sends to a peer that has gone end with an error",
    async run(t) {
      const [a, b] = await t.tcpPair();
      reset(t, a);
      let failed = false;
      await t.until(() => {
        failed = t.poll(b.sent).some((c) => c.status !== 0) || failed;
        if (!failed && t.ledger.queues.get(b.sent) === 0) {
          failed = t.trySend(b, t.slab.slice(0, 8)) !== 0;
        }
        return failed;
      }, "a send to fail");
    },
  },
  ...(["receive", "send"] as const).map((direction): Statement => ({
    name: `a ${direction} on a stream that is not connected never succeeds`,
    misuse: true,
    async run(t) {
      const a = t.endpoint(t.tcpSocket());
      const error = direction === "receive"
        ? t.tryReceive(a, t.room(8))
        : t.trySend(a, t.put("x"));
      if (error !== 0) return;
      const queue = direction === "receive" ? a.received : a.sent;
      assertNotEquals((await t.next(queue)).status, 0);
    },
  })),
];

/** Closes with a reset. */
function reset(t: Harness, { socket }: Endpoint): void {
  t.done(
    t.rio.sockets.setOption(socket, SOL_SOCKET, SO_LINGER, RESET),
    "SO_LINGER",
  );
  t.done(t.rio.sockets.close(socket), "closesocket");
}

/** WSAECONNRESET, WSAECONNABORTED or ERROR_NETNAME_DELETED. */
function assertReset(status: number): void {
  assert([10054, 10053, 64].includes(status), `status ${status}`);
}
