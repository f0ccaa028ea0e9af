/**
 * Registered I/O for Deno.
 *
 * @module
 */
export * from "./ffi/address.ts";
export * from "./ffi/errors.ts";
