/** Waits: what ends one, and what goes on meanwhile. */
import { assert, assertEquals } from "@std/assert";
import { linuxTest, SIZE } from "./rig.ts";

linuxTest(
  "sends that wait for room go on when another queue is looked at",
  async (rig) => {
    const { rio } = rig;
    const [receives, sends] = [rig.queue(32), rig.queue(32)];
    const [a, b] = await rig.tcp(receives, sends);
    for (let i = 0; i < 8; i++) {
      assertEquals(rio.rings.send(a!.posts, rig.slice(0, SIZE), 0, i), 0);
    }
    assert(rig.dequeue(sends).length < 8, "the socket buffers took 8 MiB");
    let bytes = 0;
    for (let look = 0; bytes < 8 * SIZE && look < 100_000; look++) {
      rio.rings.receive(b!.posts, rig.slice(0, SIZE), 0, 9);
      for (const done of rig.dequeue(receives)) bytes += done.bytes;
    }
    assertEquals(bytes, 8 * SIZE);
  },
);

linuxTest(
  "sends that wait for room go on while somebody waits",
  async (rig) => {
    const { rio } = rig;
    const [receives, sends] = [rig.queue(32, 6), rig.queue(32)];
    const [a, b] = await rig.tcp(receives, sends);
    for (let i = 0; i < 8; i++) {
      assertEquals(rio.rings.send(a!.posts, rig.slice(0, SIZE), 0, i), 0);
    }
    let bytes = 0;
    while (bytes < 8 * SIZE) {
      rio.rings.receive(b!.posts, rig.slice(0, SIZE), 0, 9);
      assertEquals(rio.rings.notify(receives), 0);
      assertEquals(await rig.keys(), [6]);
      for (const done of rig.dequeue(receives)) bytes += done.bytes;
    }
    assertEquals(bytes, 8 * SIZE);
  },
);

linuxTest(
  "the end of a stream that came with its last data ends a wait",
  async (rig) => {
    const { rio } = rig;
    const [receives, sends] = [rig.queue(32, 6), rig.queue(32)];
    const [a, b] = await rig.tcp(receives, sends);
    const next = async () => {
      assertEquals(rio.rings.notify(receives), 0);
      assertEquals(await rig.keys(), [6]);
      return rig.dequeue(receives).map(({ bytes }) => bytes);
    };
    rio.rings.receive(b!.posts, rig.slice(0, 64), 0, 1);
    assertEquals(rig.dequeue(receives), []);
    assertEquals(rio.rings.notify(receives), 0);
    rio.rings.send(a!.posts, rig.slice(64, 10), 0, 2);
    assertEquals(rio.sockets.close(a!.socket), 0);
    assertEquals(await rig.keys(), [6]);
    assertEquals(rig.dequeue(receives).map(({ bytes }) => bytes), [10]);
    rio.rings.receive(b!.posts, rig.slice(0, 64), 0, 3);
    assertEquals(await next(), [0]);
  },
);

linuxTest("wake() ends the next wait when none goes on", async ({ rio }) => {
  rio.waits.wake();
  assertEquals(await rio.waits.wait(), 0);
});

linuxTest("wake() ends the wait that goes on", async ({ rio }) => {
  const wait = rio.waits.wait();
  rio.waits.wake();
  rio.waits.wake();
  assertEquals(await wait, 0);
});
