/**
 * Sends and receives, and reports what that leaves on the heap and allocates.
 *
 *     deno run -A --unstable-net --v8-flags=--expose-gc heap_child.ts \
 *       KIND COUNT ROUNDS
 *
 * @module
 */
import { getHeapStatistics } from "node:v8";
import {
  denoOneByOne,
  dropInBatches,
  rioOneByOne,
  session,
} from "./udp_pairs.ts";

/** Bytes per datagram, a sample each round. */
export interface HeapSamples {
  /** What remains after a collection. */
  grown: number[];
  /** What was allocated. */
  allocated: number[];
}

const SIZE = 64;
/** Rounds before the first sample: meanwhile the compiler allocates numbers. */
const WARM_UP = 8;
const KINDS = {
  session: () => session(SIZE),
  addressed: () => session(SIZE, { addressed: true }),
  batches: () => dropInBatches(SIZE),
  rio: () => rioOneByOne(SIZE),
  deno: () => denoOneByOne(SIZE),
};

if (import.meta.main) {
  const [kind, count, rounds] = Deno.args;
  const samples = await sample(
    kind as keyof typeof KINDS,
    Number(count),
    Number(rounds),
  );
  // V8 prints collections, with a buffer of its own that would mix with this.
  console.error(JSON.stringify(samples));
}

async function sample(
  kind: keyof typeof KINDS,
  count: number,
  rounds: number,
): Promise<HeapSamples> {
  await using candidate = KINDS[kind]();
  const samples: HeapSamples = { grown: [], allocated: [] };
  for (let round = 0; round < WARM_UP; round++) await candidate.run(count);
  for (let round = 0; round < rounds; round++) {
    const used = heapUsed();
    const allocated = allocatedBytes();
    await candidate.run(count);
    samples.allocated.push((allocatedBytes() - allocated) / count);
    samples.grown.push((heapUsed() - used) / count);
  }
  return samples;
}

function heapUsed(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (!gc) throw new Error("Run with --v8-flags=--expose-gc");
  gc();
  return Deno.memoryUsage().heapUsed;
}

/** All that V8 ever allocated; a number that Node does not know yet. */
function allocatedBytes(): number {
  const statistics = getHeapStatistics() as unknown as Record<string, number>;
  return statistics.total_allocated_bytes ?? NaN;
}
