/** The examples that are programs to start from: each is asked, and stopped. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { listenDatagram, type RioDatagramConn } from "../../mod.ts";
import { PATIENCE_MS } from "../patience.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { example, exampleTest, type Program, run } from "./program.ts";

const HOST = "127.0.0.1";
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A socket that talks to one port. */
async function clientOf(port: string | undefined): Promise<RioDatagramConn> {
  const conn = listenDatagram({ hostname: HOST });
  await conn.connect({ hostname: HOST, port: Number(port) });
  return conn;
}

/** What comes next, as text. */
async function hear(conn: RioDatagramConn): Promise<string> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return decode((await conn.receive(undefined, { signal }))[0]);
}

/** Presses Ctrl-C, and sees it end cleanly. */
async function stop(program: Program): Promise<string> {
  const { code, stdout, stderr } = await program.interrupt();
  assertEquals([code, stderr], [0, ""]);
  for (const line of stdout.split("\n")) assert(line.length <= 60, line);
  return stdout;
}

exampleTest("examples/statsd_sink.ts sums up what it was sent", async () => {
  await using program = example("statsd_sink.ts", [
    "--port",
    "0",
    "--interval",
    "3600",
  ]);
  const [, port] = await program.printed(/ on [\d.]+:(\d+),/);
  using client = await clientOf(port);
  const sent = [
    "visits:1|c\nvisits:2|c|@0.5",
    "load:5|g\nload:-2|g",
    "time:10|ms\ntime:30|ms|#host:a",
    "users:ann|s\nusers:bob|s\nusers:ann|s",
    "garbage\n:|c\nx:y|c",
  ];
  for (const text of sent) await client.send(encode(text));
  const stdout = await stop(program);
  assertMatch(
    stdout,
    /^9 metrics in 5 datagrams, 3 bad, (0|unknown) dropped$/m,
  );
  assertMatch(stdout, /^ {2}visits +5 \(/m);
  assertMatch(stdout, /^ {2}load +3$/m);
  assertMatch(stdout, /^ {2}time +median 30 ms, 95 % 30 ms$/m);
  assertMatch(stdout, /^ {2}users +2 different$/m);
});

exampleTest("examples/statsd_sink.ts takes what nc sends", async () => {
  await using program = example("statsd_sink.ts", ["--port", "0"]);
  const [, port] = await program.printed(/ on [\d.]+:(\d+),/);
  await run("nc", ["-u", "-w", "1", HOST, String(port)], "visits:7|c");
  assertMatch(await stop(program), /^ {2}visits +7 \(/m);
}, ["nc"]);

exampleTest("examples/game_server.ts plays with socat", async () => {
  await using program = example("game_server.ts", [
    "--port",
    "0",
    "--silence",
    "1",
  ]);
  const [, port] = await program.printed(/ on [\d.]+:(\d+),/);
  const args = ["-t", "2", "-", `UDP4:${HOST}:${port}`];
  const [line = ""] = (await run("socat", args, "join ann\n")).split("\n");
  assertEquals(JSON.parse(line).players, { ann: [0, 0] });
  await stop(program);
}, ["socat"]);

exampleTest("examples/game_server.ts shows players one another", async () => {
  await using program = example("game_server.ts", ["--port", "0"]);
  const [, port] = await program.printed(/ on [\d.]+:(\d+),/);
  using ann = await clientOf(port);
  using bob = await clientOf(port);
  await ann.send(encode("join ann\n"));
  await bob.send(encode("join bob"));
  await bob.send(encode("join bob2")); // is here already
  for (const text of ["move 1 0", "move 99 -99", "move x y", "dance"]) {
    await ann.send(encode(text));
  }
  let seen: { players: Record<string, number[]> };
  do seen = JSON.parse(await hear(bob)); while (seen.players.ann?.[0] !== 2);
  assertEquals(seen.players, { ann: [2, -1], bob: [0, 0] });
  await ann.send(encode("leave"));
  do seen = JSON.parse(await hear(bob)); while (seen.players.ann);
  assertEquals(seen.players, { bob: [0, 0] });
  assertMatch(await stop(program), /^\d+ ticks, \d+ snapshots, 1 players$/m);
});

exampleTest("examples/game_server.ts removes who is silent", async () => {
  const args = ["--port", "0", "--silence", "1", "--ticks", "100"];
  await using program = example("game_server.ts", args);
  const [, port] = await program.printed(/ on [\d.]+:(\d+),/);
  using ann = await clientOf(port);
  using bob = await clientOf(port);
  await ann.send(encode("join ann"));
  await hear(ann);
  await bob.send(encode("join bob"));
  for (;;) {
    await bob.send(encode("move 0 0"));
    const { players } = JSON.parse(await hear(bob));
    if (!players.ann) break;
  }
  await stop(program);
});

exampleTest("examples/media_relay.ts relays in the order it came", async () => {
  const args = ["--port", "0", "--control", "0"];
  await using program = example("media_relay.ts", args);
  const [, port, control] = await program.printed(
    / [\d.]+:(\d+), subscribe at (\d+),/,
  );
  using one = await clientOf(control);
  using other = await clientOf(control);
  for (const conn of [one, other]) {
    await conn.send(encode("subscribe"));
    assertEquals(await hear(conn), "subscribed\n");
  }
  using source = await clientOf(port);
  const sizes = [...Array(20).fill(1200), 100, 1200, 0, 0, 1201, 1500, 1500];
  const packets = sizes.map((size, i) => ({
    data: new Uint8Array(size).fill(i),
  }));
  await source.sendMany(packets);
  for (const conn of [one, other]) {
    for (const { data } of packets) {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const [got] = await conn.receive(undefined, { signal });
      assertEquals([got.length, got[0]], [data.length, data[0]]);
    }
  }
  await other.send(encode("unsubscribe"));
  const stdout = await stop(program);
  assertMatch(stdout, /^27 packets, 54 relayed in \d+ sends$/m);
});

exampleTest("examples/worker_pool.ts answers with all workers", async () => {
  if (skipped("workers that share a port", NOT_LINUX)) return;
  const args = ["--port", "0", "--workers", "2"];
  const flags = ["--allow-ffi", "--allow-net", "--allow-read"];
  await using program = example("worker_pool.ts", args, { flags });
  const [, port] = await program.printed(/workers on [\d.]+:(\d+),/);
  for (let i = 0; i < 64; i++) {
    using client = await clientOf(port);
    await client.send(encode("hello"));
    assertEquals(await hear(client), "4f9f2cab\n");
  }
  const stdout = await stop(program);
  const counts = [...stdout.matchAll(/^worker \d answered (\d+)/gm)]
    .map(([, count]) => Number(count));
  assertEquals(counts.length, 2);
  assertEquals(counts[0]! + counts[1]!, 64);
  assert(counts.every((count) => count > 0), stdout);
});
