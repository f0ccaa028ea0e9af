/**
 * Replays on the Windows build, over the provider: it holds all completions back
 * until the model's system completes them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { openSession } from "../../ffi/mod.ts";
import { openWinsock } from "../../ffi/winsock/open.ts";
import { Stranger } from "../exhaustive/places.ts";
import { turn } from "../exhaustive/run.ts";
import { Provider, UNTIL_LOWERED } from "../windows/provider.ts";
import { Replay } from "./replay.ts";

/** How many turns of the event loop a completion may take. */
const TURNS = 10_000;

/** Makes what replays one life with the provider at a path. */
export function replayOnWindows(
  library: string,
): (lines: readonly string[]) => Promise<void> {
  return async (lines) => {
    using provider = new Provider(library);
    const open = () => openWinsock({ library });
    const stranger = new Stranger(open());
    provider.delay(UNTIL_LOWERED);
    let due = provider.counters().completed;
    await new Replay(openSession(open()), {
      arrive(to) {
        stranger.send(to);
        due++;
      },
      sink: stranger.address,
      async pass(count) {
        due += count;
        provider.delay(0);
        const completed = () => provider.counters().completed;
        for (let i = 0; i < TURNS && completed() < due; i++) await turn();
        assertEquals(completed(), due);
        provider.delay(UNTIL_LOWERED);
      },
    }).run(lines);
    provider.delay(0);
    await stranger.close();
    assertEquals(provider.violations(), []);
  };
}
