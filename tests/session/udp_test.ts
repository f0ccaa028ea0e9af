/** Datagrams: how long they are, and the order of their requests. */
import { assert, assertEquals } from "@std/assert";
import {
  collect,
  openSelf,
  put,
  received,
  sessionTest,
  textOf,
} from "./harness.ts";

sessionTest(
  "UDP truncates with WSAEMSGSIZE what is longer than the slice",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using buffer = session.registerBuffer(100);
    buffer.slice(0, 20).bytes.fill(0xEE);
    socket.receive(buffer.slice(0, 4));
    socket.send(put(buffer.slice(50), "truncated"));
    const completion = received(await collect(socket.completions, 2));
    assertEquals([completion.status, completion.bytesTransferred], [10040, 4]);
    assertEquals(completion.error?.code, "WSAEMSGSIZE");
    assertEquals(completion.error?.syscall, "RIOReceive");
    assertEquals(textOf(completion), "trun");
    assertEquals([...buffer.bytes.subarray(4, 6)], [0xEE, 0xEE]);
  },
);

sessionTest("UDP sends and receives empty datagrams", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(100);
  socket.receive(buffer.slice(0, 50));
  socket.send(buffer.slice(50, 0));
  let both = await collect(socket.completions, 2);
  assertEquals(both.map((c) => [c.status, c.bytesTransferred]), [[0, 0], [
    0,
    0,
  ]]);
  socket.receive(buffer.slice(0, 50));
  socket.send(null);
  both = await collect(socket.completions, 2);
  assertEquals(both.map((c) => [c.status, c.bytesTransferred]), [[0, 0], [
    0,
    0,
  ]]);
  assertEquals(both.find(({ kind }) => kind === "send")?.slice, null);
});

sessionTest("UDP sends its longest datagram", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(2 * 65_507);
  buffer.slice(0, 65_507).bytes.fill(0x77);
  socket.receive(buffer.slice(65_507));
  socket.send(buffer.slice(0, 65_507));
  const completion = received(await collect(socket.completions, 2));
  assertEquals([completion.status, completion.bytesTransferred], [0, 65_507]);
  assert(completion.slice!.bytes.every((byte) => byte === 0x77));
});

sessionTest(
  "UDP completes receives in the order of their posts",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using buffer = session.registerBuffer(1000);
    for (let i = 0; i < 10; i++) {
      socket.receive(buffer.slice(20 * i, 20), { context: i });
    }
    for (let i = 0; i < 10; i++) {
      socket.send(
        put(buffer.slice(500 + 20 * i, 20), `${i}`),
      );
    }
    const completions = await collect(socket.completions, 20);
    const receives = completions.filter(({ kind }) => kind === "receive");
    assertEquals(receives.map(({ context }) => context), [
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
    ]);
    assertEquals(receives.map(textOf).join(""), "0123456789");
  },
);

sessionTest("UDP starts deferred requests with a commit", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(200);
  socket.receive(buffer.slice(0, 50), { defer: true });
  socket.send(put(buffer.slice(50, 50), "one"), { defer: true });
  assertEquals(socket.outstanding, 2);
  socket.commit();
  assertEquals(textOf(received(await collect(socket.completions, 2))), "one");
  socket.receive(buffer.slice(0, 50), { defer: true });
  socket.commit("receive");
  socket.send(put(buffer.slice(50, 50), "two"), { defer: true });
  socket.commit("send");
  assertEquals(textOf(received(await collect(socket.completions, 2))), "two");
});

sessionTest("UDP starts deferred sends with the next send", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(200);
  for (let i = 0; i < 3; i++) socket.receive(buffer.slice(20 * i, 20));
  socket.send(put(buffer.slice(100, 20), "a"), { defer: true });
  socket.send(put(buffer.slice(120, 20), "b"), { defer: true });
  socket.send(put(buffer.slice(140, 20), "c"));
  const completions = await collect(socket.completions, 6);
  const texts = completions.filter(({ kind }) => kind === "receive").map(
    textOf,
  );
  assertEquals(texts, ["a", "b", "c"]);
});
