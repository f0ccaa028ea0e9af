/**
 * How waits end in this run of the tests.
 *
 * @module
 */
import type { RioWaitWay } from "../../ffi/contract.ts";

/** The way on Linux: in the event loop, or as `RIO_TEST_WAY` says. */
export const WAY: RioWaitWay =
  Deno.build.os === "linux" && Deno.env.get("RIO_TEST_WAY") === "thread"
    ? "thread"
    : "reactor";

/** What a program has to be started with, so that its waits end in that way. */
export const WAY_FLAGS: readonly string[] = WAY === "thread"
  ? ["--preload", new URL("without_pipes.ts", import.meta.url).href]
  : [];
