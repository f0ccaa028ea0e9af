/**
 * How a scenario is run with two calls that fail: one, and then another in the
 * clean-up, or wherever it goes on.
 *
 * @module
 */
import {
  type Call,
  type Excuses,
  judge,
  type System,
  use,
  type Way,
} from "./faults.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** One call that fails. */
interface Failure {
  readonly name: string;
  readonly way: Way;
  readonly nth: number;
  /** Whether it need not be told. */
  readonly absorbed: boolean;
}

/** What came of pairs. */
export interface PairTally {
  /** First failures that were followed by each second one. */
  firsts: number;
  pairs: number;
  faults: string[];
}

/** Which pairs fail. */
export interface PairOptions {
  readonly calls: Readonly<Record<string, Call>>;
  readonly scenarios: readonly Scenario[];
  /**
   * One of so many first failures is tried, with all that can follow it.
   *
   * @default {1}
   */
  readonly every?: number;
  /**
   * Which of them.
   *
   * @default {0}
   */
  readonly from?: number;
}

/** How many occurrences of a call fail. */
const MOST = 3;

/** What nothing can be done about once both have failed. */
const EXCUSED: readonly {
  readonly calls: readonly [first: string, second: string];
  readonly fault: RegExp;
}[] = [
  // A native wait that nothing can wake keeps what it uses.
  {
    calls: ["PostQueuedCompletionStatus", "PostQueuedCompletionStatus"],
    fault: /are left$/,
  },
  { calls: ["SetEvent", "SetEvent"], fault: /are left$/ },
];

/**
 * Makes each call fail, and each that is made after that in the same use.
 *
 * The ways in which the second one fails take turns.
 *
 * @param make Makes the system under test.
 */
export async function failPairs(
  make: () => System,
  options: PairOptions,
): Promise<PairTally> {
  const { calls, every = 1, from = 0 } = options;
  const tally: PairTally = { firsts: 0, pairs: 0, faults: [] };
  let at = 0;
  for (const scenario of options.scenarios) {
    const counts = await countCalls(make, scenario, null);
    for (const first of failures(calls, scenario, counts)) {
      if (at++ % every !== from % every) continue;
      tally.firsts++;
      const after = await countCalls(make, scenario, first);
      for (const second of failures(calls, scenario, after, at)) {
        const faults = await failPair(make, { calls, scenario, first, second });
        if (faults === null) continue;
        tally.pairs++;
        tally.faults.push(...faults);
      }
    }
  }
  return tally;
}

/** Where calls are only counted, whatever is left may stay. */
const ANYTHING: Excuses = [/^/];

/** Counts calls: all of them, or those after a failure. */
async function countCalls(
  make: () => System,
  scenario: Scenario,
  first: Failure | null,
): Promise<Readonly<Record<string, number>>> {
  using system = make();
  if (first !== null) system.fail(first.name, first.way, first.nth);
  await use(system, scenario, ANYTHING);
  await system.faults(ANYTHING);
  const { counts, after } = system.injection;
  return { ...(first === null ? counts : after) };
}

/**
 * What can fail: of each call the first few occurrences.
 *
 * @param turn Which way is the one of the first call; without, it is the first
 * way that is told, and the first that is not.
 */
function* failures(
  calls: PairOptions["calls"],
  scenario: Scenario,
  counts: Readonly<Record<string, number>>,
  turn?: number,
): Generator<Failure> {
  for (const [name, { ways }] of Object.entries(calls)) {
    const isAbsorbed = (way: Way) =>
      way.absorbed || way.accept || way.short ||
      scenario.absorbs?.includes(name) || false;
    const chosen = turn === undefined
      ? [ways.find((way) => !isAbsorbed(way)), ways.find(isAbsorbed)]
      : [ways[turn++ % ways.length]];
    for (const way of chosen) {
      if (way === undefined) continue;
      for (let nth = 1; nth <= Math.min(MOST, counts[name] ?? 0); nth++) {
        yield { name, way, nth, absorbed: isAbsorbed(way) };
      }
    }
  }
}

/** One use with two failures; `null` if the second one was not met. */
async function failPair(
  make: () => System,
  { calls, scenario, first, second }: {
    readonly calls: PairOptions["calls"];
    readonly scenario: Scenario;
    readonly first: Failure;
    readonly second: Failure;
  },
): Promise<string[] | null> {
  using system = make();
  system.fail(first.name, first.way, first.nth);
  system.failNext(second.name, second.way, second.nth);
  const ways = [first.way, second.way];
  const excuses = ways.flatMap(({ excuses }) => excuses ?? []);
  for (const { calls: [one, other], fault } of EXCUSED) {
    if (first.name === one && second.name === other) excuses.push(fault);
  }
  const { error, faults } = await use(system, scenario, excuses);
  faults.push(...await system.faults(excuses));
  if (system.injection.failures < 2) return null;
  const [one, other] = [first, second].map(({ name, way, absorbed }) =>
    judge(error, name, calls[name]!, { ...way, absorbed })
  ) as [string[], string[]];
  // The first one is told, unless it need not be: then either may be.
  if (error === undefined ? one.length > 0 : one.length * other.length > 0) {
    faults.push(...one);
  }
  const again = await use(system, scenarios[0]!, excuses);
  if (again.error !== undefined) {
    faults.push(`the next use failed: ${again.error}`);
  }
  faults.push(...again.faults, ...await system.faults(excuses));
  const say = ({ name, way, nth }: Failure) =>
    `call ${nth} of ${name}, ${way.name}`;
  return faults
    .filter((fault) => !excuses.some((excuse) => excuse.test(fault)))
    .map((fault) =>
      `${scenario.name}, ${say(first)}, then ${say(second)}: ${fault}`
    );
}
