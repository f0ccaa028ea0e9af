/**
 * Runs tests of sessions over the fake Windows in virtual time.
 *
 * @module
 */
import type { FakeWindows } from "../fake/mod.ts";
import { type Intent, type Open, sessionTest } from "../session/harness.ts";
import { inVirtualTime, type VirtualClock } from "./virtual_clock.ts";

/** What a test in virtual time is given. */
export interface Virtual {
  readonly clock: VirtualClock;
  readonly open: Open;
  readonly fake: FakeWindows;
}

/** Registers a test; its sessions are closed when its body ends. */
export function virtualTest(
  name: string,
  body: (virtual: Virtual) => void | Promise<void>,
  intent: Omit<Intent, "only"> = {},
): void {
  sessionTest(
    name,
    (open) => inVirtualTime((clock) => body({ clock, open, fake: open.fake! })),
    { ...intent, only: ["fake"] },
  );
}
