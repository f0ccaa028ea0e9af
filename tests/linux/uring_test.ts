/** Connections in the ring: who owns which memory, and what it is told. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type {
  RioDirectSocket,
  RioHandle,
  RioWatcher,
} from "../../ffi/contract.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { openLinux, openUring } from "../../ffi/linux/backend.ts";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import {
  openUringLibrary,
  type UringSymbols,
} from "../../ffi/linux/uring/library.ts";
import { type Owner, Uring } from "../../ffi/linux/uring/uring.ts";
import { openSession } from "../../ffi/mod.ts";
import { connect, listen, rioSupport } from "../../mod.ts";
import { runScript } from "../session/child.ts";
import { within } from "../session/harness.ts";
import { skipped } from "../skip.ts";
import { WITHOUT_URING } from "./engine.ts";
import { type Rig, uringTest } from "./rig.ts";

const HOST = "127.0.0.1";
const BLOCKED = -wsa.WSAEWOULDBLOCK;

/** One end of a connection, and what it was told. */
class End implements RioWatcher {
  readonly io: RioDirectSocket;
  arrivals = 0;
  room = 0;
  over = 0;

  constructor(rig: Rig, readonly socket: RioHandle) {
    const io = rig.rio.direct!.attach(socket, this);
    assert(typeof io !== "number", "attach() was refused");
    this.io = io;
  }

  readable(): void {
    this.arrivals++;
  }

  writable(): void {
    this.room++;
  }

  closed(): void {
    this.over++;
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

/** Registers a test that opens its ring itself. */
function test(
  name: string,
  fn: () => void | Promise<void>,
  options: Partial<Deno.TestDefinition> = {},
): void {
  const full = `io_uring: ${name}`;
  const ignore = skipped(full, WITHOUT_URING);
  Deno.test({ ...options, name: full, ignore, fn });
}

/** Takes what an owner is told. */
class Told implements Owner {
  readonly results: number[] = [];
  errno = 0;

  completed(_kind: number, result: number): boolean {
    this.results.push(result);
    return true;
  }

  broken(errno: number): void {
    this.errno = errno;
  }
}

/** A ring over functions of which a test replaces some. */
function openRing(replaced: Partial<UringSymbols> = {}): Uring & Disposable {
  const library = acquireLibrary();
  const eventfd = library.symbols.eventfd(0, 0o2004000);
  const uring = new Uring(library, eventfd, {
    open() {
      const opened = openUringLibrary();
      const symbols = { ...opened.symbols, ...replaced };
      return { symbols, [Symbol.dispose]: () => opened[Symbol.dispose]() };
    },
    buffers: 4,
  });
  return Object.assign(uring, {
    [Symbol.dispose]() {
      uring.close();
      library.symbols.close(eventfd);
    },
  });
}

test(
  "a ring that cannot be entered any more tells those who wait, and serves nobody",
  async () => {
    using library = openUringLibrary();
    const { io_uring_enter } = library.symbols;
    const { errno } = acquireLibrary();
    let broken = false;
    const uring = openRing({
      io_uring_enter: (...given) => {
        if (!broken) return io_uring_enter(...given);
        errno[0] = 5;
        return -1;
      },
    });
    const told = new Told();
    const index = uring.enlist(told);
    broken = true;
    uring.poll(0, 1, index, 0);
    const end = performance.now() + 5000;
    while (!uring.broken && performance.now() < end) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert(uring.broken);
    assert(told.errno > 0);
    assertEquals(told.results, []);
    assertEquals(uring.collect(), 0);
    // The kernel may still write: the ring and its library stay for ever.
    uring[Symbol.dispose]();
  },
  { sanitizeResources: false },
);

test("a call that fails is made again in the next turn", async () => {
  using library = openUringLibrary();
  const { io_uring_enter } = library.symbols;
  const { errno } = acquireLibrary();
  let failures = 0;
  using uring = openRing({
    io_uring_enter: (...given) => {
      if (failures === 0) return io_uring_enter(...given);
      failures--;
      errno[0] = 16;
      return -1;
    },
  });
  const told = new Told();
  const index = uring.enlist(told);
  failures = 3;
  // Standard input has an end, or something to read, or nothing: cancelled.
  uring.poll(0, 1, index, 0);
  uring.cancel(index, 0);
  const end = performance.now() + 5000;
  while (told.results.length === 0 && performance.now() < end) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals([told.results.length, failures, told.errno], [1, 0, 0]);
  uring.dismiss(index);
});

test("more entries than fit are submitted on the way", async () => {
  using uring = openRing();
  const owners = Array.from({ length: 3000 }, () => new Told());
  const indices = owners.map((owner) => uring.enlist(owner));
  const { symbols } = acquireLibrary();
  const eventfd = symbols.eventfd(0, 0o2004000);
  for (const index of indices) uring.poll(eventfd, 1, index, 1);
  symbols.write(eventfd, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8n);
  const end = performance.now() + 5000;
  const waits = () => owners.some(({ results }) => results.length === 0);
  while (waits() && performance.now() < end) {
    uring.collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert(!waits(), "some were not told");
  for (const { results } of owners) assertEquals(results, [1]);
  for (const index of indices) uring.dismiss(index);
  symbols.close(eventfd);
});

test("what is missing is told, and connections do without", async () => {
  for (
    const [call, replaced] of Object.entries(
      {
        io_uring_setup: { io_uring_setup: () => -1 },
        io_uring_register: { io_uring_register: () => -1 },
        mmap: { mmap: () => 0xFFFFFFFFFFFFFFFFn },
      } satisfies Record<string, Partial<UringSymbols>>,
    )
  ) {
    assertThrows(
      () => openRing(replaced),
      Deno.errors.NotSupported,
      `Cannot use io_uring: ${call} failed`,
    );
  }
  const session = openSession(openLinux());
  using listener = listen({ hostname: HOST, session });
  const accepted = listener.accept();
  using client = await connect({ ...address(listener.addr), session });
  using server = await accepted;
  await client.write(numbers(10));
  const into = new Uint8Array(10);
  assertEquals(await within(server.read(into)), 10);
  assertEquals(into, numbers(10));
});

function address({ hostname, port }: Deno.NetAddr) {
  return { hostname, port };
}

/** What programs begin with: a connection whose server reads. */
const CONNECTED = `
  const { connect, listen } = await import("${new URL(
  "../../mod.ts",
  import.meta.url,
)}");
  const session = RioSession.open({ backend: "io_uring" });
  const listener = listen({ hostname: "127.0.0.1", port: 0, session });
  const accepted = listener.accept();
  const { port } = listener.addr;
  const client = await connect({ hostname: "127.0.0.1", port, session });
  const server = await accepted;
  listener.close();
  const into = new Uint8Array(64);
`;

async function ends(script: string): Promise<string> {
  const { code, stdout, stderr } = await runScript(CONNECTED + script, {
    flags: ["-A"],
    leaves: true,
  });
  assertEquals([code, stderr], [0, ""]);
  return stdout.trim();
}

test("a program ends with receives in the ring", async () => {
  await ends(`
    server.unref();
    server.read(into);
    await new Promise((resolve) => setTimeout(resolve, 20));
    console.log("end");`);
  await ends(`server.read(into).catch(() => {}); Deno.exit();`);
});

test("what was written before Deno.exit() arrives", async () => {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const received = listener.accept().then((conn) =>
    new Response(conn.readable).bytes()
  );
  await ends(`
    const conns = [client, await connect({ hostname: "127.0.0.1", port: ${listener.addr.port}, session })];
    // The second of those that send at a time goes through the ring.
    await Promise.all(conns.map((conn) => conn.write(new Uint8Array(1000).fill(7))));
    Deno.exit();`);
  assertEquals((await within(received)).length, 1000);
});

test("a child process does not keep a connection open", async () => {
  const told = await ends(`
    server.read(into).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 5));
    const child = new Deno.Command("sleep", { args: ["30"] }).spawn();
    server.close();
    console.log(await client.read(into));
    child.kill();
    await child.status;
    client.close();`);
  assertEquals(told, "null");
});

test("a worker that is terminated with receives in the ring leaves others alone", async () => {
  const worker = `
    import { connect, listen } from "${new URL(
    "../../mod.ts",
    import.meta.url,
  )}";
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const client = await connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const server = await accepted;
    server.read(new Uint8Array(64)).catch(() => {});
    client.read(new Uint8Array(64)).catch(() => {});
    setTimeout(() => postMessage("waits"), 5);`;
  const told = await ends(`
    const url = "data:application/javascript," + encodeURIComponent(${
    JSON.stringify(worker)
  });
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(url, { type: "module" });
      await new Promise((resolve) => worker.onmessage = resolve);
      worker.terminate();
      const read = server.read(into);
      await client.write(new Uint8Array([i]));
      console.log(await read, into[0]);
    }
    client.close();
    server.close();`);
  assertEquals(told, "1 0\n1 1\n1 2\n1 3\n1 4");
});

test("rioSupport() opens no ring that stays", () => {
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = count();
  for (let i = 0; i < 5; i++) {
    assertEquals(rioSupport({ backend: "io_uring" }).engine, "io_uring");
    openUring().close(false);
  }
  assertEquals(count(), before);
});
