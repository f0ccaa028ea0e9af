/**
 * System calls per request of many connections, counted by `strace -c -f`.
 *
 * Under it each call takes many times as long, so that more of what can leave
 * together is there at a time: the counts say nothing about speed.
 *
 * @module
 */
import { NoStraceError, Strace } from "../strace.ts";
import { Child } from "./child.ts";
import { type Report, toRows } from "./harness.ts";
import { tcpNames } from "./tcp.ts";

/** How much to count. */
export interface SystemCallsOptions {
  readonly connections: number;
  readonly requests: number;
  readonly rounds: number;
}

/** Counts; says why where it cannot. */
export async function systemCalls(
  { connections, requests, rounds }: SystemCallsOptions,
): Promise<Report | null> {
  const names = tcpNames();
  const samples: number[][] = names.map(() => []);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [i, name] of names.entries()) {
        const calls = await count(name, connections, requests);
        samples[i]!.push(100 * calls / requests);
      }
    }
  } catch (error) {
    if (!(error instanceof NoStraceError)) throw error;
    console.error(`skip: system calls cannot be counted: ${error.message}`);
    return null;
  }
  return {
    id: `calls-${connections}`,
    title:
      `TCP, ${connections} connections, system calls for 100 requests, both ends`,
    rows: toRows(names, samples, "calls"),
    lessIsBetter: true,
  };
}

/** System calls of all threads, while so many requests are made. */
async function count(
  name: string,
  connections: number,
  requests: number,
): Promise<number> {
  const args = [name, String(connections)];
  await using child = new Child("many_child.ts", args);
  const pid = Number(await child.line());
  const run = async () => {
    await child.tell(String(requests));
    await child.line();
  };
  // The first ones open what is opened once.
  await run();
  const strace = await Strace.attach(pid, ["-c", "-f", "-U", "calls,name"]);
  await run();
  const counted = await strace.end();
  const total = /^\s*(\d+) total$/m.exec(counted)?.[1];
  if (total === undefined) throw new Error(`Nothing was counted: ${counted}`);
  return Number(total);
}
