/**
 * Runs a test of this package's sockets in a session of its own, and sees to
 * it that they leave nothing behind.
 *
 * @module
 */
import { assertEquals, fail } from "@std/assert";
import {
  listenDatagram,
  type RioDatagramConn,
  type RioListenDatagramOptions,
  RioSession,
} from "../../mod.ts";
import { until, within } from "../patience.ts";
import { sessionTest } from "../session/harness.ts";
import { skipped } from "../skip.ts";

export { within };

/** Opens a UDP socket on loopback, in the session of the test. */
export type Open = (options?: RioListenDatagramOptions) => RioDatagramConn;

const library = Deno.build.os === "windows"
  ? Deno.env.get("RIO_LIBRARY")
  : undefined;

/** Opens a session on the system's backend, or the one under test. */
export function openSession(): RioSession {
  return RioSession.open(library === undefined ? {} : { library });
}

// Libraries stay open once they were: the sanitizers count from here.
openSession().close();

/** Registers a test of datagram sockets; `skip` says why it is left out. */
export function datagramTest(
  name: string,
  body: (open: Open, session: RioSession) => void | Promise<void>,
  { skip }: { skip?: string | undefined } = {},
): void {
  Deno.test({
    name: `${Deno.build.os}: ${name}`,
    ignore: skipped(name, skip),
    fn: async () => {
      const session = openSession();
      const opened: RioDatagramConn[] = [];
      try {
        await body((options = {}) => {
          const conn = listenDatagram({
            hostname: "127.0.0.1",
            session,
            ...options,
          });
          opened.push(conn);
          return conn;
        }, session);
        for (const conn of opened) conn[Symbol.dispose]();
        // On a machine that is busy the system ends requests a moment later.
        await until(
          () => {
            const { sockets, outstanding, buffers } = session.stats();
            return sockets + outstanding + buffers === 0;
          },
          () => `what is left: ${JSON.stringify(session.stats())}`,
        );
      } finally {
        await session.close();
      }
      const { registered, deregistered, abandoned } = session.stats();
      assertEquals([deregistered, abandoned], [registered, 0]);
    },
  });
}

/** Registers a test of datagram sockets here and over the fake Windows. */
export function everywhere(
  name: string,
  body: (open: Open, session: RioSession) => Promise<void>,
): void {
  datagramTest(name, body);
  sessionTest(name, async (openSession) => {
    using session = openSession();
    using opened = new DisposableStack();
    await body(
      (options = {}) =>
        opened.use(
          listenDatagram({ hostname: "127.0.0.1", session, ...options }),
        ),
      session,
    );
  }, { only: ["fake"] });
}

/** A pause in which the system can do what it has begun. */
export function pause(milliseconds = 20): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Some bytes that tell their length. */
export function bytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, i) => i * 7 + length);
}

/** Receives so many datagrams. */
export async function receiveAll(
  conn: RioDatagramConn,
  count: number,
): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  while (all.length < count) {
    using batch = await within(conn.receiveMany());
    for (const { data } of batch) all.push(data.slice());
  }
  if (all.length > count) fail(`${all.length} datagrams, not ${count}`);
  return all;
}
