/**
 * Reading text from a stream.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Endpoint, Harness } from "./harness.ts";

/** Reads exactly `byteLength` bytes as text, with receives of `size` bytes. */
export async function readText(
  t: Harness,
  endpoint: Endpoint,
  byteLength: number,
  size: number,
  flags = 0,
): Promise<string> {
  let text = "";
  while (text.length < byteLength) {
    const inbox = t.room(Math.min(size, byteLength - text.length));
    t.receive(endpoint, inbox, { flags });
    const count = await t.succeeds(endpoint.received);
    assert(count > 0, `the stream ended after "${text}"`);
    text += t.text(inbox, count);
  }
  return text;
}
