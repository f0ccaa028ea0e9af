/** Connections in the ring: who owns which memory, and what it is told. */
import { assert, assertEquals } from "@std/assert";
import type { RioDirectSocket, RioHandle } from "../../ffi/contract.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { type Rig, uringTest, Watcher } from "./rig.ts";

const BLOCKED = -wsa.WSAEWOULDBLOCK;

/** One end of a connection, and what it was told. */
class End extends Watcher {
  readonly io: RioDirectSocket;

  constructor(rig: Rig, readonly socket: RioHandle) {
    super();
    const io = rig.rio.direct!.attach(socket, this);
    assert(typeof io !== "number", "attach() was refused");
    this.io = io;
  }
}

async function pair(rig: Rig): Promise<[client: End, server: End]> {
  const queue = rig.queue(64);
  const [client, server] = await rig.tcp(queue, queue);
  return [new End(rig, client!.socket), new End(rig, server!.socket)];
}

let pumping: Promise<unknown> | null = null;

/** Has what has arrived told; one wait for all who ask at the same time. */
function pump({ rio }: Rig): Promise<unknown> {
  return pumping ??= rio.waits.wait(() => false).finally(() => pumping = null);
}

async function look(rig: Rig, holds: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!holds() && performance.now() < end) {
    await pump(rig);
  }
  assert(holds(), "it was not told within 5 seconds");
}

/** Receives so many bytes, or up to the end. */
async function receiveAll(
  rig: Rig,
  { io }: End,
  length: number,
  piece = length,
): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  let got = 0;
  const end = performance.now() + 5000;
  while (got < length && performance.now() < end) {
    const count = io.receive(all.subarray(got, got + piece));
    if (count === 0) break;
    if (count > 0) got += count;
    else {
      assertEquals(count, BLOCKED);
      await pump(rig);
    }
  }
  return all.subarray(0, got);
}

/** Sends all, again and again with the same bytes where there was no room. */
async function sendAll(rig: Rig, { io }: End, bytes: Uint8Array) {
  for (let left = bytes; left.length > 0;) {
    const count = io.send(left);
    if (count > 0) left = left.subarray(count);
    else {
      assertEquals(count, BLOCKED);
      await pump(rig);
    }
  }
}

function numbers(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 255);
}

uringTest("what a receive does not take is there for the next", async (rig) => {
  const [client, server] = await pair(rig);
  assertEquals(server.io.receive(new Uint8Array(4)), BLOCKED);
  const sent = numbers(100);
  await sendAll(rig, client, sent);
  assertEquals(await receiveAll(rig, server, 100, 7), sent);
  assertEquals(server.io.receive(new Uint8Array(4)), BLOCKED);
});

for (const length of [1, 63, 64, 65, 2047, 2048, 2049, 4096, 4097, 300_000]) {
  uringTest(`${length} bytes arrive as they were sent`, async (rig) => {
    const [client, server] = await pair(rig);
    const sent = numbers(length);
    assertEquals(server.io.receive(new Uint8Array(1)), BLOCKED);
    const [got] = await Promise.all([
      receiveAll(rig, server, length),
      sendAll(rig, client, sent),
    ]);
    assertEquals(got, sent);
  });
}

uringTest(
  "much and little arrive in turn, and a close ends the wait for both",
  async (rig) => {
    const [client, server] = await pair(rig);
    for (const [i, length] of [300_000, 5, 5000, 1, 2048, 100_000].entries()) {
      const sent = numbers(length, i);
      const [got] = await Promise.all([
        receiveAll(rig, server, length, 3000),
        sendAll(rig, client, sent),
      ]);
      assertEquals(got, sent);
      // It waits for what comes next, in the way of what came last.
      assertEquals(server.io.receive(new Uint8Array(1)), BLOCKED);
    }
    await pump(rig);
    rig.rio.sockets.close(server.socket);
    assertEquals(client.io.receive(new Uint8Array(1)), BLOCKED);
    await look(rig, () => client.arrivals > 0);
    assertEquals(client.io.receive(new Uint8Array(1)), 0);
  },
);

uringTest("small sends of many sockets keep their order", async (rig) => {
  const pairs: [End, End][] = [];
  for (let i = 0; i < 30; i++) pairs.push(await pair(rig));
  for (const [, server] of pairs) {
    assertEquals(server.io.receive(new Uint8Array(1)), BLOCKED);
  }
  const texts = pairs.map((_, i) => numbers(500, i));
  await Promise.all(pairs.flatMap(([client, server], i) => [
    (async () => {
      for (let at = 0; at < 500; at += 50) {
        await sendAll(rig, client, texts[i]!.subarray(at, at + 50));
      }
    })(),
    (async () => {
      assertEquals(await receiveAll(rig, server, 500), texts[i]);
    })(),
  ]));
});

uringTest("the end of a stream is told, and told again", async (rig) => {
  const [client, server] = await pair(rig);
  const into = new Uint8Array(8);
  assertEquals(server.io.receive(into), BLOCKED);
  assertEquals(rig.rio.sockets.shutdown(client.socket, 1), 0);
  await look(rig, () => server.arrivals > 0);
  assertEquals([server.io.receive(into), server.io.receive(into)], [0, 0]);
});

uringTest("a reset is told to who receives, and to who sends", async (rig) => {
  const [client, server] = await pair(rig);
  const into = new Uint8Array(8);
  assertEquals(server.io.receive(into), BLOCKED);
  // A socket that is closed with data it did not read resets its connection.
  await sendAll(rig, server, numbers(8));
  rig.rio.sockets.close(client.socket);
  await look(rig, () => server.arrivals > 0);
  assertEquals(server.io.receive(into), -wsa.WSAECONNRESET);
  assert(server.io.send(into) < 0);
});

uringTest(
  "a receive that waits ends when its socket is closed, and the peer is told",
  async (rig) => {
    const [client, server] = await pair(rig);
    const into = new Uint8Array(8);
    assertEquals(client.io.receive(into), BLOCKED);
    await pump(rig);
    assertEquals(server.io.receive(into), BLOCKED);
    assertEquals(rig.rio.sockets.close(server.socket), 0);
    assertEquals([server.over, server.arrivals], [1, 0]);
    await look(rig, () => client.arrivals > 0);
    assertEquals(client.io.receive(into), 0);
    assertEquals(server.io.receive(into), -wsa.WSAENOTSOCK);
  },
);

uringTest(
  "a receive that was not submitted takes nothing of a socket that gets its descriptor",
  async (rig) => {
    const [client, server] = await pair(rig);
    // Nothing is submitted before the continuations have run.
    assertEquals(server.io.receive(new Uint8Array(8)), BLOCKED);
    assertEquals(client.io.receive(new Uint8Array(8)), BLOCKED);
    rig.rio.sockets.close(server.socket);
    rig.rio.sockets.close(client.socket);
    const queue = rig.queue(64);
    const others = Array.from({ length: 4 }, () => rig.udp(queue));
    const ios = others.map(({ socket }) => new End(rig, socket).io);
    for (const [i, { address }] of others.entries()) {
      assertEquals(ios[i]!.sendTo(numbers(5, i), address), 5);
    }
    await pump(rig);
    const [into, from] = [new Uint8Array(8), new Uint8Array(28)];
    for (const [i, io] of ios.entries()) {
      assertEquals(io.receiveFrom(into, from), 5);
      assertEquals(into.subarray(0, 5), numbers(5, i));
    }
  },
);

uringTest("receives lose nothing where no buffer is left", async (rig) => {
  const pairs: [End, End][] = [];
  for (let i = 0; i < 4; i++) pairs.push(await pair(rig));
  const one = new Uint8Array(1);
  // The first two hold the two buffers, of which each has taken a byte.
  for (const [client, server] of pairs) {
    assertEquals(server.io.receive(one), BLOCKED);
    await sendAll(rig, client, numbers(3000));
    await look(rig, () => server.arrivals > 0);
    assertEquals(server.io.receive(one), 1);
  }
  for (const [, server] of pairs.toReversed()) {
    const rest = await receiveAll(rig, server, 2999);
    assertEquals(rest, numbers(3000).subarray(1));
    // And from then on it waits in the ring again.
    assertEquals(server.io.receive(one), BLOCKED);
  }
}, { buffers: 2 });
