/**
 * Stands in for `@std/assert` where the JSR registry cannot be reached: the
 * same sources from npm, which come without types, and their types.
 *
 * @module
 */
// @ts-types="./types.d.ts"
export * from "deno-std/assert/mod.js";
