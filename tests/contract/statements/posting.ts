/** Flags, commits and requests without data. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
} from "../../../ffi/constants.ts";
import { WSAEINVAL } from "../../../ffi/error_numbers.ts";
import type { Statement } from "../harness.ts";

const UNKNOWN_FLAG = 0x10;
const DIRECTIONS = ["receive", "send"] as const;

/** What must not go with a commit. */
const COMMITS_WITH_MORE: readonly {
  what: string;
  flags?: number;
  context?: number;
}[] = [
  { what: "data" },
  { what: "DEFER", flags: RIO_MSG_DEFER },
  { what: "DONT_NOTIFY", flags: RIO_MSG_DONT_NOTIFY },
  { what: "WAITALL", flags: RIO_MSG_WAITALL },
  { what: "a context", context: 7 },
];

/** Every statement about how requests are posted. */
export const posting: readonly Statement[] = [
  {
    name: "deferred receives complete after a commit",
    async run(t) {
      const [a, b] = t.udpPair();
      for (let i = 0; i < 3; i++) {
        t.receive(b, t.room(8), { flags: RIO_MSG_DEFER, context: i });
      }
      t.receive(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      for (let i = 0; i < 3; i++) t.send(a, t.put("later"));
      const completions = await t.dequeue(b.received, 3);
      assertEquals(completions.map((c) => c.requestContext), [0, 1, 2]);
    },
  },
  {
    name: "deferred receives take what had arrived before the commit",
    async run(t) {
      const [a, b] = t.udpPair();
      const slices = [t.room(8), t.room(8)];
      for (const flags of [0, 1]) t.send(a, t.put(`early${flags}`));
      await t.dequeue(a.sent, 2);
      for (const slice of slices) t.receive(b, slice, { flags: RIO_MSG_DEFER });
      t.receive(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      await t.dequeue(b.received, 2);
      assertEquals(slices.map((s) => t.text(s, 6)), ["early0", "early1"]);
    },
  },
  {
    name: "deferred sends complete after a commit",
    async run(t) {
      const [a, b] = t.udpPair();
      for (let i = 0; i < 3; i++) t.receive(b, t.room(8));
      for (let i = 0; i < 3; i++) {
        t.send(a, t.put("sent"), { flags: RIO_MSG_DEFER, context: i });
      }
      t.send(a, null, { flags: RIO_MSG_COMMIT_ONLY });
      const completions = await t.dequeue(a.sent, 3);
      assertEquals(completions.map((c) => c.requestContext), [0, 1, 2]);
      assertEquals((await t.dequeue(b.received, 3)).length, 3);
    },
  },
  ...DIRECTIONS.map((direction): Statement => ({
    name: `a ${direction} without DEFER starts the deferred ones before it`,
    async run(t) {
      const [a, b] = t.udpPair();
      const slices = Array.from({ length: 4 }, () => t.room(8));
      for (const [i, slice] of slices.entries()) {
        const deferred = direction === "receive" && i < 3;
        t.receive(b, slice, { flags: deferred ? RIO_MSG_DEFER : 0 });
      }
      for (let i = 0; i < 4; i++) {
        const deferred = direction === "send" && i < 3;
        t.send(a, t.put(`${i}`), { flags: deferred ? RIO_MSG_DEFER : 0 });
      }
      await t.dequeue(a.sent, 4);
      await t.dequeue(b.received, 4);
      assertEquals(slices.map((slice) => t.text(slice, 1)), [..."0123"]);
    },
  })),
  ...DIRECTIONS.map((direction): Statement => ({
    name: `200 deferred ${direction}s complete after one commit, in order`,
    async run(t) {
      const [a, b] = t.udpPair({ receives: 200, sends: 200 });
      const slices = Array.from({ length: 200 }, () => t.room(8));
      const isReceive = direction === "receive";
      for (const slice of slices) {
        t.receive(b, slice, { flags: isReceive ? RIO_MSG_DEFER : 0 });
      }
      if (isReceive) t.receive(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      for (let i = 0; i < 200; i++) {
        const flags = isReceive ? 0 : RIO_MSG_DEFER;
        t.send(a, t.put(`${1000 + i}`), { flags, context: i });
      }
      if (!isReceive) t.send(a, null, { flags: RIO_MSG_COMMIT_ONLY });
      const sent = await t.dequeue(a.sent, 200);
      assertEquals(sent.map((c) => c.requestContext), slices.map((_, i) => i));
      await t.dequeue(b.received, 200);
      assertEquals(
        slices.map((slice) => t.text(slice, 4)),
        slices.map((_, i) => `${1000 + i}`),
      );
    },
  })),
  ...DIRECTIONS.map((direction): Statement => ({
    name: `a commit of ${direction}s returns 0 when nothing is deferred`,
    async run(t) {
      const [a] = t.udpPair();
      const flags = RIO_MSG_COMMIT_ONLY;
      for (let i = 0; i < 3; i++) {
        if (direction === "receive") t.receive(a, null, { flags });
        else t.send(a, null, { flags });
      }
      await t.stays(direction === "receive" ? a.received : a.sent);
    },
  })),
  ...DIRECTIONS.map((direction): Statement => ({
    name: `a commit of ${direction}s takes no slot of a full request queue`,
    run(t) {
      const [a] = t.udpPair({ receives: 1, sends: 1 });
      const isReceive = direction === "receive";
      const flags = RIO_MSG_DEFER;
      if (isReceive) t.receive(a, t.room(8), { flags });
      else t.send(a, t.put("full"), { flags });
      if (isReceive) t.receive(a, null, { flags: RIO_MSG_COMMIT_ONLY });
      else t.send(a, null, { flags: RIO_MSG_COMMIT_ONLY });
    },
  })),
  ...DIRECTIONS.map((direction): Statement => ({
    name: `a commit through RIO${
      direction === "receive" ? "Receive" : "Send"
    }Ex starts deferred ${direction}s`,
    async run(t) {
      const [a, b] = t.udpPair();
      const flags = RIO_MSG_DEFER;
      const commit = RIO_MSG_COMMIT_ONLY;
      if (direction === "receive") {
        t.receive(b, t.room(8), { flags });
        const { requestQueue } = b;
        t.done(
          t.rio
            .rings.receiveEx(
              requestQueue,
              null,
              null,
              null,
              null,
              null,
              commit,
              0,
            ),
          "RIOReceiveEx",
        );
        t.send(a, t.put("ex"));
      } else {
        t.receive(b, t.room(8));
        t.send(a, t.put("ex"), { flags });
        const { requestQueue } = a;
        t.done(
          t.rio.rings.sendEx(requestQueue, null, null, null, commit, 0),
          "RIOSendEx",
        );
      }
      assertEquals(await t.succeeds(b.received), 2);
    },
  })),
  ...DIRECTIONS.flatMap((direction) =>
    COMMITS_WITH_MORE.map(({ what, flags = 0, context = 0 }): Statement => ({
      name: `a commit of ${direction}s with ${what} fails with 10022`,
      misuse: true,
      async run(t) {
        const [a] = t.udpPair();
        const data = what === "data" ? t.put("x") : null;
        const options = { flags: RIO_MSG_COMMIT_ONLY | flags, context };
        const error = direction === "receive"
          ? t.tryReceive(a, data, options)
          : t.trySend(a, data, options);
        assertEquals(error, WSAEINVAL);
        await t.stays(direction === "receive" ? a.received : a.sent);
      },
    }))
  ),
  ...DIRECTIONS.map((direction): Statement => ({
    name: `a commit of ${direction}s with an address fails with 10022`,
    misuse: true,
    run(t) {
      const [a, b] = t.udpPair();
      const remote = t.put(t.addressOf(b.socket));
      const flags = RIO_MSG_COMMIT_ONLY;
      const error = direction === "receive"
        ? t.tryReceive(a, null, { flags, remote })
        : t.trySend(a, null, { flags, remote });
      assertEquals(error, WSAEINVAL);
    },
  })),
  {
    name: "RIOReceive refuses WAITALL on a datagram socket with 10022",
    misuse: true,
    run(t) {
      const a = t.udp();
      const flags = RIO_MSG_WAITALL;
      assertEquals(t.tryReceive(a, t.room(8), { flags }), WSAEINVAL);
    },
  },
  {
    name: "RIOSend refuses WAITALL on a datagram socket with 10022",
    misuse: true,
    run(t) {
      const [a] = t.udpPair();
      const flags = RIO_MSG_WAITALL;
      assertEquals(t.trySend(a, t.put("x"), { flags }), WSAEINVAL);
    },
  },
  {
    name: "RIOSend refuses WAITALL on a stream with 10022",
    misuse: true,
    async run(t) {
      const [a] = await t.tcpPair();
      const flags = RIO_MSG_WAITALL;
      assertEquals(t.trySend(a, t.put("x"), { flags }), WSAEINVAL);
    },
  },
  ...DIRECTIONS.map((direction): Statement => ({
    name: `a ${direction} refuses a flag that nobody knows with 10022`,
    misuse: true,
    async run(t) {
      const [a] = t.udpPair();
      const flags = UNKNOWN_FLAG;
      const error = direction === "receive"
        ? t.tryReceive(a, t.room(8), { flags })
        : t.trySend(a, t.put("x"), { flags });
      assertEquals(error, WSAEINVAL);
      await t.stays(direction === "receive" ? a.received : a.sent);
    },
  })),
  {
    name: "DONT_NOTIFY completions are dequeued like any other",
    async run(t) {
      const [a, b] = t.udpPair();
      const flags = RIO_MSG_DONT_NOTIFY;
      t.receive(b, t.room(8), { flags, context: 1 });
      t.send(a, t.put("quiet"), { flags, context: 2 });
      assertEquals((await t.next(a.sent)).requestContext, 2);
      assertEquals((await t.next(b.received)).requestContext, 1);
    },
  },
  {
    name: "DEFER goes together with DONT_NOTIFY",
    async run(t) {
      const [a, b] = t.udpPair();
      const flags = RIO_MSG_DEFER | RIO_MSG_DONT_NOTIFY;
      t.receive(b, t.room(8), { flags });
      t.receive(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      t.send(a, t.put("both"), { flags });
      t.send(a, null, { flags: RIO_MSG_COMMIT_ONLY });
      assertEquals(await t.succeeds(a.sent), 4);
      assertEquals(await t.succeeds(b.received), 4);
    },
  },
  {
    name: "RIOSend without data sends an empty datagram",
    async run(t) {
      const [a, b] = t.udpPair();
      t.receive(b, t.room(8));
      t.send(a, null);
      assertEquals(await t.succeeds(a.sent), 0);
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "RIOReceive without data takes an empty datagram",
    async run(t) {
      const [a, b] = t.udpPair();
      t.receive(b, null);
      t.send(a, null);
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "RIOReceive without data discards one datagram, not the next",
    async run(t) {
      const [a, b] = t.udpPair();
      const inbox = t.room(8);
      t.receive(b, null, { context: 1 });
      t.receive(b, inbox, { context: 2 });
      t.send(a, t.put("gone"));
      t.send(a, t.put("here"));
      const [first, second] = await t.dequeue(b.received, 2);
      assertEquals(first!.requestContext, 1);
      assertEquals(second, {
        status: 0,
        bytesTransferred: 4,
        requestContext: 2,
      });
      assertEquals(t.text(inbox, 4), "here");
    },
  },
  {
    name: "RIOSendEx without data sends an empty datagram to an address",
    async run(t) {
      const [a, b] = [t.udp(), t.udp()];
      t.receive(b, t.room(8));
      t.send(a, null, { remote: t.put(t.addressOf(b.socket)) });
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "a posted request whose queue is polled in a row completes once",
    async run(t) {
      const [a, b] = t.udpPair();
      t.receive(b, t.room(8));
      t.send(a, t.put("once"));
      await t.succeeds(b.received);
      await t.succeeds(a.sent);
      await t.stays(b.received);
      assertEquals(t.poll(a.sent), []);
    },
  },
  {
    name: "a send that fails at once completes nothing, else exactly once",
    async run(t) {
      const a = t.udp();
      // Without a destination: Windows may refuse it or complete it.
      const error = t.trySend(a, t.put("nowhere"));
      if (error !== 0) return await t.stays(a.sent);
      assertNotEquals((await t.next(a.sent)).status, 0);
      await t.stays(a.sent);
    },
  },
  {
    name: "posting goes on while completions are dequeued one by one",
    async run(t) {
      const [a, b] = t.udpPair({ receives: 8, sends: 8 });
      const inbox = Array.from({ length: 8 }, () => t.room(8));
      for (const [i, slice] of inbox.entries()) {
        t.receive(b, slice, { context: i });
      }
      for (let i = 0; i < 100; i++) {
        t.send(a, t.slab.slice(128 * 1024 + (i % 8) * 8, 8), { context: i });
        assertEquals((await t.next(a.sent)).requestContext, i);
        const { requestContext, status } = await t.next(b.received);
        assertEquals([requestContext, status], [i % 8, 0]);
        t.receive(b, inbox[requestContext]!, { context: requestContext });
      }
      assert(t.ledger.queues.get(b.received) === 8);
    },
  },
];
