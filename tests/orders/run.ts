/**
 * Runs races in orders that seeds choose, and sees to it that each leaves
 * nothing behind.
 *
 * Over the fake Windows all depends on the seed: time, turns of the event loop,
 * what completes in which round. On a real system the seed chooses only what the
 * race does when.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { pause } from "../../ffi/clock.ts";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { openBackend } from "../../ffi/open.ts";
import { inTurn } from "../../ffi/turns.ts";
import type { RioSession } from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { Random } from "../model/random.ts";
import { inVirtualTime } from "../time/virtual_clock.ts";
import { attempts } from "./attempts.ts";
import { connections } from "./connections.ts";
import { datagrams } from "./datagrams.ts";
import { Schedule } from "./schedule.ts";

/** What happens in an order that is chosen, in one session or two. */
export type Race = (
  schedule: Schedule,
  sessions: readonly [RioSession, RioSession],
) => Promise<void>;

/** What can be raced. */
export const RACES: Readonly<Record<string, Race>> = {
  connections,
  datagrams,
  attempts,
};

/** Where races can be run here. */
export const PLACES: readonly string[] = Deno.build.os === "linux"
  ? ["fake", "io_uring", "epoll"]
  : ["fake"];

/** Longer than a native wait, in milliseconds. */
const LONG_MS = 1100;

/** After so many calls the package has looked at the clock. */
const MANY_CALLS = 100;

/** Runs a race in the order of one seed; says what tells it from others. */
type Place = (race: Race, random: Random) => Promise<string>;

async function onFake(race: Race, random: Random): Promise<string> {
  const fake = createFakeWindows({
    lateBy: 1 + random.below(4),
    portion: (due) => Math.min(due, 1 + random.below(4)),
  });
  try {
    const took = await inVirtualTime(async (clock) => {
      await forgetCalls();
      await inSessions(
        () => openSession(createWinsockBackend(fake.symbols)),
        (sessions) => race(new Schedule(random, LONG_MS), sessions),
        random,
      );
      return clock.now();
    }, random);
    assertEquals(fake.violations, []);
    assertEquals(fake.leftovers(), {});
    return `${took} ms, ${JSON.stringify(fake.counts)}`;
  } finally {
    fake[Symbol.dispose]();
  }
}

/** Ends the turn of the event loop that calls before this one began. */
async function forgetCalls(): Promise<void> {
  for (let i = 0; i < MANY_CALLS; i++) inTurn(null);
  await pause(1);
}

function onLinux(backend: "io_uring" | "epoll"): Place {
  return async (race, random) => {
    await inSessions(
      () => openSession(openBackend({ backend })),
      (sessions) => race(new Schedule(random, 0), sessions),
      random,
    );
    return "";
  };
}

/** Runs a race in sessions of its own, which lose nothing. */
async function inSessions(
  open: () => RioSession,
  race: (sessions: [RioSession, RioSession]) => Promise<void>,
  random: Random,
): Promise<void> {
  const session = open();
  const other = random.oneIn(2) ? session : open();
  try {
    await race([session, other]);
  } finally {
    await session.close();
    await other.close();
  }
  for (const each of [session, other]) {
    const { registered, deregistered, sockets, outstanding } = each.stats();
    assertEquals(
      { lost: registered - deregistered, sockets, outstanding },
      { lost: 0, sockets: 0, outstanding: 0 },
    );
  }
}

const ON: Readonly<Record<string, Place>> = {
  fake: onFake,
  io_uring: onLinux("io_uring"),
  epoll: onLinux("epoll"),
};

/** Which race is run where, and in which orders. */
export interface OrdersOptions {
  readonly race: string;
  readonly place: string;
  /** The first seed, and how many there are from it on. */
  readonly seed: number;
  readonly count: number;
}

/**
 * Runs a race in as many orders as there are seeds.
 *
 * @returns What tells each run from others, where the seed tells all.
 * @throws {Error} With the seed of the run that fails.
 */
export async function runOrders(
  { race, place, seed, count }: OrdersOptions,
): Promise<string[]> {
  const all: string[] = [];
  for (let at = seed; at < seed + count; at++) {
    try {
      all.push(await ON[place]!(RACES[race]!, new Random(at)));
    } catch (cause) {
      throw new Error(
        `The order of a seed fails: deno run -A tests/orders/main.ts --race ${race} --place ${place} --seed ${at} --count 1`,
        { cause },
      );
    }
  }
  return all;
}
