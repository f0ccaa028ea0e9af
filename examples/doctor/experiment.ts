/**
 * What an experiment is, and what it finds.
 *
 * @module
 */
import { errorName } from "../../ffi/mod.ts";

/** How what was seen compares with what was expected. */
export type Verdict = "match" | "differs" | "not decided" | "fact";

/** One answer. */
export interface Finding {
  /** What was asked. */
  readonly what: string;
  /** What was expected; absent for a mere fact. */
  readonly expected?: string;
  /** What was seen. */
  readonly seen: string;
  readonly verdict: Verdict;
  /** The same for programs, where there is more than text. */
  readonly data?: unknown;
}

/** What an experiment works with. */
export interface Setting {
  /** Path of a DLL in place of `ws2_32.dll`. */
  readonly library?: string;
  /** When the experiment has to be over, on the clock of `performance.now()`. */
  readonly deadline: number;
}

/** A few calls that answer one question. */
export interface Experiment {
  /** How it is named on the command line. */
  readonly name: string;
  /** The question. */
  readonly title: string;
  /** Why it runs in a process of its own, and never in the doctor's. */
  readonly risk?: string;
  /** Whether it uses sockets on loopback, which needs `--allow-net`. */
  readonly net: boolean;
  run(notes: Notebook, setting: Setting): void | Promise<void>;
}

/** Where an experiment writes down what it finds, as soon as it knows. */
export class Notebook {
  #write: (finding: Finding) => void;

  constructor(write: (finding: Finding) => void) {
    this.#write = write;
  }

  /** Something worth knowing that nobody expects anything of. */
  fact(what: string, seen: string, data?: unknown): void {
    this.#write({
      what,
      seen,
      verdict: "fact",
      ...(data === undefined ? {} : { data }),
    });
  }

  /** An answer, next to the expected one. */
  compare(what: string, expected: string, seen: string, match: boolean): void {
    const verdict = match ? "match" : "differs";
    this.#write({ what, expected, seen, verdict });
  }

  /** An answer in numbers: 0 is success, everything else an error. */
  errno(what: string, expected: readonly number[], seen: number): void {
    this.compare(
      what,
      expected.map(outcome).join(" or "),
      outcome(seen),
      expected.includes(seen),
    );
  }

  /** No answer, and why. */
  undecided(what: string, expected: string, reason: string): void {
    this.#write({ what, expected, seen: reason, verdict: "not decided" });
  }
}

/** The words for an error number. */
export function outcome(errno: number): string {
  return errno === 0 ? "success" : `${errorName(errno)} (${errno})`;
}

/** The error number in what a call returned that returns handles. */
export function errorOf(handle: number): number {
  return handle < 0 ? -handle : 0;
}

/** The number of `WSA_OPERATION_ABORTED`, the status of a cancelled request. */
export const ABORTED = 995;
