/** Opening and closing the Linux backend. */
import { assertEquals } from "@std/assert";
import * as winsock from "../../ffi/constants.ts";
import { openLinux } from "../../ffi/linux/backend.ts";
import { linuxTest, results, Rig } from "./rig.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

linuxTest("close() ends the wait that goes on", async ({ rio }) => {
  const wait = rio.waits.wait();
  rio.close(false);
  assertEquals(await wait, 0);
  assertEquals(await rio.waits.wait(), 0);
});

linuxTest("close() closes what was left open", (rig) => {
  const queue = rig.queue(64, 1);
  for (let i = 0; i < 4; i++) {
    const { posts } = rig.udp(queue);
    rig.rio.rings.receive(posts, rig.slice(0, 64), 0, 0);
  }
  assertEquals(rig.rio.rings.notify(queue), 0);
  rig.rio.close(false);
  rig.rio.close(false);
  assertEquals(
    rig.rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17),
    -10093,
  );
  assertEquals(rig.rio.rings.dequeueCompletion(queue, results, 1), -0xFFFFFFFF);
});

linuxTest("two backends of a thread do not disturb each other", async (rig) => {
  const other = new Rig(openLinux());
  const [mine, theirs] = [rig.queue(32, 1), other.queue(32, 2)];
  const [a, b] = [rig.udp(mine), other.udp(theirs)];
  assertEquals(rig.rio.sockets.connect(a.socket, b.address, 0), 1);
  other.rio.rings.receive(b.posts, other.slice(0, 64), 0, 1);
  assertEquals(other.rio.rings.notify(theirs), 0);
  const keys = other.keys();
  rig.rio.rings.send(a.posts, rig.slice(0, 8), 0, 2);
  assertEquals(await keys, [2]);
  other.rio.close(false);
  assertEquals(rig.dequeue(mine).length, 1);
});

Deno.test({
  name: "openLinux() throws NotCapable without --allow-ffi",
  ignore: skipped("openLinux() without --allow-ffi", NOT_LINUX),
  permissions: { ffi: false },
  fn() {
    let name = "";
    try {
      openLinux();
    } catch (error) {
      if (error instanceof Error) name = error.name;
    }
    assertEquals(name, "NotCapable");
  },
});
