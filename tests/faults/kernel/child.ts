/**
 * Uses the package while the kernel refuses its system calls; prints what came
 * of it.
 *
 * @module
 */
import { judge, use } from "../faults.ts";
import { FaultyLinux } from "../faulty_linux.ts";
import { NoStraceError } from "../../strace.ts";
import { type Case, casesOf, shortCases, tampered } from "./cases.ts";
import { tamper, tamperedWith } from "./tampering.ts";

/** What is printed. */
export interface Found {
  cases: number;
  faults: string[];
  /** The system calls that failed. */
  calls: string[];
  /** Why nothing was done. */
  skipped?: string;
}

const [engine = "epoll", every = "1", from = "0"] = Deno.args;

async function main(): Promise<Found> {
  const found: Found = { cases: 0, faults: [], calls: [] };
  let at = Number(from);
  for (const one of await allCases()) {
    if (at++ % Number(every) !== 0) continue;
    try {
      const { faults, met } = await run(one);
      if (!met) continue;
      found.cases++;
      const { calls } = one.tampering;
      if (calls.length === 1) found.calls.push(...calls);
      found.faults.push(...faults.map((fault) => `${one.name}: ${fault}`));
    } catch (error) {
      if (!(error instanceof NoStraceError)) throw error;
      return { ...found, skipped: error.message };
    }
  }
  return { ...found, calls: [...new Set(found.calls)] };
}

/** All cases, by what each scenario calls where nothing fails. */
async function allCases(): Promise<Case[]> {
  const cases: Case[] = [...shortCases()];
  for (const scenario of tampered) {
    using system = make();
    const { error } = await use(system, scenario);
    if (error !== undefined) throw error;
    await system.faults();
    cases.push(...casesOf(scenario, system.counts));
  }
  return cases;
}

function make(): FaultyLinux {
  return new FaultyLinux(undefined, engine === "epoll" ? "epoll" : "io_uring");
}

async function run(
  { scenario, tampering, expected }: Case,
): Promise<{ faults: string[]; met: boolean }> {
  using system = make();
  if (tampering.calls.includes("io_setup")) system.takeSpare();
  const excuses = expected?.way.excuses ? [expected.way.excuses] : [];
  await using strace = await tamper(tampering);
  const { error, faults } = await use(system, scenario, excuses);
  const met = tamperedWith(await strace.end()) > 0;
  if (expected !== null) {
    const { name, call, way } = expected;
    faults.push(...judge(error, name, call, way));
  } else if (error !== undefined) {
    faults.push(String(error));
  }
  faults.push(...await system.faults());
  return { faults, met };
}

console.log(JSON.stringify(await main()));
