/**
 * The raw layer: the contract of the 13 functions, its numbers and layouts.
 *
 * @module
 */
export * from "./constants.ts";
export type * from "./contract.ts";
