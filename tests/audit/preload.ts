/**
 * Loaded before the tests: has every session looked at, and fails the test in
 * which an account went wrong, whoever caught the error.
 *
 * @module
 */
import { auditLedgers } from "../../ffi/session/ledger.ts";
import { audit } from "./ledger.ts";

let first: unknown;

auditLedgers((ledger) => {
  try {
    audit(ledger);
  } catch (error) {
    first ??= error;
    throw error;
  }
});

Deno.test.afterEach(() => {
  const error = first;
  first = undefined;
  if (error !== undefined) throw error;
});
