/**
 * What a test asks of the fake system: failures, and counts of calls.
 *
 * @module
 */

/** How a call fails. */
export interface Fault {
  /** Which call from now on; 1 is the next. */
  nth?: number;
  /** How many calls in a row. */
  times?: number;
  /** Do what was asked all the same, and answer as if it had failed. */
  accept?: boolean;
}

interface Pending {
  name: string;
  errno: number;
  skip: number;
  times: number;
  accept: boolean;
}

/** Counts calls by name, and fails those that a test named. */
export class Script {
  /** How often each function was called. */
  readonly counts: Record<string, number> = {};
  /** What `WSAGetLastError` answers; any call may overwrite it. */
  lastError = 0;

  #faults: Pending[] = [];

  /** Fails a call of a function with an error number. */
  fail(name: string, errno: number, fault: Fault = {}): void {
    const { nth = 1, times = 1, accept = false } = fault;
    this.#faults.push({ name, errno, skip: nth - 1, times, accept });
  }

  /** Whether a scripted failure was not met yet. */
  get armed(): boolean {
    return this.#faults.length > 0;
  }

  /**
   * Runs one native call.
   *
   * @param failure What the function returns when it fails.
   */
  run<T>(name: string, failure: (errno: number) => T, body: () => T): T {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    // Whoever reads the last error too late reads nonsense.
    this.lastError = 1;
    const fault = this.#take(name);
    if (fault === undefined) return body();
    if (fault.accept) body();
    this.lastError = fault.errno;
    return failure(fault.errno);
  }

  #take(name: string): Pending | undefined {
    const at = this.#faults.findIndex((fault) => fault.name === name);
    const fault = this.#faults[at];
    if (fault === undefined || fault.skip-- > 0) return undefined;
    if (--fault.times === 0) this.#faults.splice(at, 1);
    return fault;
  }
}
