/** The ring of a thread: calls that fail, and programs that end around it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openLinux, openUring } from "../../ffi/linux/backend.ts";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import {
  openUringLibrary,
  type UringSymbols,
} from "../../ffi/linux/uring/library.ts";
import { Ring } from "../../ffi/linux/uring/ring.ts";
import { type Owner, Uring } from "../../ffi/linux/uring/uring.ts";
import { openSession } from "../../ffi/mod.ts";
import { connect, listen, rioSupport } from "../../mod.ts";
import { until } from "../patience.ts";
import { runScript } from "../session/child.ts";
import { within } from "../session/harness.ts";
import { skipped } from "../skip.ts";
import { WITHOUT_URING } from "./engine.ts";

const HOST = "127.0.0.1";

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

/** A ring, and what it signals. */
type OpenRing = Uring & Disposable & { readonly eventfd: number };

/** A ring over functions of which a test replaces some. */
function openRing(replaced: Partial<UringSymbols> = {}): OpenRing {
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
    eventfd,
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
    // Nobody is asked to end what has ended.
    uring.cancel(index, 0);
    // What would never complete is not begun.
    assertEquals([uring.takeSlot(), uring.takeSlot()], [-1, -1]);
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

test("a sleep begins though the kernel goes on saying that something is due", async () => {
  using uring = openRing();
  const { symbols } = acquireLibrary();
  const watched = symbols.eventfd(0, 0o2004000);
  const told = new Told();
  const index = uring.enlist(told);
  uring.poll(watched, 1, index, 0);
  // It sets the flag after it has queued what is due, which may be done by then.
  const due = Object.getOwnPropertyDescriptor(Ring.prototype, "due")!;
  let looks = 0;
  const get = () => {
    assert(++looks < 100, "it is asked again and again");
    return true;
  };
  Object.defineProperty(Ring.prototype, "due", { ...due, get });
  try {
    uring.sleep();
    assertEquals(uring.collect(), 0);
    const count = new Uint8Array(8);
    assertEquals(symbols.read(uring.eventfd, count, 8n), -1);
    // What comes after the last look ends the sleep.
    symbols.write(watched, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8n);
    const signalled = () => symbols.read(uring.eventfd, count, 8n) === 8;
    await until(signalled, "the end of the sleep");
    uring.wake();
    uring.collect();
    assertEquals(told.results, [1]);
  } finally {
    Object.defineProperty(Ring.prototype, "due", due);
  }
  uring.dismiss(index);
  symbols.close(watched);
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
  await client.write(new Uint8Array(10).fill(7));
  const into = new Uint8Array(10);
  assertEquals(await within(server.read(into)), 10);
  assertEquals(into, new Uint8Array(10).fill(7));
});

test("connections do without a ring that works no more, and try it once", async () => {
  // It has worked in this thread: the next one is opened by a connection.
  openUring().close(false);
  const { symbols, errno } = acquireLibrary();
  let tries = 0;
  const eventfd = (value: number, flags: number) => {
    // What a ring reads from to prove itself.
    if (value !== 1) return symbols.eventfd(value, flags);
    tries++;
    errno[0] = 24;
    return -1;
  };
  const library = { symbols: { ...symbols, eventfd }, errno };
  await using session = openSession(openUring({ library }));
  using listener = listen({ hostname: HOST, session });
  for (let i = 0; i < 2; i++) {
    const accepted = listener.accept();
    using client = await connect({ ...address(listener.addr), session });
    using server = await accepted;
    await client.write(new Uint8Array([i]));
    const into = new Uint8Array(10);
    assertEquals([await within(server.read(into)), into[0]], [1, i]);
  }
  assertEquals(tries, 1);
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
