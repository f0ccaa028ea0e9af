/**
 * Sessions over a kernel that refuses the calls that a test wants refused.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { RioBackend } from "../../ffi/contract.ts";
import { openSession } from "../../ffi/mod.ts";
import type { RioSession } from "../../mod.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { FaultyLinux } from "./faulty_linux.ts";

/** What a test holds in its hands. */
export interface Faulty {
  readonly system: FaultyLinux;
  readonly backend: RioBackend;
  /** Closed after the test. */
  readonly session: RioSession;
}

/** States something about such a session; nothing may be left of it. */
export function faultyTest(
  name: string,
  body: (faulty: Faulty) => Promise<void>,
): void {
  const full = `faulty linux: ${name}`;
  Deno.test({
    name: full,
    ignore: skipped(full, NOT_LINUX),
    async fn() {
      using system = new FaultyLinux();
      const backend = system.open();
      const session = openSession(backend);
      try {
        await body({ system, backend, session });
      } finally {
        await session.close();
      }
      const { registered, deregistered, abandoned, outstanding } = session
        .stats();
      assertEquals([deregistered, abandoned], [registered, 0]);
      assertEquals(outstanding, 0);
      assertEquals(await system.faults(), []);
    },
  });
}
