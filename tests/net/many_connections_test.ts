import { assert, assertEquals } from "@std/assert";
import { type Report, WARM_UP } from "./many_connections.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** What is wanted, if the process may have so many descriptors. */
const WANTED = 10_000;
/** Descriptors for everything else. */
const SPARE = 200;
/** With fewer connections the process's own ups and downs weigh too much. */
const WORTH_WEIGHING = 5_000;
/** What a connection may cost, in bytes. */
const LIMIT = 8 * 1024;

const count = Math.min(WANTED, openFiles() - SPARE - WARM_UP);

Deno.test({
  name: `listen() serves ${count} connections at a time`,
  ignore: skipped("many connections", NOT_LINUX),
  async fn() {
    await using server = start("server", String(count));
    const port = await server.line();
    await using client = start("client", String(count), port);
    assertEquals(await client.line(), "connected");
    assertEquals(await server.line(), "served");
    await client.go();
    const report: Report = JSON.parse(await server.line());
    assertEquals((await server.status).code, 0);
    assertEquals((await client.status).code, 0);
    assertEquals(report.served, WARM_UP + count);
    assertEquals(report.leftover, 0);
    // A read that waits holds no memory.
    assertEquals(report.slabs, 0);
    if (count < WORTH_WEIGHING) {
      console.log(
        `memory is not judged: ${count} connections fit the limit of open files, ${WORTH_WEIGHING} are needed`,
      );
      return;
    }
    const { bytesEach } = report;
    assert(
      bytesEach <= LIMIT,
      `A connection costs ${bytesEach} bytes`,
    );
  },
});

/** The most files that a process started from here may have open. */
function openFiles(): number {
  if (Deno.build.os !== "linux") return WANTED;
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Infinity : Number(soft);
}

/** Starts one side in a process of its own. */
function start(...args: string[]) {
  const script = new URL("./many_connections.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", script, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const deadline = setTimeout(() => child.kill(), 120_000);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const input = child.stdin.getWriter();
  let rest = "";
  return {
    status: child.status,
    async line(): Promise<string> {
      while (!rest.includes("\n")) {
        const { value, done } = await lines.read();
        if (done) throw new Error(`The process ended: ${args.join(" ")}`);
        rest += value;
      }
      const end = rest.indexOf("\n");
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      return line;
    },
    async go(): Promise<void> {
      await input.write(new Uint8Array(1));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      clearTimeout(deadline);
      await input.close().catch(() => {});
      await lines.cancel();
      try {
        child.kill();
      } catch {
        // It has ended by itself.
      }
      await child.status;
    },
  };
}
