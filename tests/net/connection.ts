/**
 * A connection to try, and text to send over it.
 *
 * @module
 */
import {
  connect,
  listen,
  type RioSession,
  type RioTcpConn,
} from "../../mod.ts";
import { within } from "../session/harness.ts";

/** Where the listeners of the tests listen. */
export const HOST = "127.0.0.1";

/** What a call may end with once a side has closed, or was reset. */
export const ENDS = [
  Deno.errors.BadResource,
  Deno.errors.Interrupted,
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.BrokenPipe,
  Deno.errors.NotConnected,
];

/** Opens a connection; both ends are in one session, and belong to the test. */
export async function openBoth(
  session: RioSession,
): Promise<[client: RioTcpConn, server: RioTcpConn]> {
  using listener = listen({ hostname: HOST, session });
  const accepted = listener.accept();
  const client = await within(connect({ port: listener.addr.port, session }));
  return [client, await within(accepted)];
}

/** The bytes of a text. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text in the first bytes of an array, as many as were read. */
export function text(p: Uint8Array, length: number | null): string {
  return new TextDecoder().decode(p.subarray(0, length ?? 0));
}
