/** What a program keeps of a datagram is the datagram's own, or says so. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { RioReceivedDatagram } from "../../mod.ts";
import { bytes, everywhere, within } from "./harness.ts";

/** With `info` datagrams are in slots, which is the only way on Windows. */
const SLOTS = Deno.build.os === "linux" ? { info: true } : {};

for (const options of [{}, SLOTS]) {
  const how = Deno.inspect(options);

  everywhere(
    `a kept datagram names its own sender when others have come since: ${how}`,
    async (open) => {
      const conn = open({ receives: 2, ...options });
      const [alice, bob] = [open(), open()];
      const kept: RioReceivedDatagram[] = [];
      for (const [i, from] of [alice, bob, bob, bob, bob].entries()) {
        await from.send(bytes(i + 1), conn.addr);
        using batch = await within(conn.receiveMany());
        kept.push(...batch);
      }
      assertEquals(
        kept.map(({ addr }) => addr.port),
        [alice, bob, bob, bob, bob].map(({ addr }) => addr.port),
      );
    },
  );

  everywhere(
    `a datagram that is spread keeps addr, info and truncated: ${how}`,
    async (open) => {
      const conn = open(options);
      await conn.send(bytes(1), conn.addr);
      using batch = await within(conn.receiveMany());
      const [first] = batch;
      const answer = { ...first!, data: bytes(2) };
      assertEquals(answer.addr, conn.addr);
      assertEquals(answer.truncated, false);
      assertEquals("ecn" in answer.info, "info" in options);
      assertEquals(await conn.sendMany([answer]), 1);
      assertEquals((await within(conn.receive()))[0], bytes(2));
    },
  );
}

everywhere(
  "data in a slot throws when it is used after its batch was disposed",
  async (open) => {
    const conn = open(SLOTS);
    await conn.send(bytes(3), conn.addr);
    let kept: RioReceivedDatagram | undefined;
    let copy: Uint8Array | undefined;
    {
      using batch = await within(conn.receiveMany());
      [kept] = batch;
      copy = kept!.data.slice();
    }
    const { data } = kept!;
    const uses: (() => unknown)[] = [
      () => data[0],
      () => data.length,
      () => data.slice(),
      () => [...data],
      () => Object.keys(data),
      () => 0 in data,
      () => data.set([1]),
      () => new Uint8Array(data),
      () => structuredClone(data),
    ];
    for (const use of uses.slice(0, 8)) {
      assertThrows(use, TypeError, "The batch was disposed");
    }
    // What has no trap refuses it, too.
    assertThrows(uses[8]!, Error);
    assertEquals(copy, bytes(3));
    let refused = false;
    await conn.send(data, conn.addr).catch((error) => {
      refused = error instanceof TypeError;
    });
    assert(refused, "it was sent");
  },
);

everywhere(
  "data that is in no slot stays when its batch is disposed",
  async (open, session) => {
    const conn = open();
    await conn.send(bytes(3), conn.addr);
    let kept: RioReceivedDatagram | undefined;
    {
      using batch = await within(conn.receiveMany());
      [kept] = batch;
    }
    // Where few come, Linux needs no slots.
    const { data } = kept!;
    if (session.stats().posted === 0) assertEquals(data, bytes(3));
    else assertThrows(() => data[0], TypeError);
  },
);
