/**
 * Programs in which much waits at once: terminated workers, a thousand
 * sessions, a pool without a free thread.
 */
import { assert, assertEquals } from "@std/assert";
import { runScript } from "../session/child.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** What the scripts are made of. */
const TOOLS = `
import { openSession } from "${new URL("../../ffi/mod.ts", import.meta.url)}";
import { openLinux } from "${new URL(
  "../../ffi/linux/backend.ts",
  import.meta.url,
)}";
const links = () => [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => {
  try { return Deno.readLinkSync("/proc/self/fd/" + name); } catch { return ""; }
});
const count = (kind) => links().filter((link) => link.includes(kind)).length;
const descriptors = () => count("eventpoll") + count("eventfd") + count("socket");
const threads = () => [...Deno.readDirSync("/proc/self/task")].length;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const small = { hostname: "127.0.0.1", receives: 1, sends: 1, datagramSize: 64 };
`;

function processTest(
  name: string,
  script: string,
  judge: (report: Record<string, number>) => void,
): void {
  Deno.test({
    name,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      const { code, stdout, stderr } = await runScript(TOOLS + script, {
        flags: ["-A", "--unstable-net"],
      });
      assertEquals([code, stderr], [0, ""]);
      judge(JSON.parse(stdout.trim()));
    },
  });
}

/** Workers that are terminated while they wait. */
const TERMINATED = 20;
/** Others that wait for a timer, to learn what Deno itself keeps of each. */
const OTHERS = 5;
/**
 * What is left of each: of the handle by which Deno watches for us, it closes
 * nothing when a worker is terminated.
 */
const LEFT = {
  reactor: { what: "one eventfd", descriptors: 1 },
  thread: { what: "nothing", descriptors: 0 },
} as const;
/** What comes and goes in a process. */
const SLACK = 6;

for (const way of ["reactor", "thread"] as const) {
  const left = LEFT[way];
  processTest(
    `a worker that is terminated while it waits leaves ${left.what}, and all else goes on`,
    `
    const way = ${JSON.stringify(way)};
    const begin = () => {
      const session = openSession(openLinux({ way }));
      return { session, conn: listenDatagram({ session, hostname: "127.0.0.1" }) };
    };
    if (globalThis.WorkerGlobalScope === undefined) await main();
    else if (self.name === "timer") setInterval(() => self.postMessage(""), 5);
    else wait();

    // Not awaited: Deno keeps more of a worker whose module has not ended.
    async function wait() {
      const { conn } = begin();
      // The first is told: the next one sleeps as all later ones do.
      const received = conn.receive();
      await conn.send(new Uint8Array(1), conn.addr);
      await received;
      const waiting = conn.receive();
      await pause(5);
      self.postMessage("");
      await waiting;
    }

    async function terminate(name, times, meanwhile, ended = () => true) {
      for (let i = 0; i < times; i++) {
        const worker = new Worker(import.meta.url, { type: "module", name });
        await new Promise((resolve) => { worker.onmessage = resolve; });
        worker.terminate();
        await meanwhile();
      }
      // Nobody is told of the end of a thread.
      for (let i = 0; i < 1000 && !ended(); i++) await pause(10);
      await pause(100);
      return [descriptors(), threads()];
    }

    async function main() {
      const { session, conn } = begin();
      let received = 0;
      const meanwhile = async () => {
        const next = conn.receive();
        await conn.send(new Uint8Array(1), conn.addr);
        received += (await next)[0].length;
      };
      await meanwhile();
      const [start] = await terminate("timer", 1, meanwhile);
      const [before, few] = await terminate("timer", ${OTHERS}, meanwhile);
      // Idle threads of the pool end, too: their number alone says little.
      const left = ${left.descriptors * TERMINATED + SLACK};
      const ended = () => threads() <= few && descriptors() <= before + left;
      const [after, many] = await terminate("waits", ${TERMINATED}, meanwhile, ended);
      conn.close();
      await session.close();
      console.log(JSON.stringify({
        received,
        own: (before - start) / ${OTHERS},
        kept: (after - before) / ${TERMINATED},
        threads: many - few,
      }));
    }`,
    ({ received, own, kept, threads }) => {
      console.log(
        `each leaves ${kept} descriptors, ${own} of them Deno's own; ${threads} threads are left`,
      );
      assertEquals(received, 2 + OTHERS + TERMINATED);
      const most = own! + left.descriptors + SLACK / TERMINATED;
      assert(kept! <= most, `${kept} descriptors for each, not ${most}`);
      assert(threads! <= SLACK, `${threads} threads more`);
    },
  );
}

const SESSIONS = 1000;
/** More than the pool has threads. */
const BLOCKED = 40;

processTest(
  `${SESSIONS} sessions that wait share one epoll instance, and hear while every thread of the pool is blocked`,
  `
  const folder = await Deno.makeTempDir({ prefix: "rio-pool-" });
  const fifo = folder + "/fifo";
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const before = count("eventpoll");
  const opened = Array.from({ length: ${SESSIONS} }, () => {
    const session = open();
    return { session, conn: listenDatagram({ session, ...small }) };
  });
  const waiting = () => opened.map(({ conn }) => conn.receive());
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const sendAll = async () => {
    for (const { conn } of opened) await sender.send(new Uint8Array(1), conn.addr);
  };
  const first = waiting();
  await sendAll();
  await Promise.all(first);
  const epolls = count("eventpoll") - before;

  const second = waiting();
  const blocked = Array.from({ length: ${BLOCKED} }, () => Deno.open(fifo));
  let free = 0;
  Deno.readTextFile("/proc/self/comm").then(() => free++);
  await pause(100);
  await sendAll();
  let heard = 0;
  for (const received of second) heard += (await received)[0].length;
  const freeMeanwhile = free;

  // Who may read and write needs nobody else.
  const end = Deno.openSync(fifo, { read: true, write: true });
  for (const file of await Promise.all(blocked)) file.close();
  end.close();
  sender.close();
  for (const { conn, session } of opened) {
    conn.close();
    await session.close();
  }
  await Deno.remove(folder, { recursive: true });
  console.log(JSON.stringify({
    epolls, heard, free: freeMeanwhile, left: count("eventpoll") - before,
  }));`,
  (report) =>
    assertEquals(report, {
      epolls: 1,
      heard: SESSIONS,
      free: 0,
      left: 0,
    }),
);

Deno.test({
  name:
    "a wait keeps a process alive while it is found out that the event loop does not call back",
  ignore: skipped("a process with an event loop that does nothing", NOT_LINUX),
  async fn() {
    const peer = Deno.listenDatagram({
      transport: "udp",
      hostname: "127.0.0.1",
      port: 0,
    });
    const silent = new URL("silent_pipes.ts", import.meta.url).href;
    try {
      const { code, stdout, stderr } = await runScript(
        `${TOOLS}
        const session = open();
        const conn = listenDatagram({ session, ...small });
        const received = conn.receive();
        console.log(conn.addr.port);
        // Not awaited here: for that, Deno waits longer than for the rest.
        received.then(async ([{ length }]) => {
          console.log(length);
          conn.close();
          await session.close();
        });`,
        {
          flags: ["-A", "--preload", silent],
          async watch(_, stdout) {
            const [, port] = /^(\d+)\n$/.exec(stdout) ?? [];
            if (port === undefined) return;
            await peer.send(new Uint8Array(3), {
              transport: "udp",
              hostname: "127.0.0.1",
              port: Number(port),
            });
          },
        },
      );
      assertEquals([code, stderr], [0, ""]);
      assertEquals(stdout.split("\n")[1], "3");
    } finally {
      peer.close();
    }
  },
});
