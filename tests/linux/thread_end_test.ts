/**
 * Threads that end with sockets open: their ports are free again, their peers
 * are told, and nobody else's descriptor is closed.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { runScript } from "../session/child.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { WITHOUT_URING } from "./engine.ts";

const ROOT = new URL("../../", import.meta.url);

/** What the scripts are made of: one file for the main thread and its workers. */
const TOOLS = `
import { connect, listen } from "${new URL("mod.ts", ROOT)}";
import { openSession } from "${new URL("ffi/mod.ts", ROOT)}";
import { openLinux, openUring } from "${new URL("ffi/linux/backend.ts", ROOT)}";
const HOST = "127.0.0.1";
/** A group that no other process is a member of, and as the system lists it. */
const GROUP = [239, 1, Deno.pid >> 8 & 255, Deno.pid & 255];
const LISTED = GROUP.toReversed()
  .map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
// One eventfd stays: Deno does not close what it watches for us.
const KINDS = /eventpoll|io_uring|socket/;
const descriptors = () => {
  const found = new Map();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync("/proc/self/fd/" + name);
      if (KINDS.test(link)) found.set(Number(name), link);
    } catch { /* The one that lists the others. */ }
  }
  return found;
};
/** What was opened in a worker; Deno has opened something, too. */
const since = (before) => {
  const ofDeno = Deno.readTextFileSync("/proc/net/unix");
  return [...descriptors()].filter(([fd, link]) => {
    const [inode] = /\\d+/.exec(link) ?? [];
    return !before.has(fd) && (inode === undefined || !ofDeno.includes(" " + inode));
  });
};
const gone = (own) => {
  const now = descriptors();
  return own.every(([fd, link]) => now.get(fd) !== link);
};
/** Nobody is told of the end of a thread; a script that never ends is killed. */
const until = async (call) => {
  while (!await call()) await new Promise((resolve) => setTimeout(resolve, 2));
};
const binds = (port) => {
  try {
    Deno.listenDatagram({ transport: "udp", hostname: HOST, port }).close();
    return true;
  } catch { return false; }
};
const listens = (port) => {
  try {
    Deno.listen({ hostname: HOST, port }).close();
    return true;
  } catch { return false; }
};
const told = (conn) => conn.read(new Uint8Array(1 << 16)).then(
  (count) => count === null ? "ended" : "data",
  (error) => error.name === "ConnectionReset" ? "ended" : error.name,
);
const isWorker = "WorkerGlobalScope" in globalThis;
/** Starts a worker, which runs this file again, and takes its first message. */
const start = async (name) => {
  const worker = new Worker(import.meta.url, { type: "module", name });
  worker.onerror = (event) => event.preventDefault();
  const message = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
  return { worker, message };
};
`;

function scriptTest(
  name: string,
  script: string,
  judge: (report: Record<string, unknown>) => void,
  { engine }: { engine?: Engine } = {},
): void {
  const why = NOT_LINUX ?? (engine === "io_uring" ? WITHOUT_URING : undefined);
  Deno.test({
    name,
    ignore: skipped(name, why),
    async fn() {
      const { code, stdout, stderr } = await runScript(TOOLS + script, {
        flags: ["-A", "--unstable-net"],
        env: engine === undefined ? {} : { RIO_BACKEND: engine },
      });
      assertEquals(code, 0, stderr);
      judge(JSON.parse(stdout.trim().split("\n").at(-1)!));
    },
  });
}

type Engine = "io_uring" | "epoll";
const ENGINES: readonly Engine[] = ["io_uring", "epoll"];
const WAYS = ["reactor", "thread"] as const;

/** How a worker ends: what its main thread does, or what it does itself. */
const ENDS = {
  "is terminated": "terminate",
  "closes itself": "self.close()",
  "throws": `throw new Error("on purpose")`,
  "exits": "Deno.exit(1)",
  "exits as in Node": "process.exit(1)",
} as const;

for (const engine of ENGINES) {
  for (const [what, how] of Object.entries(ENDS)) {
    scriptTest(
      `${engine}: a worker that ${what} frees its ports, and its peers are told`,
      `
      if (self.name === "sockets") {
        self.onmessage = async ({ data: port }) => {
          const before = descriptors();
          const udp = listenDatagram({ hostname: HOST, port: 0 });
          const member = listenDatagram({ hostname: "0.0.0.0", port: 0 });
          await member.joinMulticastV4(GROUP.join("."), HOST);
          const listener = listen({ hostname: HOST, port: 0 });
          const client = await connect({ hostname: HOST, port });
          const peer = Deno.connect({ hostname: HOST, port: listener.addr.port });
          const server = await listener.accept();
          // The system does not close for this one, and something arrives.
          (await peer).write(new Uint8Array(1));
          await server.read(new Uint8Array(1));
          for (const waits of [udp.receive(), member.receive(), listener.accept(),
            client.read(new Uint8Array(1)), server.read(new Uint8Array(1))]) {
            waits.catch(() => {});
          }
          await new Promise((resolve) => setTimeout(resolve, 5));
          self.onmessage = () => { ${how === "terminate" ? "" : how} };
          self.postMessage([since(before), udp.addr.port, member.addr.port, listener.addr.port]);
        };
        self.postMessage("");
      } else {
        const listener = Deno.listen({ hostname: HOST, port: 0 });
        const { worker } = await start("sockets");
        const ports = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
        worker.postMessage(listener.addr.port);
        const conn = await listener.accept();
        const [own, udp, grouped, tcp] = await ports;
        const isMember = () => Deno.readTextFileSync("/proc/net/igmp").includes(LISTED);
        const member = [isMember()];
        const bound = [binds(udp), binds(grouped), listens(tcp)];
        ${
        how === "terminate" ? "worker.terminate();" : "worker.postMessage(0);"
      }
        const peer = await told(conn);
        await until(() => binds(udp) && binds(grouped) && listens(tcp));
        conn.close();
        await until(() => gone(own));
        member.push(isMember());
        console.log(JSON.stringify({ bound, peer, member }));
        Deno.exit(0);
      }`,
      (report) =>
        assertEquals(report, {
          bound: [false, false, false],
          peer: "ended",
          member: [true, false],
        }),
      { engine },
    );
  }

  for (const way of WAYS) {
    scriptTest(
      `${engine}, ${way}: a worker that is terminated with requests in flight frees its ports and descriptors`,
      `
      if (self.name === "sockets") {
        self.onmessage = async ({ data: port }) => {
          const before = descriptors();
          const session = openSession(${
        engine === "epoll" ? "openLinux" : "openUring"
      }({ way: "${way}" }));
          const buffer = session.registerBuffer(1 << 16);
          const udp = session.openSocket({ transport: "udp", hostname: HOST, receives: 16 });
          const tcp = session.openSocket({ transport: "tcp", hostname: HOST, sends: 64 });
          await tcp.connect({ hostname: HOST, port });
          const listener = session.openSocket({ transport: "tcp", hostname: HOST, backlog: 8 });
          for (let i = 0; i < 16; i++) udp.receive(buffer.slice(i * 64, 64));
          tcp.receive(buffer.slice(4096, 4096));
          // More than the peer takes.
          for (let i = 0; i < 64; i++) tcp.send(buffer.slice());
          listener.accept().catch(() => {});
          (async () => { for await (const _ of udp.completions); })();
          await new Promise((resolve) => setTimeout(resolve, 20));
          self.postMessage([since(before), udp.address.port, listener.address.port]);
        };
        self.postMessage("");
      } else {
        const listener = Deno.listen({ hostname: HOST, port: 0 });
        const { worker } = await start("sockets");
        const ports = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
        worker.postMessage(listener.addr.port);
        const conn = await listener.accept();
        const [own, udp, tcp] = await ports;
        worker.terminate();
        await until(() => binds(udp) && listens(tcp));
        let peer;
        do peer = await told(conn); while (peer === "data");
        conn.close();
        await until(() => gone(own));
        console.log(JSON.stringify({ peer }));
        Deno.exit(0);
      }`,
      (report) => assertEquals(report, { peer: "ended" }),
      { engine },
    );
  }

  scriptTest(
    `${engine}: a worker that is terminated frees the ports of the workers that it started`,
    `
    if (isWorker) {
      const before = descriptors();
      const udp = listenDatagram({ hostname: HOST, port: 0 });
      udp.receive().catch(() => {});
      const own = [[udp.addr.port, since(before)]];
      if (self.name === "outer") own.push(...(await start("inner")).message);
      self.postMessage(own);
    } else {
      const { worker, message } = await start("outer");
      const bound = message.map(([port]) => binds(port));
      worker.terminate();
      await until(() => message.every(([port, own]) => binds(port) && gone(own)));
      console.log(JSON.stringify({ bound }));
      Deno.exit(0);
    }`,
    (report) => assertEquals(report, { bound: [false, false] }),
    { engine },
  );
}

/** What a worker opens and leaves, and what it closes before. */
const OPENED = 500;
const CLOSED = 400;

scriptTest(
  "a worker that is terminated closes what it has open, and nothing that has the number of what it closed",
  `
  const bind = () => listenDatagram({ hostname: HOST, port: 0 });
  const files = () => {
    const found = [];
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      try {
        if (Deno.readLinkSync("/proc/self/fd/" + name) === import.meta.filename) found.push(Number(name));
      } catch { /* The one that lists the others. */ }
    }
    return found;
  };
  if (isWorker) {
    const before = descriptors();
    const all = Array.from({ length: ${OPENED} }, bind);
    self.onmessage = () => {
      // In an order of their own, and some numbers are used again here.
      for (let i = 0; i < ${CLOSED}; i++) all[(i * 7) % ${OPENED}].close();
      const again = Array.from({ length: 10 }, bind);
      for (const conn of again.slice(5)) conn.close();
      self.postMessage(since(before));
    };
    self.postMessage(since(before));
  } else {
    const { worker, message } = await start("sockets");
    const opened = new Set(message.map(([fd]) => fd));
    const left = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    worker.postMessage("");
    const own = await left;
    const mine = Array.from({ length: ${OPENED} }, () => Deno.openSync(import.meta.filename));
    const conns = Array.from({ length: 20 }, bind);
    const numbers = files();
    worker.terminate();
    await until(() => gone(own));
    const after = files();
    for (const file of mine) file.close();
    for (const conn of conns) {
      await conn.send(new Uint8Array(1), conn.addr);
      await conn.receive();
      conn.close();
    }
    console.log(JSON.stringify({
      own: own.length,
      reused: numbers.filter((fd) => opened.has(fd)).length,
      lost: numbers.filter((fd) => !after.includes(fd)).length,
    }));
    Deno.exit(0);
  }`,
  ({ own, reused, lost }) => {
    assertGreater(own as number, OPENED - CLOSED);
    assertGreater(reused as number, CLOSED / 2);
    assertEquals(lost, 0);
  },
);
