/** Sockets that keep no process alive: what their waiting costs. */
import { assert, assertEquals } from "@std/assert";
import { runScript } from "../session/child.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const here = (path: string) => new URL(path, import.meta.url).href;
const COUNTED = ["--preload", here("counted_timers.ts")];

/** How a program is run so that its waits end in each way. */
const WAYS = {
  reactor: [],
  thread: ["--preload", here("../linux/without_pipes.ts")],
} as const;

const SOCKETS = 100;
/** The most of a processor that they may use while nothing happens, in percent. */
const LIMIT = 2;

/** Sockets that nobody holds the process for, each with a receive that waits. */
const WAITING = `
  const conns = Array.from({ length: ${SOCKETS} }, () => {
    const conn = listenDatagram({ hostname: "127.0.0.1", receives: 4, sends: 4, datagramSize: 64 });
    conn.unref();
    return conn;
  });
  const waiting = conns.map((conn) => conn.receive());
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: skipped(name, NOT_LINUX), fn });
}

test("unreferenced sockets are told of datagrams, and the program ends, where a thread waits that cannot be let go", async () => {
  const { code, stdout, stderr } = await runScript(
    `${WAITING}
    const peer = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const alive = setInterval(() => {}, 60_000);
    let bytes = 0;
    for (const [i, conn] of conns.entries()) {
      await peer.send(new Uint8Array(3), conn.addr);
      bytes += (await waiting[i])[0].length;
    }
    console.log(bytes);
    peer.close();
    clearInterval(alive);
    for (const conn of conns) conn.receive().then(() => console.log("never"));`,
    {
      flags: [
        "-A",
        "--unstable-net",
        ...WAYS.thread,
        "--preload",
        here("../linux/without_insides.ts"),
      ],
      leaves: true,
    },
  );
  assertEquals([code, stdout, stderr], [0, `${3 * SOCKETS}\n`, ""]);
});

for (const [way, flags] of Object.entries(WAYS)) {
  const run = (script: string, more: readonly string[] = []) =>
    runScript(WAITING + script, {
      flags: ["-A", "--unstable-net", ...flags, ...more],
      leaves: true,
    });

  test(`${way}: ${SOCKETS} unreferenced sockets cost next to nothing while nothing comes`, async () => {
    const { code, stdout, stderr } = await run(`
      // Clock ticks, of which there are 100 in a second.
      const used = () => {
        const stat = Deno.readTextFileSync("/proc/self/stat");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return Number(fields[11]) + Number(fields[12]);
      };
      await pause(500);
      const before = used();
      await pause(2000);
      console.log((used() - before) / 2);`);
    assertEquals([code, stderr], [0, ""]);
    const percent = Number(stdout);
    console.log(`${percent} % of a processor`);
    assert(percent < LIMIT, `${percent} % of a processor while nothing came`);
  });

  test(`${way}: unreferenced sockets are told of datagrams, and start no timer for that`, async () => {
    const { code, stdout, stderr } = await run(
      `
      // Keeps the process alive; the first waits may take their time.
      const alive = setInterval(() => {}, 60_000);
      const peer = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      const send = () => Promise.all(conns.map((conn) => peer.send(new Uint8Array(3), conn.addr)));
      await send();
      let bytes = 0;
      for (const received of waiting) bytes += (await received)[0].length;
      const before = globalThis.timers;
      for (let round = 0; round < 20; round++) {
        const next = conns.map((conn) => conn.receive());
        await new Promise((turn) => setImmediate(turn));
        await send();
        for (const received of next) bytes += (await received)[0].length;
      }
      console.log(bytes, globalThis.timers - before);
      peer.close();
      clearInterval(alive);
      for (const conn of conns) conn.receive();`,
      COUNTED,
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.trim(), `${21 * 3 * SOCKETS} 0`);
  });

  test(`${way}: a program ends though unreferenced sockets wait`, async () => {
    const { code, stdout, stderr } = await run(`
      Promise.all(waiting).then(() => console.log("never"));
      await pause(50);
      console.log("waiting");`);
    assertEquals([code, stdout, stderr], [0, "waiting\n", ""]);
  });
}
