/**
 * The names of the error numbers.
 *
 * @module
 */
import { RIO_CORRUPT_CQ } from "./constants.ts";
import * as numbers from "./error_numbers.ts";

/** Names of the numbers, as the Windows headers spell them. */
export const ERROR_NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(numbers).map(([name, number]) => [number, name] as const),
  // Not an error number in the headers, but the only report of a broken queue.
  [RIO_CORRUPT_CQ, "RIO_CORRUPT_CQ"],
]);
