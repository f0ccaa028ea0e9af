/**
 * The model in a worker: a thread of its own, with a session of its own.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { openSession } from "../../ffi/mod.ts";
import { Model } from "./model.ts";
import type { Order, Report } from "./other_thread.ts";
import { Random } from "./random.ts";
import { makeOther } from "./system.ts";

function report(report: Report): void {
  self.postMessage(report);
}

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  const { system, seed, steps, owner, strangers } = data;
  // Buffers are dropped on purpose.
  console.warn = () => {};
  using made = makeOther(system);
  const session = openSession(made.open());
  const model = new Model(session, new Random(seed), { owner });
  model.meet(strangers);
  try {
    await model.run(steps, () => {
      const { outstanding } = session.stats();
      if (outstanding > 0) report({ addresses: model.addresses() });
    });
    report({ faults: await made.faults() });
  } catch (error) {
    report({
      faults: [
        `seed ${seed} fails at step ${model.steps} of a worker: ${
          error instanceof Error ? error.stack : error
        }`,
      ],
    });
  }
};
