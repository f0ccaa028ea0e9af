/**
 * The systems behind the Winsock backend, each with one failure: a fake Windows
 * anywhere, and the provider with the Windows build of Deno.
 *
 * @module
 */
import type { RioBackend } from "../../ffi/contract.ts";
import { createWinsockBackend, openLibrary } from "../../ffi/mod.ts";
import { createFakeWindows, type FakeWindows } from "../fake/mod.ts";
import { inVirtualTime } from "../time/virtual_clock.ts";
import { library, Provider } from "../windows/provider.ts";
import { type Excuses, type System, untilGone, type Way } from "./faults.ts";
import { FaultyWinsock } from "./faulty_winsock.ts";
import type { Injection } from "./injection.ts";

/** Winsock with one failure, and somebody who judges what was done with it. */
abstract class FaultyWindows implements System {
  readonly #functions: FaultyWinsock;

  constructor(functions: FaultyWinsock) {
    this.#functions = functions;
  }

  get injection(): Injection {
    return this.#functions.injection;
  }

  open(): RioBackend {
    return createWinsockBackend(this.#functions.symbols);
  }

  fail(call: string, way: Way, nth: number): void {
    this.injection.fail(call, way, nth);
  }

  failNext(call: string, way: Way, nth: number): void {
    this.injection.failNext(call, way, nth);
  }

  get met(): boolean {
    return this.injection.met;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.injection.counts;
  }

  async faults(excuses: Excuses = []): Promise<string[]> {
    // What a pending wait uses is released when it returned.
    await untilGone(() => [...this.#left(), ...this.pending()], excuses);
    return [...this.#left(), ...this.takeViolations()];
  }

  abstract [Symbol.dispose](): void;

  /** How many of each thing are open, as the system says. */
  protected abstract leftovers(): Record<string, number>;

  /** Misuse that the system saw since it was asked the last time. */
  protected abstract takeViolations(): string[];

  /** What goes on, and is no fault. */
  protected pending(): string[] {
    return [];
  }

  #left(): string[] {
    const all = {
      ...this.leftovers(),
      "events and ports": this.#functions.handles.size,
    };
    return Object.entries(all)
      .filter(([, number]) => number > 0)
      .map(([what, number]) => `${number} ${what} are left`);
  }
}

/** A fake Windows. */
export class FaultyFake extends FaultyWindows {
  readonly #fake: FakeWindows;

  constructor(fake: FakeWindows = createFakeWindows()) {
    super(new FaultyWinsock(fake.symbols));
    this.#fake = fake;
  }

  [Symbol.dispose](): void {
    this.#fake[Symbol.dispose]();
  }

  protected leftovers(): Record<string, number> {
    return this.#fake.leftovers();
  }

  protected takeViolations(): string[] {
    return this.#fake.takeViolations();
  }

  protected override pending(): string[] {
    const { waiting } = this.#fake;
    return waiting > 0 ? [`${waiting} waits are left`] : [];
  }
}

/** The Windows build's Winsock with the provider, whose verifier judges. */
export class FaultyProvider extends FaultyWindows {
  readonly #provider: Provider;

  constructor(path: string) {
    super(new FaultyWinsock(openLibrary({ library: path })));
    this.#provider = new Provider(path);
  }

  [Symbol.dispose](): void {
    this.#provider[Symbol.dispose]();
  }

  protected leftovers(): Record<string, number> {
    const { completed: _, notified: __, ...open } = this.#provider.counters();
    return open;
  }

  protected takeViolations(): string[] {
    const violations = this.#provider.violations();
    this.#provider.forget();
    return violations;
  }
}

/** The provider, on Windows and within the rig. */
export const provider: string | undefined = Deno.build.os === "windows"
  ? library
  : undefined;

/** How the system behind the Winsock backend is called here. */
export const SYSTEM: "windows" | "fake" = provider === undefined
  ? "fake"
  : "windows";

/** Does something on the fake in virtual time, and on Windows in its own. */
export function inItsTime<T>(body: () => Promise<T>): Promise<T> {
  return provider === undefined ? inVirtualTime(body) : body();
}

/** Makes the system behind the Winsock backend, as it is here. */
export function makeWindows(): System {
  return provider === undefined
    ? new FaultyFake()
    : new FaultyProvider(provider);
}
