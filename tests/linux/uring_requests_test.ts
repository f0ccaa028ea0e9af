/** Requests of connections in the ring: who owns which memory, until when. */
import { assert, assertEquals } from "@std/assert";
import {
  IP_PKTINFO,
  IPPROTO_IP,
  RIO_MSG_COMMIT_ONLY,
  SD_SEND,
} from "../../ffi/constants.ts";
import type { RioHandle } from "../../ffi/contract.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { Uring } from "../../ffi/linux/uring/uring.ts";
import { allocate } from "../../ffi/memory.ts";
import {
  type Completion,
  linuxTest,
  ON,
  type Rig,
  uringTest,
  Watcher,
} from "./rig.ts";

const ABORTED = wsa.WSA_OPERATION_ABORTED;

/** A connection, both ends of which complete on the same queue. */
async function connected(rig: Rig) {
  const queue = rig.queue(64);
  const [client, server] = await rig.tcp(queue, queue);
  return { queue, client: client!, server: server! };
}

/** So many completions, as soon as they are there. */
async function completions(
  rig: Rig,
  queue: RioHandle,
  count: number,
): Promise<Completion[]> {
  const all = rig.dequeue(queue);
  const end = performance.now() + 5000;
  while (all.length < count && performance.now() < end) {
    await new Promise((resolve) => setImmediate(resolve));
    all.push(...rig.dequeue(queue));
  }
  assertEquals(all.length, count, "completions within 5 seconds");
  return all;
}

/** Has the kernel take what was written. */
function submit(rig: Rig, queue: RioHandle): void {
  assertEquals(rig.dequeue(queue), []);
}

/** Sends without a request, at once. */
function sendBeside(rig: Rig, socket: RioHandle, bytes: Uint8Array): void {
  const io = rig.rio.direct!.attach(socket, new Watcher());
  assert(typeof io !== "number", "attach() was refused");
  assertEquals(io.send(bytes, true), bytes.length);
}

for (const when of ["the kernel has them", "they were submitted"]) {
  uringTest(
    `receives are aborted in their order when the socket is closed before ${when}`,
    async (rig) => {
      const { rings, sockets } = rig.rio;
      const { queue, server } = await connected(rig);
      for (let i = 0; i < 3; i++) {
        const data = rig.slice(16 * i, 16);
        assertEquals(rings.receive(server.posts, data, 0, i), 0);
      }
      if (when === "the kernel has them") submit(rig, queue);
      assertEquals(sockets.close(server.socket), 0);
      assertEquals(
        await completions(rig, queue, 3),
        [0, 1, 2].map((context) => ({ status: ABORTED, bytes: 0, context })),
      );
    },
  );
}

uringTest(
  "a receive that was not submitted takes nothing of a connection that gets its descriptor",
  async (rig) => {
    const { rings, sockets } = rig.rio;
    const { queue, client, server } = await connected(rig);
    // Nothing is submitted before the continuations have run.
    for (const [i, { posts }] of [client, server].entries()) {
      assertEquals(rings.receive(posts, rig.slice(0, 16), 0, i), 0);
    }
    sockets.close(client.socket);
    sockets.close(server.socket);
    const next = await connected(rig);
    const { posts } = next.server;
    assertEquals(rings.receive(posts, rig.slice(32, 16), 0, 7), 0);
    sendBeside(rig, next.client.socket, new Uint8Array([1, 2, 3]));
    const [got] = await completions(rig, next.queue, 1);
    assertEquals(got, { status: 0, bytes: 3, context: 7 });
    assertEquals([...rig.memory.bytes.subarray(0, 16)], Array(16).fill(0));
    const ended = await completions(rig, queue, 2);
    assertEquals(ended.map(({ status }) => status), [ABORTED, ABORTED]);
  },
);

uringTest("what was received before a close is told", async (rig) => {
  const { rings, sockets } = rig.rio;
  const { queue, client, server } = await connected(rig);
  for (const context of [1, 2]) {
    const data = rig.slice(16 * context, 16);
    assertEquals(rings.receive(server.posts, data, 0, context), 0);
  }
  const { client: { posts } } = await connected(rig);
  submit(rig, queue);
  sendBeside(rig, client.socket, new Uint8Array([1, 2, 3]));
  // Another call has the kernel receive, and nobody looks.
  assertEquals(rings.receive(posts, rig.slice(64, 16), 0, 3), 0);
  assertEquals(rings.receive(posts, null, RIO_MSG_COMMIT_ONLY, 0), 0);
  assertEquals(sockets.close(server.socket), 0);
  assertEquals(await completions(rig, queue, 2), [
    { status: 0, bytes: 3, context: 1 },
    { status: ABORTED, bytes: 0, context: 2 },
  ]);
  assertEquals([...rig.memory.bytes.subarray(16, 20)], [1, 2, 3, 0]);
});

uringTest(
  "sends that found no room are aborted when the socket is closed",
  async (rig) => {
    const { rings, sockets } = rig.rio;
    const { queue, client } = await connected(rig);
    for (let i = 0; i < 8; i++) {
      const data = rig.slice(0, rig.memory.bytes.length);
      assertEquals(rings.send(client.posts, data, 0, i), 0);
    }
    const before = rig.dequeue(queue);
    assert(before.length < 8, "everything found room");
    assertEquals(sockets.close(client.socket), 0);
    const all = [
      ...before,
      ...await completions(rig, queue, 8 - before.length),
    ];
    assertEquals(all.map(({ context }) => context), [0, 1, 2, 3, 4, 5, 6, 7]);
    assertEquals(all.at(-1)!.status, ABORTED);
  },
);

uringTest(
  "memory that is deregistered in use stays until the request has ended",
  async (rig) => {
    const { rings, sockets } = rig.rio;
    const { queue, server } = await connected(rig);
    const memory = post();
    submit(rig, queue);
    await collected();
    assert(memory.deref() !== undefined, "the kernel writes to free memory");
    sockets.close(server.socket);
    await completions(rig, queue, 1);
    for (let i = 0; i < 50 && memory.deref() !== undefined; i++) {
      await collected();
    }
    assertEquals(memory.deref(), undefined);

    function post(): WeakRef<ArrayBufferLike> {
      const block = allocate(65536);
      const bufferId = rings.registerBuffer(block);
      const data = { bufferId, offset: 0, length: 16 };
      assertEquals(rings.receive(server.posts, data, 0, 1), 0);
      rings.deregisterBuffer(bufferId);
      return new WeakRef(block.bytes.buffer);
    }
    async function collected(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      (globalThis as unknown as { gc(): void }).gc();
    }
  },
);

uringTest(
  "a request queue grows while the kernel has a request",
  async (rig) => {
    const { rings } = rig.rio;
    const { queue, client, server } = await connected(rig);
    for (let i = 0; i < 8; i++) {
      assertEquals(rings.receive(server.posts, rig.slice(4 * i, 4), 0, i), 0);
    }
    submit(rig, queue);
    assertEquals(rings.resizeRequestQueue(server.posts, 20, 20), 0);
    for (let i = 8; i < 20; i++) {
      assertEquals(rings.receive(server.posts, rig.slice(4 * i, 4), 0, i), 0);
    }
    const bytes = Uint8Array.from({ length: 80 }, (_, i) => i + 1);
    sendBeside(rig, client.socket, bytes);
    assertEquals(
      await completions(rig, queue, 20),
      Array.from({ length: 20 }, (_, context) => ({
        status: 0,
        bytes: 4,
        context,
      })),
    );
    assertEquals(rig.memory.bytes.subarray(0, 80), bytes);
  },
);

uringTest("a request that the ring has no room for says so", async (rig) => {
  const { rings } = rig.rio;
  const { queue, client, server } = await connected(rig);
  const { receiveAt, sendFrom } = Uring.prototype;
  const full = () => {
    throw new RangeError("Cannot write to a full ring");
  };
  try {
    Object.assign(Uring.prototype, { receiveAt: full, sendFrom: full });
    assertEquals(rings.receive(server.posts, rig.slice(0, 4), 0, 1), 0);
    assertEquals(rings.send(client.posts, rig.slice(4, 4), 0, 2), 0);
  } finally {
    Object.assign(Uring.prototype, { receiveAt, sendFrom });
  }
  const refused = { status: wsa.WSAENOBUFS, bytes: 0 };
  assertEquals(await completions(rig, queue, 2), [
    { ...refused, context: 1 },
    { ...refused, context: 2 },
  ]);
  // And goes on where there is room again.
  assertEquals(rings.receive(server.posts, rig.slice(0, 4), 0, 3), 0);
  assertEquals(rings.send(client.posts, rig.slice(4, 4), 0, 4), 0);
  const all = await completions(rig, queue, 2);
  assertEquals(all.map(({ status, bytes }) => [status, bytes]), [
    [0, 4],
    [0, 4],
  ]);
});

uringTest(
  "what was posted before sending ends arrives, behind others",
  async (rig) => {
    const { rings, sockets } = rig.rio;
    const { queue, client, server } = await connected(rig);
    const [sent, all] = [Uint8Array.from({ length: 24 }, (_, i) => i + 1), 64];
    rig.memory.bytes.set(sent, 0);
    // What many others have to be told comes first.
    const others = [];
    for (let i = 0; i < 20; i++) others.push(await connected(rig));
    for (const { client, server } of others) {
      assertEquals(rings.receive(server.posts, rig.slice(512, 4), 0, 0), 0);
      assertEquals(rings.send(client.posts, rig.slice(516, 4), 0, 0), 0);
    }
    for (let i = 0; i < 3; i++) {
      assertEquals(rings.send(client.posts, rig.slice(8 * i, 8), 0, i), 0);
    }
    assertEquals(sockets.shutdown(client.socket, SD_SEND), 0);
    const ended = await completions(rig, queue, 3);
    assertEquals(ended.map(({ status }) => status), [0, 0, 0]);
    for (let got = 0; got < all;) {
      const into = rig.slice(256 + got, all - got);
      assertEquals(rings.receive(server.posts, into, 0, 9), 0);
      const [{ status, bytes }] = await completions(rig, queue, 1) as [
        Completion,
      ];
      assertEquals(status, 0);
      if (bytes === 0) break;
      got += bytes;
    }
    assertEquals(rig.memory.bytes.slice(256, 280), sent);
  },
);

for (
  const [engine, test] of [["epoll", linuxTest], ["ring", uringTest]] as const
) {
  test(
    `${engine}: a receive on a connection tells nothing of what a datagram left`,
    async (rig) => {
      const { rings, sockets } = rig.rio;
      const { bytes } = rig.memory;
      const queue = rig.queue(16);
      const udp = rig.udp(queue);
      assertEquals(
        sockets.setOption(udp.socket, IPPROTO_IP, IP_PKTINFO, ON),
        0,
      );
      const [control, flags] = [rig.slice(64, 24), rig.slice(128, 4)];
      const [local, remote] = [rig.slice(192, 28), rig.slice(256, 28)];
      const receive = (posts: RioHandle) =>
        rings.receiveEx(
          posts,
          rig.slice(0, 2),
          local,
          null,
          control,
          flags,
          0,
          5,
        );
      assertEquals(receive(udp.posts), 0);
      bytes.set(udp.address, remote.offset);
      const data = rig.slice(300, 3);
      assertEquals(rings.sendEx(udp.posts, data, remote, null, 0, 6), 0);
      await completions(rig, queue, 2);
      // The datagram was cut off, and so was what came with it.
      assertEquals([...bytes.subarray(128, 132)], [0, 3, 0, 0]);
      assertEquals(sockets.close(udp.socket), 0);

      const { queue: next, client, server } = await connected(rig);
      const address = new Uint8Array(28);
      assertEquals(sockets.localAddress(server.socket, address), 0);
      bytes.fill(0xFF, 64, 220);
      assertEquals(receive(server.posts), 0);
      sendBeside(rig, client.socket, new Uint8Array([1, 2]));
      const [got] = await completions(rig, next, 1);
      assertEquals(got, { status: 0, bytes: 2, context: 5 });
      assertEquals([...bytes.subarray(128, 132)], [0, 0, 0, 0]);
      assertEquals(bytes.slice(192, 220), address);
    },
  );
}
