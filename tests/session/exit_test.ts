/**
 * Programs that end in every way, and must not hang on it.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type RunOptions, runScript, signalWhen } from "./child.ts";
import { skipped } from "../skip.ts";

const FLAGS = ["--allow-ffi", "--allow-net", "--allow-read"];

/** A session with a receive in flight and a wait for it. */
const WAITING = `
  const session = open();
  const buffer = session.registerBuffer(4096);
  const socket = udp(session);
  socket.receive(buffer.slice());
  const waiting = socket.completions.notify();
`;

function run(script: string, options: RunOptions = {}) {
  return runScript(script, { flags: FLAGS, ...options });
}

/** Runs a script that leaves to the system what it opened. */
function leave(script: string, options: RunOptions = {}) {
  return run(script, { leaves: true, ...options });
}

Deno.test("a program ends when nothing was disposed", async () => {
  const { code, stderr } = await leave(`
    const session = open();
    const buffer = session.registerBuffer(4096);
    const socket = udp(session);
    socket.receive(buffer.slice());`);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("a program ends when all that it waited for has come", async () => {
  const { code, stdout, stderr } = await leave(`
    const session = open();
    const socket = listenDatagram({ session, hostname: "127.0.0.1", port: 0 });
    for (let i = 0; i < 3; i++) {
      const received = socket.receive();
      // Late enough to have it sleep.
      await new Promise((resolve) => setTimeout(resolve, 5));
      await socket.send(new Uint8Array([i]), socket.addr);
      console.log((await received)[0][0]);
    }`);
  assertEquals([code, stdout, stderr], [0, "0\n1\n2\n", ""]);
});

Deno.test("a program ends by itself after using", async () => {
  const { code, stdout } = await run(`
    let last;
    {
      using session = open();
      last = session;
      using buffer = session.registerBuffer(4096);
      using socket = udp(session);
      socket.receive(buffer.slice());
      socket.completions.notify();
    }
    console.log(last.stats().deregistered, last.stats().abandoned);`);
  assertEquals([code, stdout], [0, "1 0\n"]);
});

Deno.test("a program ends by itself after await using with a wait pending", async () => {
  const { code, stdout } = await run(`
    let last;
    {
      await using session = open();
      last = session;
      const buffer = session.registerBuffer(4096);
      const socket = udp(session);
      socket.receive(buffer.slice());
      (async () => { for await (const _ of socket.completions); })();
    }
    console.log(last.stats().deregistered, last.stats().abandoned);`);
  assertEquals([code, stdout], [0, "1 0\n"]);
});

Deno.test("a program ends by itself when an iterator was left", async () => {
  const { code, stdout } = await leave(`
    const session = open();
    const buffer = session.registerBuffer(64);
    const socket = udp(session);
    await socket.connect(socket.address);
    setTimeout(() => socket.send(buffer.slice()), 20);
    for await (const batch of socket.completions) {
      console.log(batch.length);
      break;
    }`);
  assertEquals([code, stdout], [0, "1\n"]);
});

Deno.test("a program ends by itself when a queue was closed under its iterator", async () => {
  const { code, stdout } = await leave(`
    const session = open();
    const queue = session.createCompletionQueue();
    setTimeout(() => queue.close(), 20);
    for await (const _ of queue);
    console.log("done");`);
  assertEquals([code, stdout], [0, "done\n"]);
});

Deno.test("a wait keeps a program alive until it ends", async () => {
  const { code, stdout } = await leave(
    `
    const session = open();
    const buffer = session.registerBuffer(4096);
    const receiver = udp(session);
    receiver.receive(buffer.slice(0, 100));
    const { port } = receiver.address;
    new Worker(URL.createObjectURL(new Blob([\`
      const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      setTimeout(async () => {
        await socket.send(new Uint8Array(3), { transport: "udp", hostname: "127.0.0.1", port: \${port} });
        socket.close();
        self.close();
      }, 50);
    \`])), { type: "module" });
    for await (const [completion] of receiver.completions) {
      console.log(completion.bytesTransferred);
      break;
    }`,
    { flags: [...FLAGS, "--unstable-net"] },
  );
  assertEquals([code, stdout], [0, "3\n"]);
});

Deno.test("a program ends with Deno.exit() and a wait pending", async () => {
  const { code } = await leave(`${WAITING}
    setTimeout(() => Deno.exit(7), 20);
    await waiting;`);
  assertEquals(code, 7);
});

Deno.test("a program ends with Deno.exit() in the middle of a block", async () => {
  const { code } = await leave(`
    using session = open();
    using buffer = session.registerBuffer(4096);
    using socket = udp(session);
    socket.receive(buffer.slice());
    Deno.exit(3);`);
  assertEquals(code, 3);
});

Deno.test("a program ends with an error that nobody catches and a wait pending", async () => {
  const { code, stderr } = await leave(`${WAITING}
    setTimeout(() => { throw new Error("nobody catches this"); }, 20);
    await waiting;`);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "nobody catches this");
});

Deno.test("a program ends with an error at its top level and a wait pending", async () => {
  const { code, stderr } = await leave(`${WAITING}
    throw new Error("at the top level");`);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "at the top level");
});

Deno.test("a program ends with an error inside using and a wait pending", async () => {
  const { code, stderr } = await run(`
    await using session = open();
    using buffer = session.registerBuffer(4096);
    using socket = udp(session);
    socket.receive(buffer.slice());
    socket.completions.notify();
    throw new Error("inside the block");`);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Error: inside the block");
  assert(!stderr.includes("SuppressedError"), stderr);
});

const noSignals = skipped(
  "programs that get signals",
  Deno.build.os === "windows" ? "Windows sends none to one process" : undefined,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `a program ends with ${signal} and a wait pending`,
    ignore: noSignals,
    fn: async () => {
      const outcome = await leave(
        `${WAITING}
        console.log("ready");
        await waiting;`,
        { watch: signalWhen("ready", signal) },
      );
      assertEquals(outcome.signal, signal);
    },
  });

  Deno.test({
    name: `a program that listens for ${signal} closes its session cleanly`,
    ignore: noSignals,
    fn: async () => {
      const { code, stdout } = await run(
        `${WAITING}
        const stop = async () => {
          await session.close();
          const { registered, deregistered, abandoned } = session.stats();
          console.log(registered, deregistered, abandoned);
          Deno.removeSignalListener("${signal}", stop);
        };
        Deno.addSignalListener("${signal}", stop);
        console.log("ready");
        console.log(await waiting);`,
        { watch: signalWhen("ready", signal) },
      );
      assertEquals(code, 0);
      assertStringIncludes(stdout, "1 1 0");
      assertStringIncludes(stdout, "false");
    },
  });
}

Deno.test("a program ends when a worker was terminated with a wait pending", async () => {
  const { code, stdout } = await leave(`
    if (globalThis.WorkerGlobalScope !== undefined) {
      ${WAITING}
      self.postMessage("waiting");
      await waiting;
    } else {
      const worker = new Worker(import.meta.url, { type: "module" });
      await new Promise((resolve) => { worker.onmessage = resolve; });
      worker.terminate();
      console.log("terminated");
      using session = open();
      using buffer = session.registerBuffer(100);
      using socket = udp(session);
      await socket.connect(socket.address);
      socket.send(buffer.slice());
      await socket.completions.notify();
      console.log(socket.completions.dequeue().length);
    }`);
  assertEquals([code, stdout], [0, "terminated\n1\n"]);
});

Deno.test("a program ends when a worker closed itself with a session open", async () => {
  const { code, stdout } = await leave(`
    if (globalThis.WorkerGlobalScope !== undefined) {
      const session = open();
      udp(session).receive(session.registerBuffer(100).slice());
      self.postMessage("open");
      self.close();
    } else {
      const worker = new Worker(import.meta.url, { type: "module" });
      await new Promise((resolve) => { worker.onmessage = resolve; });
      console.log("done");
    }`);
  assertEquals([code, stdout], [0, "done\n"]);
});

Deno.test("a program that ends with its standard input closes its session", async () => {
  const { code, stdout } = await run(
    `${WAITING}
    import process from "node:process";
    process.stdin.on("end", async () => {
      await session.close();
      console.log(session.stats().deregistered);
    });
    process.stdin.resume();
    console.log("ready");
    console.log(await waiting);`,
    {
      stdin: "piped",
      watch: async (child, stdout) => {
        if (stdout.trim() === "ready") await child.stdin.close();
      },
    },
  );
  assertEquals(code, 0);
  assertEquals(stdout.trim().split("\n").toSorted(), ["1", "false", "ready"]);
});

Deno.test("a program ends when its accept() waits and the listener is closed", async () => {
  const { code, stdout } = await leave(`
    const session = open();
    const listener = session.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 });
    setTimeout(() => listener.close(), 20);
    await attempt("accept", () => listener.accept());`);
  assertEquals([code, stdout], [0, "accept RioClosedError\n"]);
});

Deno.test("a program ends by itself when only an unreferenced wait of another session goes on", async () => {
  const { code, stdout } = await leave(`
    const idle = open();
    const listener = idle.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 });
    listener.unref();
    listener.accept();
    const session = open();
    const buffer = session.registerBuffer(64);
    const socket = udp(session);
    await socket.connect(socket.address);
    setTimeout(() => socket.send(buffer.slice()), 20);
    console.log(await socket.completions.notify());`);
  assertEquals([code, stdout], [0, "true\n"]);
});

Deno.test("listener.ref() keeps a program alive that waits for a connection", async () => {
  const { code, stdout } = await leave(`
    const session = open();
    const listener = session.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 });
    listener.unref();
    listener.accept().then(({ transport }) => console.log(transport));
    listener.ref();
    const client = session.openSocket({ transport: "tcp" });
    Deno.unrefTimer(setTimeout(() => client.connect(listener.address), 20));`);
  assertEquals([code, stdout], [0, "tcp\n"]);
});

Deno.test("a program ends by itself when a wait for an event left one for a port behind", async () => {
  const { code, stdout } = await leave(`
    const idle = open();
    idle.createCompletionQueue();
    const session = open();
    const buffer = session.registerBuffer(64);
    const socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1", notification: "event" });
    await socket.connect(socket.address);
    setTimeout(() => socket.send(buffer.slice()), 20);
    console.log(await socket.completions.notify());`);
  assertEquals([code, stdout], [0, "true\n"]);
});
