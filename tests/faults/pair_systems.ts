/**
 * The systems on which calls fail in pairs.
 *
 * @module
 */
import { WITHOUT_URING } from "../linux/engine.ts";
import type { Call, System } from "./faults.ts";
import { FaultyLinux } from "./faulty_linux.ts";
import { linuxCalls } from "./linux_calls.ts";
import { inVirtualTime } from "../time/virtual_clock.ts";
import { winsockCalls } from "./winsock_calls.ts";
import { FaultyFake } from "./winsock_systems.ts";

/** A system, and what can fail on it. */
export interface PairSystem {
  readonly name: string;
  readonly calls: Readonly<Record<string, Call>>;
  make(): System;
  /** Does something in the time of the system. */
  inTime<T>(body: () => Promise<T>): Promise<T>;
}

/** Those that are here: a fake Windows anywhere, and the ways of Linux. */
export function pairSystems(): PairSystem[] {
  const systems: PairSystem[] = [
    {
      name: "fake",
      calls: winsockCalls,
      make: () => new FaultyFake(),
      inTime: inVirtualTime,
    },
  ];
  if (Deno.build.os !== "linux") return systems;
  for (const engine of ["epoll", "io_uring"] as const) {
    if (engine === "io_uring" && WITHOUT_URING !== undefined) continue;
    for (const way of ["reactor", "thread"] as const) {
      systems.push({
        name: `${engine}, ${way}`,
        calls: linuxCalls,
        make: () => new FaultyLinux(way, engine),
        inTime: (body) => body(),
      });
    }
  }
  return systems;
}
