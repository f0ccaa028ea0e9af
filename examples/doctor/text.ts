/**
 * The report for people.
 *
 * @module
 */
import type { Finding, Verdict } from "./experiment.ts";
import type { Result } from "./runner.ts";
import type { Permissions, System } from "./system.ts";

const COLORS: Record<string, number> = {
  "match": 32,
  "differs": 33,
  "not decided": 36,
  "crashed": 31,
  "hung": 31,
  "failed": 31,
  "missing": 33,
};
/** Columns of the verdict, and of what was asked. */
const VERDICT = 13;
const QUESTION = 42;

/** Writes the report, with colours where they are seen. */
export class Text {
  #colors: boolean;
  #print: (line: string) => void;
  /** Titles of what was left out, by the reason. */
  #leftOut = new Map<string, string[]>();

  constructor(print: (line: string) => void, colors: boolean) {
    this.#print = print;
    this.#colors = colors;
  }

  /** The machine and the permissions. */
  head(system: System, permissions: Permissions): void {
    const { os, arch, release, deno, v8 } = system;
    this.#print("The doctor of @winsock/rio");
    this.#title("System");
    this.#row("system", `${os} ${release ?? "of unknown release"}, ${arch}`);
    this.#row("Deno", `${deno}, V8 ${v8}`);
    this.#title("Permissions");
    for (
      const [name, { flag, granted, without }] of Object.entries(permissions)
    ) {
      const state = granted
        ? "granted"
        : `${this.#color("missing")} (${flag}): ${without}`;
      this.#row(name, state);
    }
  }

  /** One experiment. */
  experiment({ name, title, end, reason, findings }: Result): void {
    if (end === "interrupted" && findings.length === 0) return;
    const number = /^\d+$/.test(name) ? `Question ${name}: ` : "";
    if (end === "left out") {
      const why = reason ?? "";
      const titles = this.#leftOut.get(why) ?? [];
      this.#leftOut.set(why, [...titles, `${number}${title}`]);
      return;
    }
    this.#title(`${number}${title}`);
    for (const finding of findings) this.#finding(finding);
    if (end !== "done") {
      const why = reason === undefined ? "" : `: ${reason}`;
      this.#print(`  ${this.#color(end)}${why}`);
    }
  }

  /** The sum of it all. */
  tail(
    works: boolean,
    reason: string,
    counts: Readonly<Record<string, number>>,
  ): void {
    for (const [why, titles] of this.#leftOut) {
      this.#title(`Left out: ${why}`);
      for (const title of titles) this.#print(`  ${title}`);
    }
    this.#title("Result");
    const parts = Object.entries(counts).filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${what}`);
    if (parts.length > 0) this.#print(`  ${parts.join(", ")}`);
    const verdict = works ? "match" : "failed";
    const text = works
      ? "Registered I/O works here"
      : `Registered I/O was not seen working here: ${reason}`;
    this.#print(`  ${this.#color(verdict, text)}`);
  }

  #finding({ what, expected, seen, verdict }: Finding): void {
    if (verdict === "fact") {
      this.#row(what, seen, VERDICT + QUESTION);
      return;
    }
    const label = this.#color(verdict, verdict.padEnd(VERDICT));
    this.#print(`  ${label}${what.padEnd(QUESTION)}${seen}`);
    if (expected === undefined || expected === seen) return;
    this.#print(
      `  ${"".padEnd(VERDICT)}${"  expected".padEnd(QUESTION)}${expected}`,
    );
  }

  #title(text: string): void {
    this.#print(`\n${this.#colors ? `\x1b[1m${text}\x1b[22m` : text}`);
  }

  #row(name: string, value: string, width = 16): void {
    this.#print(`  ${name.padEnd(width)}${value}`);
  }

  #color(kind: Verdict | string, text: string = kind): string {
    const code = COLORS[kind];
    return this.#colors && code !== undefined
      ? `\x1b[${code}m${text}\x1b[39m`
      : text;
  }
}
