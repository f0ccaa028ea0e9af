/**
 * Somebody closes a descriptor that is not theirs: the one that the event loop
 * watches, the one that ends sleeps, or the one that tells of sockets.
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
function close(
  { system }: Sleeping,
  opened: "fcntl" | "eventfd" | "epoll_create1",
): void {
  assertEquals(system.real.close(system.last[opened] as number), 0);
}

for (
  const [name, opened] of [
    ["the eventfd", "eventfd"],
    ["the event loop's eventfd", "fcntl"],
    ["the epoll instance", "epoll_create1"],
  ] as const
) {
  const ways = opened === "fcntl" ? ["reactor"] as const : undefined;
  // Another instance serves as well; another eventfd is not trusted again.
  const after = ({ way }: Sleeping) =>
    opened === "epoll_create1" ? way : "thread";

  sleepTest(
    `sleeps go on when ${name} was closed between two`,
    (sleeping) =>
      withSocket(sleeping, async (pair) => {
        await exchange(pair, sleeping, 1);
        close(sleeping, opened);
        await exchange(pair, sleeping);
        await idles(pair, sleeping);
        assertEquals(sleeping.rio.waits.way, after(sleeping));
      }),
    ways,
  );

  sleepTest(
    `a datagram ends a sleep during which ${name} was closed`,
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
        assertEquals(sleeping.rio.waits.way, after(sleeping));
      }),
    ways,
  );

  sleepTest(
    `wake() ends a sleep during which ${name} was closed`,
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
    `close() ends a sleep during which ${name} was closed`,
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
  "sockets are opened and are told though the epoll instance was closed before",
  async (sleeping) => {
    close(sleeping, "epoll_create1");
    await withSocket(sleeping, async (pair) => {
      await exchange(pair, sleeping);
      await idles(pair, sleeping);
    });
  },
);

sleepTest(
  "a socket is refused when the epoll instance was closed and no descriptor is left",
  async (sleeping) => {
    const { system } = sleeping;
    close(sleeping, "epoll_create1");
    system.fail("epoll_create1", { name: "EMFILE", errno: 24 }, 1);
    await assertRejects(
      () => withSocket(sleeping, () => Promise.resolve()),
      Error,
      "epoll_ctl failed",
    );
  },
);

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

sleepTest(
  "a wait rejects when its epoll instance was closed and no descriptor is left, and the next one works",
  (sleeping) =>
    withSocket(sleeping, async (pair) => {
      const { system, rio } = sleeping;
      await exchange(pair, sleeping, 1);
      close(sleeping, "epoll_create1");
      system.fail("epoll_create1", { name: "EMFILE", errno: 24 }, 1);
      const { conn, peer } = pair;
      await assertRejects(
        async () => {
          const received = expect(conn.receive());
          await peer.send(new Uint8Array(5), conn.addr);
          await within(received, "an error");
        },
        Error,
        "epoll_create1 failed with errno 24",
      );
      assertEquals((await within(conn.receive(), "a datagram"))[0].length, 5);
      await exchange(pair, sleeping);
      await idles(pair, sleeping);
      assertEquals(rio.waits.way, sleeping.way);
    }),
);
