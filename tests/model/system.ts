/**
 * What the model runs over.
 *
 * @module
 */
import type { RioBackend } from "../../ffi/contract.ts";
import { openBackend } from "../../ffi/open.ts";
import { createWinsockBackend, openWinsock } from "../../ffi/winsock/open.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { library, Provider } from "../windows/provider.ts";
import { lacksRio } from "../windows/wine.ts";

/** The kernel, a fake Windows, or the provider with the Windows build. */
export type ModelSystem = "linux" | "fake" | "windows";

/** The systems that are here. */
export const SYSTEMS: readonly ModelSystem[] = Deno.build.os === "linux"
  ? ["linux", "fake"]
  : Deno.build.os === "windows" && (library !== undefined || !lacksRio())
  ? ["windows"]
  : ["fake"];

/** A system to use at random. */
export interface System extends Disposable {
  open(): RioBackend;
  /** What was done wrong, and what is left when all sessions are closed. */
  faults(): Promise<string[]>;
}

/** Makes a system. */
export function makeSystem(name: ModelSystem): System {
  if (name === "linux") return unjudged(() => openBackend());
  if (name === "fake") return fake();
  // Windows' own Registered I/O has nobody who judges.
  return library === undefined ? unjudged(openHere) : windows(library);
}

/** Makes a system in a worker; one thread judges what all have done. */
export function makeOther(name: ModelSystem): System {
  return name === "windows" ? unjudged(openHere) : makeSystem(name);
}

function openHere(): RioBackend {
  return openWinsock(library === undefined ? {} : { library });
}

function unjudged(open: () => RioBackend): System {
  return {
    open,
    faults: () => Promise.resolve([]),
    [Symbol.dispose]: () => {},
  };
}

function fake(): System {
  const fake = createFakeWindows();
  const left = () => [
    ...fake.waiting > 0 ? [`${fake.waiting} waits go on`] : [],
    ...Object.entries(fake.leftovers())
      .map(([what, number]) => `${number} ${what} are left`),
  ];
  return {
    open: () => createWinsockBackend(fake.symbols),
    async faults() {
      for (let i = 0; i < 50 && left().length > 0; i++) {
        await new Promise((resolve) => setTimeout(resolve));
      }
      return [...left(), ...fake.takeViolations()];
    },
    [Symbol.dispose]: () => fake[Symbol.dispose](),
  };
}

function windows(path: string): System {
  const provider = new Provider(path);
  provider.tolerateRefused(true);
  // Workers are terminated in the middle, and leave what they have.
  provider.ignoreExit(true);
  return {
    open: () => openWinsock({ library: path }),
    faults() {
      const violations = provider.violations();
      provider.forget();
      return Promise.resolve(violations);
    },
    [Symbol.dispose]: () => provider[Symbol.dispose](),
  };
}
