/**
 * How a scenario is run again and again, each time with another call failing.
 *
 * @module
 */
import { pause, timeNow } from "../../ffi/clock.ts";
import { openSession } from "../../ffi/mod.ts";
import type { RioBackend } from "../../ffi/contract.ts";
import { RioError, type RioSession } from "../../mod.ts";
import type { Injection } from "./injection.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { PATIENCE_MS } from "../patience.ts";
import { within } from "./steps.ts";

/** One documented way in which a native call fails. */
export interface Way {
  /** What to call it in a report. */
  readonly name: string;
  /** The number that the system leaves. */
  readonly errno: number;
  /** What an error has to say; by default the number itself. */
  readonly code?: readonly number[];
  /** The scenario may go on as if nothing had happened, by design. */
  readonly absorbed?: boolean;
  /** The request or the call is accepted all the same. */
  readonly accept?: boolean;
  /** Less is done than was asked for, and nothing fails. */
  readonly short?: boolean;
  /** What is answered, where there is more than one way to say that it failed. */
  readonly answer?: number;
  /** Faults that nothing could be done about. */
  readonly excuses?: RegExp;
}

/** A native call and the ways in which it can fail. */
export interface Call {
  /** The calls that the error may name; empty where none is ever thrown. */
  readonly named: readonly string[];
  readonly ways: readonly Way[];
}

/** The system under test, fresh for each injection. */
export interface System extends Disposable {
  /** Opens the backend; may throw what was injected. */
  open(): RioBackend;
  /** Which calls fail. */
  readonly injection: Injection;
  /** Fails the nth call of a function from now on. */
  fail(call: string, way: Way, nth: number): void;
  /** Fails the nth call of a function after the first failure. */
  failNext(call: string, way: Way, nth: number): void;
  /** Whether the failure was met. */
  readonly met: boolean;
  /** How often each function was called. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is left after so many milliseconds, and what was done wrong. */
  faults(excuses?: Excuses): Promise<string[]> | string[];
}

/** What one run of a scenario came to. */
export interface Outcome {
  /** What it threw. */
  readonly error: unknown;
  /** What is wrong about it. */
  readonly faults: string[];
}

/** What may be left. */
export type Excuses = readonly RegExp[];

/** How long to wait for what may stay, in milliseconds. */
const BRIEF_MS = 100;

/** Waits until nothing is left, or what is may stay. */
export async function untilGone(
  left: () => readonly string[],
  excuses: Excuses = [],
): Promise<void> {
  const start = timeNow();
  for (;;) {
    const all = left();
    const passed = timeNow() - start;
    const stays = all.every((what) => excuses.some((one) => one.test(what)));
    if (all.length === 0 || passed > (stays ? BRIEF_MS : PATIENCE_MS)) return;
    await pause(1);
  }
}

/** The most that a scenario takes, in milliseconds. */
const SCENARIO_MS = 15 * PATIENCE_MS;

/** Uses a system as a scenario does. */
export async function use(
  system: System,
  scenario: Scenario,
  excuses: Excuses = [],
): Promise<Outcome> {
  const faults: string[] = [];
  let error: unknown;
  let backend: RioBackend | undefined;
  try {
    backend = system.open();
  } catch (thrown) {
    return { error: thrown, faults };
  }
  const session = openSession(backend);
  try {
    await within(scenario.run(session), "the scenario", SCENARIO_MS);
  } catch (thrown) {
    error = thrown;
  }
  if (!scenario.leaves) {
    // A connection is closed at once, and gives back what its last request used
    // when the system has ended that.
    const here = () => left(session).map((what) => `${what} to the session`);
    await untilGone(here, excuses);
    faults.push(...here());
  }
  try {
    await within(session.close(), "close()");
  } catch (thrown) {
    faults.push(`close() threw ${thrown}`);
  }
  faults.push(...left(session));
  return { error, faults };
}

/** What a session still has. */
function left(session: RioSession): string[] {
  const stats = session.stats();
  return Object.entries({
    "registrations": stats.registered - stats.deregistered,
    "buffers": stats.buffers,
    "queues": stats.completionQueues,
    "sockets": stats.sockets,
    "outstanding requests": stats.outstanding,
    "abandoned buffers": stats.abandoned,
  })
    .filter(([, number]) => number !== 0)
    .map(([what, number]) => `${number} ${what} are left`);
}

/** Takes off what wraps the error that counts. */
function cause(error: unknown): unknown {
  while (true) {
    if (error instanceof SuppressedError) error = error.suppressed;
    else if (
      error instanceof Error && !(error instanceof RioError) && error.cause
    ) error = error.cause;
    else return error;
  }
}

/** What is wrong about an error, or about there being none. */
export function judge(
  error: unknown,
  name: string,
  call: Call,
  way: Way,
): string[] {
  const real = cause(error);
  if (real === undefined) {
    return way.absorbed || way.accept || way.short
      ? []
      : ["nothing told that it failed"];
  }
  if (real instanceof RioError) {
    const codes = way.code ?? [way.errno];
    return codes.includes(real.errno) && call.named.includes(real.syscall)
      ? []
      : [`the error tells of something else: ${real.message}`];
  }
  if (real instanceof Deno.errors.NotSupported && real.message.includes(name)) {
    return [];
  }
  return [`not a typed error: ${real}`];
}

/** What a series of injections came to. */
export interface Tally {
  injections: number;
  faults: string[];
  /** The calls that were made to fail. */
  failed: Set<string>;
}

/** How many occurrences of a call fail where it is brief. */
const BRIEFLY = 3;

/** What is made to fail. */
export interface FailOptions {
  /** What can fail, and how. */
  calls: Readonly<Record<string, Call>>;
  /** Where. */
  scenarios: readonly Scenario[];
  /**
   * The first occurrence of a call fails in each way, the next ones in the first
   * way only, the others not at all; another use follows once for each call. For
   * systems that take long.
   *
   * @default {false}
   */
  brief?: boolean;
}

/**
 * Makes each occurrence of each call fail in each way, in every scenario.
 *
 * @param make Makes the system under test.
 * @param options What is made to fail.
 */
export async function failEveryCall(
  make: () => System,
  options: FailOptions,
): Promise<Tally> {
  const { calls, scenarios: chosen } = options;
  const tally: Tally = { injections: 0, faults: [], failed: new Set() };
  const after = scenarios[0]!;
  for (const scenario of chosen) {
    const brief = options.brief || scenario.brief;
    let counts: Readonly<Record<string, number>>;
    {
      using calm = make();
      const { error, faults } = await use(calm, scenario);
      faults.push(...await calm.faults());
      if (error !== undefined) throw error;
      for (const fault of faults) {
        tally.faults.push(`${scenario.name}: ${fault}`);
      }
      counts = { ...calm.counts };
    }
    for (const [name, call] of Object.entries(calls)) {
      if (!(name in counts)) continue;
      for (const [i, way] of call.ways.entries()) {
        const last = !brief ? Infinity : i === 0 ? BRIEFLY : 1;
        for (let nth = 1; nth <= last; nth++) {
          using system = make();
          system.fail(name, way, nth);
          const excuses = way.excuses ? [way.excuses] : [];
          const { error, faults } = await use(system, scenario, excuses);
          if (!system.met) break;
          tally.injections++;
          tally.failed.add(name);
          const absorbed = way.absorbed || scenario.absorbs?.includes(name);
          faults.push(
            ...judge(error, name, call, {
              ...way,
              absorbed: absorbed ?? false,
            }),
          );
          faults.push(...await system.faults(excuses));
          if (!brief || i === 0 && nth === 1) {
            const again = await use(system, after, excuses);
            if (again.error !== undefined) {
              faults.push(`the next use failed: ${again.error}`);
            }
            faults.push(...again.faults, ...await system.faults(excuses));
          }
          for (const fault of faults) {
            if (way.excuses?.test(fault)) continue;
            tally.faults.push(
              `${scenario.name}, call ${nth} of ${name}, ${way.name}: ${fault}`,
            );
          }
        }
      }
    }
  }
  return tally;
}
