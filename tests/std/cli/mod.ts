/**
 * Stands in for `@std/cli` where the JSR registry cannot be reached: the same
 * source of `parseArgs` from npm, which comes without types, and its types.
 *
 * @module
 */
// @ts-types="./types.d.ts"
export * from "deno-std/cli/parse_args.js";
