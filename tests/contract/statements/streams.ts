/** TCP: data, order, ends, resets. @module */
import { assert, assertEquals, fail } from "@std/assert";
import {
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_WAITALL,
  SD_SEND,
} from "../../../ffi/constants.ts";
import { FAMILIES } from "../families.ts";
import type { Endpoint, Harness, Statement } from "../harness.ts";
import { readText } from "../read_text.ts";
import type { Slab } from "../slab.ts";

const MIB = 1 << 20;

/** Every statement about streams. */
export const streams: readonly Statement[] = [
  ...FAMILIES.map((family): Statement => ({
    name: `${family.name}: a stream carries data both ways`,
    async run(t) {
      const [a, b] = await t.tcpPair({ family });
      const [atA, atB] = [t.room(16), t.room(16)];
      t.receive(a, atA);
      t.receive(b, atB);
      t.send(a, t.put("from client"), { context: 5 });
      t.send(b, t.put("from server"));
      assertEquals((await t.next(a.sent)).requestContext, 5);
      assertEquals(await t.succeeds(b.sent), 11);
      assertEquals(await t.succeeds(a.received), 11);
      assertEquals(await t.succeeds(b.received), 11);
      assertEquals(t.text(atA, 11), "from server");
      assertEquals(t.text(atB, 11), "from client");
    },
  })),
  {
    name: "a stream receive completes with what is there",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const inbox = t.room(1024);
      t.receive(b, inbox);
      t.send(a, t.put("some"));
      assertEquals(await t.succeeds(b.received), 4);
      assertEquals(t.text(inbox, 4), "some");
    },
  },
  {
    name: "a stream receive leaves what does not fit for the next",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.send(a, t.put("first second"));
      await t.succeeds(a.sent);
      assertEquals(await readText(t, b, 6, 6), "first ");
      assertEquals(await readText(t, b, 6, 6), "second");
    },
  },
  {
    name: "stream receives fill in the order in which they were posted",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const flags = RIO_MSG_WAITALL;
      const slices = Array.from({ length: 8 }, () => t.room(2));
      for (const [context, slice] of slices.entries()) {
        t.receive(b, slice, { flags, context });
      }
      t.send(a, t.put("aabbccddeeffgghh"));
      const completions = await t.dequeue(b.received, 8);
      assertEquals(
        completions.map((c) => c.requestContext),
        [0, 1, 2, 3, 4, 5, 6, 7],
      );
      assertEquals(
        slices.map((slice) => t.text(slice)).join(""),
        "aabbccddeeffgghh",
      );
    },
  },
  {
    name: "stream sends leave in the order in which they were posted",
    async run(t) {
      const [a, b] = await t.tcpPair({ sends: 16 });
      let expected = "";
      for (let i = 0; i < 16; i++) {
        t.send(a, t.put(`${i};`), { context: i });
        expected += `${i};`;
      }
      const sent = await t.dequeue(a.sent, 16);
      assertEquals(
        sent.map((c) => c.requestContext),
        sent.map((_, i) => i),
      );
      assertEquals(
        await readText(t, b, expected.length, expected.length),
        expected,
      );
    },
  },
  {
    name: "deferred and undeferred stream sends keep their order",
    async run(t) {
      const [a, b] = await t.tcpPair();
      for (let i = 0; i < 10; i++) {
        t.send(a, t.put(`${i}`), { flags: i % 3 === 2 ? 0 : RIO_MSG_DEFER });
      }
      t.send(a, null, { flags: RIO_MSG_COMMIT_ONLY });
      await t.dequeue(a.sent, 10);
      assertEquals(await readText(t, b, 10, 10), "0123456789");
    },
  },
  {
    name: "deferred stream receives complete after a commit",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const inbox = t.room(8);
      t.receive(b, inbox, { flags: RIO_MSG_DEFER });
      t.receive(b, null, { flags: RIO_MSG_COMMIT_ONLY });
      t.send(a, t.put("commit"));
      assertEquals(await t.succeeds(b.received), 6);
      assertEquals(t.text(inbox, 6), "commit");
    },
  },
  {
    name: "WAITALL completes when the slice is full",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const inbox = t.room(9);
      t.receive(b, inbox, { flags: RIO_MSG_WAITALL });
      for (const part of ["one", "two"]) {
        t.send(a, t.put(part));
        await t.succeeds(a.sent);
        await t.stays(b.received);
      }
      t.send(a, t.put("six"));
      assertEquals(await t.succeeds(b.received), 9);
      assertEquals(t.text(inbox), "onetwosix");
    },
  },
  {
    name: "WAITALL completes at once when enough is there",
    async run(t) {
      const [a, b] = await t.tcpPair();
      t.send(a, t.put("enough, and more"));
      await t.succeeds(a.sent);
      assertEquals(
        await readText(t, b, 6, 6, RIO_MSG_WAITALL),
        "enough",
      );
      assertEquals(await readText(t, b, 10, 10), ", and more");
    },
  },
  {
    name: "WAITALL completes with a short count at the end of the stream",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const inbox = t.room(100);
      t.receive(b, inbox, { flags: RIO_MSG_WAITALL });
      t.send(a, t.put("short"));
      await t.succeeds(a.sent);
      await t.stays(b.received);
      t.done(t.rio.sockets.shutdown(a.socket, SD_SEND), "shutdown");
      assertEquals(await t.succeeds(b.received), 5);
      assertEquals(t.text(inbox, 5), "short");
      t.receive(b, inbox, { flags: RIO_MSG_WAITALL });
      assertEquals(await t.succeeds(b.received), 0);
    },
  },
  {
    name: "a send of 4 MiB completes whole, once the peer reads",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const [outbox, inbox] = [t.register(4 * MIB), t.register(256 * 1024)];
      fillWithNumbers(outbox.bytes);
      t.send(a, outbox.slice(0, 4 * MIB), { context: 9 });
      const checked = await readNumbers(t, b, inbox, 4 * MIB);
      assertEquals(checked, 4 * MIB);
      assertEquals(await t.next(a.sent), {
        status: 0,
        bytesTransferred: 4 * MIB,
        requestContext: 9,
      });
    },
  },
  {
    name: "a WAITALL receive of 1 MiB completes whole",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const [outbox, inbox] = [t.register(MIB), t.register(MIB)];
      fillWithNumbers(outbox.bytes);
      t.receive(b, inbox.slice(0, MIB), { flags: RIO_MSG_WAITALL });
      t.send(a, outbox.slice(0, MIB));
      let bytes = 0;
      await t.until(() => {
        t.poll(a.sent);
        bytes = t.poll(b.received)[0]?.bytesTransferred ?? 0;
        return bytes > 0;
      }, "a megabyte");
      assertEquals(bytes, MIB);
      assert(same(inbox.bytes, outbox.bytes), "other bytes");
    },
  },
  {
    name: "16 sends of 64 KiB pass a peer that reads late, in order",
    async run(t) {
      const [a, b] = await t.tcpPair();
      const [outbox, inbox] = [t.register(MIB), t.register(256 * 1024)];
      fillWithNumbers(outbox.bytes);
      for (let i = 0; i < 16; i++) {
        t.send(a, outbox.slice(i * 65536, 65536), { context: i });
      }
      assertEquals(await readNumbers(t, b, inbox, MIB), MIB);
      const sent = await t.dequeue(a.sent, 16);
      assertEquals(
        sent.map((c) => [c.requestContext, c.bytesTransferred]),
        sent.map((_, i) => [i, 65536]),
      );
    },
  },
  {
    name: "1,000 small sends arrive as one stream",
    async run(t) {
      const [a, b] = await t.tcpPair({ sends: 100 });
      const [outbox, inbox] = [t.register(8000), t.register(65536)];
      fillWithNumbers(outbox.bytes);
      let posted = 0;
      const more = () => {
        t.poll(a.sent);
        while (posted < 1000 && t.ledger.queues.get(a.sent)! < 100) {
          t.send(a, outbox.slice(posted++ * 8, 8));
        }
      };
      more();
      assertEquals(await readNumbers(t, b, inbox, 8000, more), 8000);
    },
  },
];

/** Each 32-bit word holds its own index. */
function fillWithNumbers(bytes: Uint8Array): void {
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset,
    bytes.length / 4,
  );
  for (let i = 0; i < words.length; i++) words[i] = i;
}

/** Reads `total` bytes of such words; returns how many were read. */
async function readNumbers(
  t: Harness,
  endpoint: Endpoint,
  inbox: Slab,
  total: number,
  between: () => void = () => {},
): Promise<number> {
  const half = inbox.bytes.length;
  let read = 0;
  t.receive(endpoint, inbox.slice(0, half));
  await t.untilTotal(() => {
    between();
    for (const { status, bytesTransferred } of t.poll(endpoint.received)) {
      assertEquals(status, 0);
      assert(bytesTransferred > 0, `the stream ended after ${read} bytes`);
      for (let i = 0; i < bytesTransferred; i++) {
        const at = read + i;
        const expected = (at >> 2) >>> (8 * (at & 3)) & 0xFF;
        if (inbox.bytes[i] !== expected) fail(`byte ${at} is another`);
      }
      read += bytesTransferred;
      if (read < total) t.receive(endpoint, inbox.slice(0, half));
    }
    return read;
  }, total);
  return read;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
