/**
 * Memory as connections grow: what they cost a server, while each waits for a
 * request. Server and clients are processes of their own.
 *
 * @module
 */
import { Child } from "./child.ts";
import { fits } from "./descriptors.ts";
import { median, type Report, type Row } from "./harness.ts";

/** Kinds of `echo.ts`, this package first. */
const KINDS = { rio: "listen", deno: "Deno.listen" } as const;
/** Opened and closed before anything is weighed. */
const WARM_UP = 100;

type Kind = keyof typeof KINDS;

/** Bytes of memory per connection at growing numbers of them. */
export async function connectionMemory(
  wanted: number[],
  rounds: number,
): Promise<Report> {
  const counts = wanted.filter((count) => fits(count + WARM_UP));
  const kinds = Object.keys(KINDS) as Kind[];
  const samples = new Map(kinds.map((kind) => [kind, [] as number[][]]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      samples.get(kind)!.push(await weigh(kind, counts));
    }
  }
  const rows = counts.flatMap((count, i): Row[] => {
    const of = (kind: Kind) => samples.get(kind)!.map((round) => round[i]!);
    const ours = median(of("rio"));
    return kinds.map((kind) => ({
      name: `${count} of ${KINDS[kind]}`,
      unit: "bytes each",
      median: median(of(kind)),
      min: Math.min(...of(kind)),
      max: Math.max(...of(kind)),
      ratio: ours / median(of(kind)),
    }));
  });
  return {
    id: "connections",
    title: "TCP, memory of a server per waiting connection",
    rows,
    lessIsBetter: true,
  };
}

/** Bytes per connection at each of the counts. */
async function weigh(kind: Kind, counts: number[]): Promise<number[]> {
  await using server = new Child("echo_server.ts", ["tcp", kind], {
    v8Flags: "--expose-gc",
  });
  await using clients = new Child("echo_clients.ts", [await server.line()]);
  const open = async (count: number) => {
    await clients.tell(String(count));
    await clients.line();
    await server.tell("memory");
    return Number(await server.line());
  };
  await open(WARM_UP);
  const before = await open(0);
  const bytes: number[] = [];
  for (const count of counts) {
    bytes.push((await open(count) - before) / count);
  }
  return bytes;
}
