/**
 * Which branches of the package ran, read from a report of `deno coverage`.
 *
 * Source: `geninfo(1)`, which says what the lines of a report mean.
 *
 * @module
 */

/** A file of the package. */
export interface CoveredFile {
  /** Its path below the package. */
  readonly path: string;
  readonly branches: readonly Branch[];
}

/** A way that control can go. */
export interface Branch {
  readonly line: number;
  readonly taken: boolean;
  /** The function that it is in, as far as the layout of the source shows it. */
  readonly within: string;
}

/** A head of a function or method, as `deno fmt` lays it out. */
const HEAD =
  /^(?:export )?(?:async )?function\*? (\w+)|^ {2}(?:async |override )*\*?(#?\w+|\[Symbol\.\w+\])(?:<.*>)?\((?:.*[<({])?$/;
const NO_NAME = /^(?:if|for|while|switch|super)$/;

/**
 * Reads a report.
 *
 * @param lcov The report.
 * @param root The folder of the package.
 * @param read Reads a source file.
 */
export function readReport(
  lcov: string,
  root: string,
  read: (path: string) => string,
): CoveredFile[] {
  return lcov.split("end_of_record\n").flatMap((record) => {
    const file = /^SF:(.*)$/m.exec(record)?.[1];
    if (file === undefined) return [];
    const heads = headsOf(read(file));
    const branches = [...record.matchAll(/^BRDA:(\d+),\d+,\d+,(\d+|-)$/gm)].map(
      ([, line, count]) => ({
        line: Number(line),
        taken: Number(count) > 0,
        within: heads.findLast((head) => head.line <= Number(line))?.name ?? "",
      }),
    );
    return [{ path: file.slice(root.length), branches }];
  }).sort((a, b) => a.path < b.path ? -1 : 1);
}

function headsOf(source: string): { line: number; name: string }[] {
  return source.split("\n").flatMap((text, i) => {
    const [, plain, method] = HEAD.exec(text) ?? [];
    const name = plain ?? method;
    return name === undefined || NO_NAME.test(name)
      ? []
      : [{ line: i + 1, name }];
  });
}
