/**
 * How the public API is called with anything, on every system that is here.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { openSession } from "../../ffi/mod.ts";
import { openLibrary } from "../../ffi/winsock/library.ts";
import {
  RioBufferInUseError,
  RioClosedError,
  RioError,
  type RioSession,
} from "../../mod.ts";
import { Random } from "../model/random.ts";
import { makeSystem, SYSTEMS } from "../model/system.ts";
import { descriptors, until, within } from "../session/harness.ts";
import { library } from "../windows/provider.ts";
import { Hostile } from "./values.ts";

/** Sessions that are attacked. */
const SESSIONS = Deno.build.os === "windows" ? 50 : 150;
/** Calls in each. */
const CALLS = 60;
/** The first seed; each session has the next one. */
export const SEED = Number(Deno.env.get("RIO_FUZZ_SEED") ?? Date.now() >>> 0);

/** What documented errors are made of. */
const ALLOWED = [
  TypeError,
  RangeError,
  RioError,
  RioClosedError,
  RioBufferInUseError,
  Hostile,
  // The reason of a signal.
  DOMException,
  // What is no hostname, as Deno tells it.
  URIError,
  ...Object.values(Deno.errors),
];

// Libraries stay open once they were: the sanitizers count from here.
if (Deno.build.os === "linux") acquireLibrary();
if (Deno.build.os === "windows" && library) {
  openLibrary({ library });
  // That of the session that all sockets share.
  openLibrary();
}

/** Refuses what no documentation tells of. */
export function assertAllowed(error: unknown): void {
  const cause = error instanceof Error ? error.cause : undefined;
  assert(
    ALLOWED.some((known) => error instanceof known || cause instanceof known) ||
      error instanceof Error &&
        /^(Cannot listen on|Invalid IPv[46] address)/.test(error.message),
    `not a documented error: ${error}`,
  );
}

/** What is called, and how it ends; made for one session. */
export interface Target {
  /** Each works, or throws or rejects with a documented error. */
  readonly calls: readonly (() => unknown)[];
  /** Closes what the session does not own. */
  close?(): void;
}

/** Makes the target in a session. */
export type Aim = (
  session: RioSession,
  random: Random,
) => Target | Promise<Target>;

/** Attacks sessions of every system that is here. */
export function attackTest(name: string, aim: Aim): void {
  for (const system of SYSTEMS) {
    Deno.test(`${system}: ${name}`, async () => {
      using made = makeSystem(system);
      const before = descriptors();
      // Much is dropped without being disposed.
      using _quiet = silenceWarnings();
      for (let i = 0; i < SESSIONS; i++) {
        const seed = SEED + i >>> 0;
        try {
          await attack(openSession(made.open()), new Random(seed), aim);
        } catch (cause) {
          throw new Error(`Replay with RIO_FUZZ_SEED=${seed}`, { cause });
        }
      }
      // Which bytes requests share is up to the caller.
      const faults = (await made.faults())
        .filter((one) => !/overlap|were changed/.test(one));
      assertEquals(faults, []);
      await until(() => descriptors() <= before, "descriptors to be closed");
      console.log(`${SESSIONS * CALLS} calls from seed ${SEED}`);
    });
  }
}

async function attack(
  session: RioSession,
  random: Random,
  aim: Aim,
): Promise<void> {
  const { calls, close } = await aim(session, random);
  const late: Promise<void>[] = [];
  for (let i = 0; i < CALLS; i++) {
    try {
      const given = random.pick(calls)!();
      // Nobody listens where it connects to, and nobody connects.
      if (given instanceof Promise) {
        late.push(given.then(() => {}, assertAllowed));
        late.at(-1)!.catch(() => {});
      }
    } catch (error) {
      assertAllowed(error);
    }
    if (random.oneIn(20)) await new Promise((next) => setImmediate(next));
  }
  close?.();
  await within(session.close());
  await within(Promise.all(late));
  const stats = session.stats();
  assertEquals(
    {
      outstanding: stats.outstanding,
      buffers: stats.buffers,
      queues: stats.completionQueues,
      sockets: stats.sockets,
      abandoned: stats.abandoned,
      registered: stats.registered - stats.deregistered,
    },
    {
      outstanding: 0,
      buffers: 0,
      queues: 0,
      sockets: 0,
      abandoned: 0,
      registered: 0,
    },
  );
}

function silenceWarnings(): Disposable {
  const { warn } = console;
  console.warn = () => {};
  return { [Symbol.dispose]: () => console.warn = warn };
}
