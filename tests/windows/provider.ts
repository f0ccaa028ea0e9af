/**
 * What the provider DLL offers to tests beside Winsock: its verifier and its faults. The exports
 * are described where they are written, in `provider/verifier.c` and `provider/faults.c`.
 */

/** The order of what `counters()` reports after the calls per function. */
const COUNTERS = [
  "buffers",
  "completionQueues",
  "requestQueues",
  "sockets",
  "startups",
  "outstanding",
  "completed",
  "notified",
] as const;

/** State of the provider: what is open now, and what was completed and notified so far. */
export type ProviderCounters = Record<(typeof COUNTERS)[number], number>;

/** For `Provider.fail`: every call from now on. */
export const EVERY = 0xFFFFFFFF;

/** For `Provider.delay`: until it is lowered. */
export const UNTIL_LOWERED = 0xFFFFFFFF;

/** Path of the provider, which `run.ts` sets; nothing outside of the rig. */
export const library: string | undefined = Deno.env.get("RIO_LIBRARY");

const symbols = {
  RioVerifierViolations: { parameters: [], result: "u32" },
  RioVerifierMessage: { parameters: ["u32", "buffer", "u32"], result: "u32" },
  RioVerifierForget: { parameters: ["u32"], result: "void" },
  RioVerifierTolerateRefused: { parameters: ["u32"], result: "void" },
  RioVerifierIgnoreExit: { parameters: ["u32"], result: "void" },
  RioVerifierCounters: { parameters: ["buffer", "u32"], result: "u32" },
  RioFaultFunction: { parameters: ["buffer"], result: "u32" },
  RioFaultFail: { parameters: ["u32", "u32", "u32"], result: "i32" },
  RioFaultCorruptCq: { parameters: ["u32"], result: "void" },
  RioFaultDelay: { parameters: ["u32"], result: "void" },
  RioFaultDwell: { parameters: ["u32"], result: "void" },
  RioFaultInstant: { parameters: ["u32"], result: "void" },
  RioInstantTable: { parameters: ["u32"], result: "void" },
  RioFaultReset: { parameters: [], result: "void" },
} as const;

/** The verifier and the faults of a provider, from now until it is disposed. */
export class Provider implements Disposable {
  readonly #dll: Deno.DynamicLibrary<typeof symbols>;
  readonly #before: number;

  constructor(path: string) {
    this.#dll = Deno.dlopen(path, symbols);
    this.#before = this.#dll.symbols.RioVerifierViolations();
  }

  /** What was recorded since this object was made. */
  violations(): string[] {
    const { RioVerifierViolations, RioVerifierMessage } = this.#dll.symbols;
    const bytes = new Uint8Array(512);
    const messages: string[] = [];
    for (let i = this.#before; i < RioVerifierViolations(); i++) {
      const length = RioVerifierMessage(i, bytes, bytes.length);
      messages.push(new TextDecoder().decode(bytes.subarray(0, length)));
    }
    return messages;
  }

  /** Forgets what was recorded since this object was made. */
  forget(): void {
    this.#dll.symbols.RioVerifierForget(this.#before);
  }

  /** Lets calls that are refused with a documented error pass unrecorded. */
  tolerateRefused(on: boolean): void {
    this.#dll.symbols.RioVerifierTolerateRefused(Number(on));
  }

  /** Says that this process means to end with things left. */
  ignoreExit(on: boolean): void {
    this.#dll.symbols.RioVerifierIgnoreExit(Number(on));
  }

  /** What is open now. */
  counters(): ProviderCounters {
    const out = new BigUint64Array(256);
    const count = this.#dll.symbols.RioVerifierCounters(out, out.length);
    const values = out.subarray(count - COUNTERS.length, count);
    return Object.fromEntries(
      COUNTERS.map((name, index) => [name, Number(values[index])]),
    ) as ProviderCounters;
  }

  /** How often a RIO or socket function was called. */
  calls(name: string): number {
    const out = new BigUint64Array(256);
    this.#dll.symbols.RioVerifierCounters(out, out.length);
    return Number(out[this.#indexOf(name)]);
  }

  /** Makes call number `nth` from now of a RIO or socket function fail. */
  fail(name: string, nth: number, error: number): void {
    this.#dll.symbols.RioFaultFail(this.#indexOf(name), nth, error);
  }

  /** Makes dequeue number `nth` from now find its queue damaged. */
  corrupt(nth: number): void {
    this.#dll.symbols.RioFaultCorruptCq(nth);
  }

  /** Makes completions late. */
  delay(milliseconds: number): void {
    this.#dll.symbols.RioFaultDelay(milliseconds);
  }

  /** Makes every call on a queue take a while. */
  dwell(milliseconds: number): void {
    this.#dll.symbols.RioFaultDwell(milliseconds);
  }

  /** Makes requests complete at once, without a socket. */
  instant(on: boolean): void {
    this.#dll.symbols.RioFaultInstant(Number(on));
  }

  /**
   * Makes what posts and dequeues return at once, without anything behind it,
   * in sessions that are opened from now on: one queue at a time.
   */
  instantTable(on: boolean): void {
    this.#dll.symbols.RioInstantTable(Number(on));
  }

  /** Ends every fault and tolerance; what was recorded stays. */
  [Symbol.dispose](): void {
    this.#dll.symbols.RioFaultReset();
    this.tolerateRefused(false);
    this.instantTable(false);
    this.#dll.close();
  }

  #indexOf(name: string): number {
    const index = this.#dll.symbols.RioFaultFunction(
      new TextEncoder().encode(`${name}\0`),
    );
    if (index === EVERY) {
      throw new TypeError(`The provider counts no calls of ${name}`);
    }
    return index;
  }
}
