/**
 * Somebody closes a descriptor that is not theirs: the one that the event loop
 * watches, or the one that ends sleeps.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { expect, within } from "../faults/steps.ts";
import {
  asleep,
  begun,
  exchange,
  idles,
  rests,
  type Sleeping,
  sleepTest,
  withSocket,
} from "./sleeping.ts";

/** Closes the descriptor that a function has returned. */
function close({ system }: Sleeping, opened: "fcntl" | "eventfd"): void {
  assertEquals(system.real.close(system.last[opened] as number), 0);
}

for (
  const [name, opened] of [["the", "eventfd"], [
    "the event loop's",
    "fcntl",
  ]] as const
) {
  const ways = opened === "fcntl" ? ["reactor"] as const : undefined;

  sleepTest(
    `sleeps go on when ${name} eventfd was closed between two`,
    (sleeping) =>
      withSocket(sleeping, async (pair) => {
        await exchange(pair, sleeping, 1);
        close(sleeping, opened);
        await exchange(pair, sleeping);
        await idles(pair, sleeping);
        assertEquals(sleeping.rio.waits.way, "thread");
      }),
    ways,
  );

  sleepTest(
    `a datagram ends a sleep during which ${name} eventfd was closed`,
    (sleeping) =>
      withSocket(sleeping, async (pair) => {
        const { conn, peer } = pair;
        await exchange(pair, sleeping, 1);
        const sleeps = begun(sleeping);
        const received = expect(conn.receive());
        await sleeps;
        close(sleeping, opened);
        await peer.send(new Uint8Array(5), conn.addr);
        assertEquals((await within(received, "a datagram"))[0].length, 5);
        await exchange(pair, sleeping);
        await idles(pair, sleeping);
        assertEquals(sleeping.rio.waits.way, "thread");
      }),
    ways,
  );

  sleepTest(
    `wake() ends a sleep during which ${name} eventfd was closed`,
    async (sleeping) => {
      const { wait } = await asleep(sleeping);
      close(sleeping, opened);
      sleeping.rio.waits.wake();
      assertEquals(await within(wait, "the end of a wait"), 0);
      await withSocket(sleeping, async (pair) => {
        await exchange(pair, sleeping);
        await idles(pair, sleeping);
      });
    },
    ways,
  );

  sleepTest(
    `close() ends a sleep during which ${name} eventfd was closed`,
    async (sleeping) => {
      const { wait } = await asleep(sleeping);
      close(sleeping, opened);
      sleeping.rio.close(false);
      assertEquals(await within(wait, "the end of a wait"), 0);
    },
    ways,
  );
}

sleepTest(
  "a wait rejects when its eventfd was closed and no descriptor is left, and the next one works",
  async (sleeping) => {
    const { system, rio } = sleeping;
    close(sleeping, "eventfd");
    system.fail("eventfd", { name: "EMFILE", errno: 24 }, 1);
    await assertRejects(
      () => within(rio.waits.wait(), "an error"),
      Deno.errors.NotSupported,
      "eventfd failed with errno 24",
    );
    const { wait } = await asleep(sleeping);
    await rests(sleeping);
    rio.waits.wake();
    assertEquals(await within(wait, "the end of a wait"), 0);
  },
  ["thread"],
);
