/**
 * The contract as one list of statements, and how a backend is held to it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Harness, Skip, type Statement, type Trial } from "./harness.ts";
import { giveUp, settle } from "./teardown.ts";
import { addresses } from "./statements/addresses.ts";
import { arming } from "./statements/arming.ts";
import { closing } from "./statements/closing.ts";
import { completionQueues } from "./statements/completion_queues.ts";
import { connections } from "./statements/connections.ts";
import { controlData } from "./statements/control_data.ts";
import { datagrams } from "./statements/datagrams.ts";
import { firing } from "./statements/firing.ts";
import { notification } from "./statements/notification.ts";
import { posting } from "./statements/posting.ts";
import { registration } from "./statements/registration.ts";
import { requestQueues } from "./statements/request_queues.ts";
import { resizing } from "./statements/resizing.ts";
import { socketOptions } from "./statements/socket_options.ts";
import { streamEnds } from "./statements/stream_ends.ts";
import { streams } from "./statements/streams.ts";
import { traffic } from "./statements/traffic.ts";
import { waiting } from "./statements/waiting.ts";
import { skipped } from "../skip.ts";

/** Every statement, in the order in which things depend on each other. */
export const statements: readonly Statement[] = [
  ...registration,
  ...completionQueues,
  ...requestQueues,
  ...posting,
  ...arming,
  ...firing,
  ...notification,
  ...waiting,
  ...datagrams,
  ...traffic,
  ...addresses,
  ...socketOptions,
  ...controlData,
  ...connections,
  ...streams,
  ...streamEnds,
  ...closing,
  ...resizing,
];

/** A backend that is held to the contract. */
export interface Rig {
  /** What the names of its tests start with. */
  readonly name: string;
  /** Opens the backend for one statement. */
  open(): Trial | Promise<Trial>;
  /** Why wrong calls can not be tried here; absent where they can. */
  readonly noMisuse?: string;
}

/** Registers every statement as a test of a backend. */
export function testContract(rig: Rig): void {
  const names = new Set(statements.map((statement) => statement.name));
  assertEquals(names.size, statements.length, "two statements of one name");
  for (const statement of statements) {
    const name = `${rig.name}: ${statement.name}`;
    Deno.test(name, async (test) => {
      const reason = await hold(rig, statement);
      // Only a step can be left out as late as here; it is counted as such.
      if (skipped(name, reason)) {
        await test.step({ name: `skip: ${reason}`, ignore: true, fn() {} });
      }
    });
  }
}

/** Tries one statement; returns why it could not be tried. */
async function hold(
  rig: Rig,
  statement: Statement,
): Promise<string | undefined> {
  const misuse = statement.misuse === true;
  if (misuse && rig.noMisuse) return rig.noMisuse;
  const trial = await rig.open();
  const harness = new Harness(trial);
  let reason: string | undefined;
  try {
    await statement.run(harness);
  } catch (error) {
    if (!(error instanceof Skip)) {
      await giveUp(harness);
      await trial.faults(true);
      throw error;
    }
    reason = error.message;
  }
  await settle(harness);
  assertEquals(await trial.faults(misuse), [], "after the end");
  return reason;
}
