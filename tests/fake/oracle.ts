/**
 * The oracle: what was done that a real system would answer with a crash, with
 * corrupted memory, or with silence.
 *
 * @module
 */

/** Remembers misuse of one fake system. */
export class Oracle {
  /** One sentence for each misuse. */
  readonly violations: string[] = [];

  /** Remembers a misuse. */
  record(violation: string): void {
    this.violations.push(violation);
  }

  /** Remembers a misuse if there is one; returns whether there is. */
  expect(condition: boolean, violation: string): boolean {
    if (!condition) this.record(violation);
    return condition;
  }
}
