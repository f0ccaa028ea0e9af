/** Receiving: what was cut, what has arrived, what was counted, and slots. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AddressReader } from "../../ffi/net/datagrams/addresses.ts";
import {
  listenDatagram,
  type RioDatagramConn,
  type RioListenDatagramOptions,
  sharedStats,
} from "../../mod.ts";
import {
  bytes,
  datagramTest,
  everywhere,
  pause,
  receiveAll,
  within,
} from "./harness.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const WAYS: readonly RioListenDatagramOptions[] = Deno.build.os === "linux"
  ? [{}, { info: true }, { coalesce: true }]
  // Requests are the only way, whatever is asked for.
  : [{}];

for (const options of WAYS) {
  const how = Deno.inspect(options);

  everywhere(
    `a batch tells which datagrams were cut: ${how}`,
    async (open) => {
      const [alice, bob] = [open(), open({ datagramSize: 100, ...options })];
      const sizes = [100, 101, 0, 5000, 3];
      for (const size of sizes) await alice.send(bytes(size), bob.addr);
      const seen: unknown[] = [];
      while (seen.length < sizes.length) {
        using batch = await within(bob.receiveMany());
        for (const { data, truncated } of batch) {
          seen.push([data.length, truncated]);
        }
      }
      assertEquals(seen, [
        [100, false],
        [100, true],
        [0, false],
        [100, true],
        [3, false],
      ]);
      assertEquals(bob.stats().truncated, 2);
    },
  );

  for (const waits of [false, true]) {
    everywhere(
      `conn.receive() with rejectTruncated tells of a datagram that was cut, ${
        waits ? "as it arrives" : "that is there"
      }: ${how}`,
      async (open) => {
        const [alice, bob] = [open(), open({ datagramSize: 100, ...options })];
        const cases: [size: number, place: number | undefined][] = [
          [101, undefined],
          [50, 49],
          [200, 300],
        ];
        for (const [size, place] of cases) {
          const receive = () =>
            bob.receive(place === undefined ? undefined : bytes(place), {
              rejectTruncated: true,
            });
          const early = waits ? receive() : null;
          early?.catch(() => {});
          await alice.send(bytes(size), bob.addr);
          if (!waits) await pause();
          const error = await assertRejects(
            () => within(early ?? receive()),
            Error,
          );
          assertEquals((error as { code?: string }).code, "EMSGSIZE");
          // Without it the head is given.
          await alice.send(bytes(size), bob.addr);
          const p = place === undefined ? undefined : bytes(place);
          const [data] = await within(bob.receive(p));
          assertEquals(data, bytes(size).slice(0, Math.min(100, place ?? 100)));
        }
        assertEquals(bob.stats().truncated, 6);
        await alice.send(bytes(100), bob.addr);
        const whole = bob.receive(undefined, { rejectTruncated: true });
        assertEquals((await within(whole))[0], bytes(100));
      },
    );
  }

  everywhere(
    `conn.takeArrived() takes what has arrived, and nothing where nothing has: ${how}`,
    async (open) => {
      const [alice, bob] = [open(), open(options)];
      {
        using batch = bob.takeArrived();
        assertEquals([...batch], []);
      }
      for (const size of [1, 2, 3]) await alice.send(bytes(size), bob.addr);
      const sizes: number[] = [];
      while (sizes.length < 3) {
        using batch = bob.takeArrived();
        for (const { data } of batch) sizes.push(data.length);
        // No turn of the event loop is needed where the system is asked.
        if (batch.length === 0) await pause(1);
      }
      assertEquals(sizes, [1, 2, 3]);
      bob.close();
      assertThrows(() => bob.takeArrived(), Deno.errors.BadResource);
    },
  );

  everywhere(
    `a signal that was aborted gives what has arrived, then its reason: ${how}`,
    async (open) => {
      const [alice, bob] = [open(), open(options)];
      const signal = AbortSignal.abort("shutdown");
      // The socket knows that there was nothing.
      await assertAborted(() => bob.receive(undefined, { signal }));
      await assertAborted(() => bob.receiveMany({ signal }));
      for (const size of [1, 2, 3]) await alice.send(bytes(size), bob.addr);
      const [data] = await onceArrived(() =>
        bob.receive(undefined, { signal })
      );
      assertEquals(data, bytes(1));
      const sizes: number[] = [];
      while (sizes.length < 2) {
        using batch = await onceArrived(() => bob.receiveMany({ signal }));
        for (const { data } of batch) sizes.push(data.length);
      }
      assertEquals(sizes, [2, 3]);
      await assertAborted(() => bob.receive(undefined, { signal }));
      await assertAborted(() => bob.receiveMany({ signal }));
      // No call is left behind that would take this one.
      await alice.send(bytes(4), bob.addr);
      assertEquals((await within(bob.receive()))[0], bytes(4));
    },
  );

  everywhere(
    `arrays that are transferred while they wait cost no slot and no datagram: ${how}`,
    async (open) => {
      const [alice, bob] = [open(), open({ receives: 2, ...options })];
      for (let i = 1; i < 7; i++) {
        const p = new Uint8Array(100);
        const received = bob.receive(p);
        structuredClone(p.buffer, { transfer: [p.buffer] });
        // It may be refused while the send is still awaited.
        const refused = assertRejects(
          () => within(received),
          TypeError,
          "the array was transferred",
        );
        await alice.send(bytes(i), bob.addr);
        await refused;
        assertEquals((await within(bob.receive()))[0], bytes(i));
      }
    },
  );

  everywhere(
    `a sender that cannot be read costs no slot: ${how}`,
    async (open) => {
      const [alice, bob] = [open(), open({ receives: 2, ...options })];
      const { read } = AddressReader.prototype;
      for (const receive of [one, many]) {
        for (let i = 1; i < 6; i++) {
          await alice.send(bytes(i), bob.addr);
          AddressReader.prototype.read = () => {
            throw new TypeError("unreadable");
          };
          try {
            const received = within(receive(bob));
            await assertRejects(() => received, TypeError, "unreadable");
          } finally {
            AddressReader.prototype.read = read;
          }
        }
        await alice.send(bytes(9), bob.addr);
        assertEquals((await within(bob.receive()))[0], bytes(9));
      }
    },
  );
}

function one(conn: RioDatagramConn): Promise<unknown> {
  return conn.receive();
}

async function many(conn: RioDatagramConn): Promise<void> {
  using _batch = await conn.receiveMany();
}

/** Asks until something is there; what was sent may be under way. */
async function onceArrived<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (reason) {
      assertEquals(reason, "shutdown");
    }
    await pause(1);
  }
}

async function assertAborted(call: () => Promise<unknown>): Promise<void> {
  let reason: unknown;
  await within(call().catch((thrown) => reason = thrown));
  assertEquals(reason, "shutdown");
}

datagramTest(
  "coalesce cuts no train short, however small datagramSize is",
  async (open) => {
    const alice = open();
    const bob = open({ coalesce: true, datagramSize: 1200 });
    await alice.send(bytes(12_000), bob.addr, { segmentSize: 1200 });
    const all = await receiveAll(bob, 10);
    const expected = Array.from(
      { length: 10 },
      (_, i) => bytes(12_000).slice(1200 * i, 1200 * (i + 1)),
    );
    assertEquals(all, expected);
    assertEquals(bob.stats().truncated, 0);
  },
  {
    skip: Deno.build.os === "linux"
      ? undefined
      : "sends are cut into datagrams on Linux",
  },
);

datagramTest(
  "conn.stats() counts what the system had no room for",
  async (open) => {
    const [alice, bob] = [open(), open({ receiveBufferSize: 4096 })];
    const linux = Deno.build.os === "linux";
    assertEquals(bob.stats(), { truncated: 0, dropped: linux ? 0 : null });
    if (!linux) return;
    for (let i = 0; i < 200; i++) await alice.send(bytes(1000), bob.addr);
    let received = 0;
    for (;;) {
      using batch = bob.takeArrived();
      if (batch.length === 0) break;
      received += batch.length;
    }
    assert(received > 0 && received < 200);
    assertEquals(bob.stats().dropped, 200 - received);
    bob.close();
    assertThrows(() => bob.stats(), Deno.errors.BadResource);
  },
);

const SHARED = "sharedStats() tells of the session that sockets share";
Deno.test({ name: SHARED, ignore: skipped(SHARED, NOT_LINUX) }, async () => {
  assertEquals(sharedStats(), null);
  {
    using conn = listenDatagram({ hostname: "127.0.0.1" });
    assertEquals(sharedStats()?.sockets, 1);
    using other = listenDatagram({ hostname: "127.0.0.1" });
    assertEquals(sharedStats()?.sockets, 2);
    await conn.send(bytes(1), other.addr);
    await within(other.receive());
  }
  // It is closed a turn of the event loop later.
  while (sharedStats() !== null) await pause(1);
});
