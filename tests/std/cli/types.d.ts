/** Which flags there are and how each is read. */
export interface ParseOptions<
  Booleans extends string,
  Strings extends string,
  Collected extends string,
  Negatable extends string,
  Defaults extends Readonly<Record<string, unknown>>,
> {
  /** Collect everything after `--` in a member of that name. */
  "--"?: boolean;
  /** Further names of a flag. */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Flags without a value; `true` takes every `--flag` without `=` as one. */
  boolean?: boolean | Booleans | readonly Booleans[];
  /** Flags that may be given more than once. */
  collect?: Collected | readonly Collected[];
  /** Values of flags that are not given. */
  default?: Defaults;
  /** Flags that `--no-flag` sets to `false`. */
  negatable?: Negatable | readonly Negatable[];
  /** Leave everything after the first argument that is no flag alone. */
  stopEarly?: boolean;
  /** Flags whose value stays a string. */
  string?: Strings | readonly Strings[];
  /** Called with each flag not named above; returning `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The value of `Flag` when given, and its default's type if it has one. */
type Value<Flag extends string, Given, Negatable, Defaults> =
  | Given
  | (Flag extends Negatable ? false : never)
  | (Flag extends keyof Defaults ? Defaults[Flag] : never);

/** The flags read from the arguments, and `_` with what is no flag. */
export type Args<
  Booleans extends string,
  Strings extends string,
  Collected extends string,
  Negatable extends string,
  Defaults,
> =
  & { [flag: string]: unknown; _: (string | number)[]; "--"?: string[] }
  & {
    [Flag in Exclude<Booleans, Collected>]: Value<
      Flag,
      boolean,
      Negatable,
      Defaults
    >;
  }
  & {
    [Flag in Exclude<Strings, Collected | keyof Defaults>]?: Value<
      Flag,
      string,
      Negatable,
      Defaults
    >;
  }
  & {
    [Flag in Exclude<Strings & keyof Defaults, Collected>]: Value<
      Flag,
      string,
      Negatable,
      Defaults
    >;
  }
  & {
    [Flag in Collected]: Value<
      Flag,
      Flag extends Strings ? string[]
        : Flag extends Booleans ? boolean[]
        : unknown[],
      Negatable,
      Defaults
    >;
  };

export function parseArgs<
  Booleans extends string = never,
  Strings extends string = never,
  Collected extends string = never,
  Negatable extends string = never,
  Defaults extends Readonly<Record<string, unknown>> = Record<never, never>,
>(
  args: readonly string[],
  options?: ParseOptions<Booleans, Strings, Collected, Negatable, Defaults>,
): Args<Booleans, Strings, Collected, Negatable, Defaults>;
