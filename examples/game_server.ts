/**
 * A game server: players move, and each tick sends all of them a snapshot of
 * the world, with one call to the system.
 *
 * ```sh
 * deno run --allow-ffi --allow-net examples/game_server.ts
 * nc -u 127.0.0.1 7777    # type: join ann, then: move 1 0
 * ```
 *
 * @module
 */
import { listenDatagram } from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  saysClosed,
  wholeNumber,
  write,
} from "./arguments.ts";

const HELP = `Runs a world of players who move.

A player sends "join NAME", "move DX DY" and "leave"; each
tick answers with the world, as JSON:

  {"tick":7,"players":{"ann":[1,0]}}

  --hostname IP  address to bind               [127.0.0.1]
  --port N       port to bind, 0 for any       [7777]
  --ticks N      ticks each second, 1 to 128   [20]
  --players N    the most at a time            [1000]
  --silence S    seconds until one is removed  [10]
  --help         this text

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

/** Somebody who plays. */
interface Player {
  readonly name: string;
  readonly addr: Deno.NetAddr;
  /** The address of this host that was asked: answers leave from there. */
  readonly local: string | undefined;
  x: number;
  y: number;
  /** The tick in which something was heard of it. */
  heard: number;
}

/** The furthest that a move goes, and the edge of the world. */
const STEP = 1;
const EDGE = 1000;
/** So many players are in a snapshot, which then fits a packet. */
const MOST_SHOWN = 40;

const flags = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "7777",
  ticks: "20",
  players: "1000",
  silence: "10",
});
const port = wholeNumber("--port", flags.port, [0, 65_535]);
const rate = wholeNumber("--ticks", flags.ticks, [1, 128]);
const most = wholeNumber("--players", flags.players, [1, 100_000]);
const silence = rate * wholeNumber("--silence", flags.silence, [1, 3600]);

/** Players by where they come from. */
const players = new Map<string, Player>();
let tick = 0;
let snapshots = 0;

using conn = await openOrExit(() =>
  listenDatagram({ hostname: flags.hostname, port, datagramSize: 256 })
);
const stop = new AbortController();
using _ = onInterrupt(() => stop.abort());
write(
  `playing on ${conn.addr.hostname}:${conn.addr.port}, ` +
    `${rate} ticks a second, Ctrl-C ends\n`,
);
const hearing = hear(stop.signal);
await run(stop.signal);
await hearing;
write(`${tick} ticks, ${snapshots} snapshots, ${players.size} players\n`);

/** Takes what players send, as it comes. */
async function hear(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      using batch = await conn.receiveMany({ signal });
      for (const { data, addr, local } of batch) {
        take(new TextDecoder().decode(data).trim(), addr, local);
      }
    } catch (error) {
      if (!signal.aborted && !saysClosed(error)) throw error;
    }
  }
}

/** Does what one player asks for. */
function take(text: string, addr: Deno.NetAddr, local?: string): void {
  const key = `${addr.hostname} ${addr.port}`;
  const [word, ...rest] = text.split(/\s+/);
  const player = players.get(key);
  if (word === "join" && !player) {
    const [name = ""] = rest;
    if (!/^\w{1,16}$/.test(name) || players.size >= most) return;
    players.set(key, { name, addr, local, x: 0, y: 0, heard: tick });
  } else if (word === "move" && player) {
    const [dx, dy] = rest.map(Number);
    // The server decides: who sends nonsense, or cheats, moves no further.
    player.x = clamp(player.x + clamp(dx, STEP), EDGE);
    player.y = clamp(player.y + clamp(dy, STEP), EDGE);
    player.heard = tick;
  } else if (word === "leave") {
    players.delete(key);
  }
}

function clamp(value: number | undefined, limit: number): number {
  if (value === undefined || Number.isNaN(value)) return 0;
  return Math.max(-limit, Math.min(limit, value));
}

/** Runs the ticks: each at its time, however long the one before took. */
async function run(signal: AbortSignal): Promise<void> {
  const start = performance.now();
  while (!signal.aborted) {
    await step();
    const wait = start + 1000 * ++tick / rate - performance.now();
    await pause(Math.max(0, wait), signal);
  }
}

/** One tick: removes who is silent, and sends all others the world. */
async function step(): Promise<void> {
  for (const [key, { heard }] of players) {
    if (tick - heard > silence) players.delete(key);
  }
  if (players.size === 0) return;
  const shown = players.values().take(MOST_SHOWN)
    .map(({ name, x, y }): [string, number[]] => [name, [x, y]]);
  const world = { tick, players: Object.fromEntries(shown) };
  const data = new TextEncoder().encode(`${JSON.stringify(world)}\n`);
  try {
    snapshots += await conn.sendMany(
      players.values().map(({ addr, local }) => ({ data, addr, local })),
    );
  } catch (error) {
    // One who cannot be reached is removed when it was silent for long.
    console.error(String(error));
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  signal.addEventListener("abort", end, { once: true });
  const timer = setTimeout(end, ms);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
}
