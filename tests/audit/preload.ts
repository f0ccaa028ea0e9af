/**
 * Loaded before the tests: has every session looked at, and fails the test in
 * which an account went wrong, whoever caught the error. A test that does not
 * end fails, too, and the files after it go on.
 *
 * @module
 */
import { auditLedgers } from "../../ffi/session/ledger.ts";
import { audit } from "./ledger.ts";

/** Seconds a test may take: some take ten, on a machine that does nothing else. */
const BOUND = 180;

let first: unknown;
let timer: ReturnType<typeof setTimeout>;

auditLedgers((ledger) => {
  try {
    audit(ledger);
  } catch (error) {
    first ??= error;
    throw error;
  }
});

Deno.test.beforeEach(() => {
  timer = setTimeout(() => {
    throw new Error(`The test did not end within ${BOUND} s`);
  }, BOUND * 1000);
  Deno.unrefTimer(timer);
});

Deno.test.afterEach(() => {
  clearTimeout(timer);
  const error = first;
  first = undefined;
  if (error !== undefined) throw error;
});
