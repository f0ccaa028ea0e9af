/**
 * Rules that make mutants of a source text, each of one small change.
 *
 * They know as much of the language as it takes to leave comments, texts and
 * declarations alone; the rest is the work of `deno fmt`, which puts one
 * statement in a line and spaces around operators.
 *
 * @module
 */

/** A mutant of one text. */
export interface Change {
  /** Which rule made it. */
  readonly rule: string;
  /** The first line that it changes, from 1. */
  readonly line: number;
  /** How that line reads without it. */
  readonly before: string;
  /** How it reads with it; nothing if it is removed. */
  readonly after: string;
  /** The whole text with it. */
  readonly text: string;
}

/** What an operator becomes. */
const OPERATORS: readonly (readonly [find: RegExp, replace: string])[] = [
  [/(?<![\w)\]!])!(?=[\w#(\[])/g, ""],
  [/ === /g, " !== "],
  [/ !== /g, " === "],
  [/ && /g, " || "],
  [/ \|\| /g, " && "],
  [/ < /g, " <= "],
  [/ <= /g, " < "],
  [/ > /g, " >= "],
  [/ >= /g, " > "],
  [/ [+-] 1\b/g, ""],
  [/\+\+/g, "--"],
  [/(?<!-)--(?!-)/g, "++"],
  [/ \+= /g, " -= "],
  [/ -= /g, " += "],
];

/** A statement in one line that decides something and goes elsewhere. */
const EARLY = /^ +if \(.*\) (return|continue|break|throw)\b.*;$/;
/** A statement in one line that does something. */
const STATEMENT = /^ {4,}(?:if \(.*\) )?(?:void |await |delete |\+\+|--)?/;
const DOES = /^(?:this|super|[a-z_$][\w$]*)\b/;
const DECLARES =
  /^(?:const|let|return|throw|import|export|type|case|default|using|break|continue|static|readonly|yield|else|for|while|do|if|switch|try|function|async|declare)\b/;
/** A member of a type. */
const MEMBER = /^[\w$]+\??: /;

/** All mutants of a text, in the order of its lines. */
export function changesOf(text: string): Change[] {
  const changes: Change[] = [];
  const code = blank(text).split("\n");
  const lines = text.split("\n");
  const add = (rule: string, line: number, after: string) =>
    changes.push({
      rule,
      line: line + 1,
      before: lines[line]!.trim(),
      after: after.trim(),
      text: lines.with(line, after).join("\n"),
    });
  for (const [i, line] of code.entries()) {
    if (/^ *(?:import|export \*|export \{|export type|\} from)/.test(line)) {
      continue;
    }
    for (const [find, replace] of OPERATORS) {
      for (const { 0: found, index } of line.matchAll(find)) {
        const { [i]: whole = "" } = lines;
        const rule = `${found.trim()} is ${replace.trim() || "left out"}`;
        const end = index + found.length;
        add(rule, i, whole.slice(0, index) + replace + whole.slice(end));
      }
    }
    if (EARLY.test(line)) add("goes on", i, "");
    else if (isStatement(line, code[i - 1] ?? "")) add("not done", i, "");
  }
  return changes;
}

/** Whether a line is a whole statement, which does something. */
function isStatement(line: string, before: string): boolean {
  const rest = line.replace(STATEMENT, "");
  return rest !== line && line.endsWith(";") && DOES.test(rest) &&
    !DECLARES.test(rest) && !MEMBER.test(rest) && isBalanced(line) &&
    /(?:^|[;{}]) *$/.test(before);
}

function isBalanced(line: string): boolean {
  let depth = 0;
  for (const character of line) {
    if ("([{".includes(character)) depth++;
    if (")]}".includes(character) && --depth < 0) return false;
  }
  return depth === 0;
}

/** The text with spaces in place of comments and of what is in quotes. */
function blank(text: string): string {
  return text.replaceAll(
    /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    (found) => found.replaceAll(/[^\n]/g, found.startsWith("/") ? " " : "_"),
  );
}
