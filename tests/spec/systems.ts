/**
 * The systems on which the model's traces are replayed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { openBackend } from "../../ffi/open.ts";
import { Stranger } from "../exhaustive/places.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { library } from "../windows/provider.ts";
import { Replay } from "./replay.ts";
import { replayOnWindows } from "./windows.ts";

/** Rounds of the fake in which everything completes that can. */
const ROUNDS = 6;

/** A system, and how requests complete on it. */
export interface SpecSystem {
  readonly name: string;
  readonly eager: boolean;
  /** Replays one life. */
  replay(lines: readonly string[]): Promise<void>;
}

/** The systems that are here. */
export function specSystems(): SpecSystem[] {
  if (Deno.build.os === "windows") {
    if (library === undefined) return [];
    const replay = replayOnWindows(library);
    return [{ name: "windows", eager: false, replay }];
  }
  const systems: SpecSystem[] = [
    { name: "fake", eager: false, replay: replayOnFake },
  ];
  for (const engine of ["io_uring", "epoll"] as const) {
    if (engine === "io_uring" && WITHOUT_URING !== undefined) continue;
    systems.push({
      name: engine,
      eager: true,
      replay: (lines) => replayOnLinux(engine, lines),
    });
  }
  return systems;
}

async function replayOnFake(lines: readonly string[]): Promise<void> {
  // Nothing completes because somebody has looked often.
  const fake = createFakeWindows({ lateBy: 10_000 });
  const open = () => createWinsockBackend(fake.symbols);
  const stranger = new Stranger(open());
  const pass = () => fake.pump(ROUNDS);
  await new Replay(openSession(open()), {
    arrive: (to) => stranger.send(to),
    sink: stranger.address,
    pass,
  }).run(lines);
  const closed = stranger.close();
  pass();
  await closed;
  const faults = fake.takeViolations();
  fake[Symbol.dispose]();
  assertEquals(faults, []);
}

async function replayOnLinux(
  engine: "io_uring" | "epoll",
  lines: readonly string[],
): Promise<void> {
  const open = () => openBackend({ backend: engine });
  const stranger = new Stranger(open());
  await new Replay(openSession(open()), {
    arrive: (to) => stranger.send(to),
    sink: stranger.address,
    pass() {},
  }).run(lines);
  await stranger.close();
}
