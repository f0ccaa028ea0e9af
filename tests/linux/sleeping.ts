/**
 * Sessions that sleep, over a kernel whose calls a test sees.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { RioBackend, RioWaitWay } from "../../ffi/contract.ts";
import { openSession } from "../../ffi/mod.ts";
import { listenDatagram, type RioDatagramConn } from "../../mod.ts";
import { FaultyLinux } from "../faults/faulty_linux.ts";
import { expect, within } from "../faults/steps.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** What ends a sleep of the Linux backend. */
export const WAYS: readonly RioWaitWay[] = ["reactor", "thread"];

/** The call with which a sleep begins. */
export const SLEEP: Readonly<Record<RioWaitWay, string>> = {
  reactor: "io_submit",
  thread: "poll",
};

/** What a test holds in its hands. */
export interface Sleeping {
  readonly system: FaultyLinux;
  /** The backend; closed at the end, if the test has not done so. */
  readonly rio: RioBackend;
  /** The way in which it sleeps, as far as nothing is in the way. */
  readonly way: RioWaitWay;
  /** The call with which its sleeps begin. */
  readonly sleep: string;
}

/** States something about sleeps, once for each way. */
export function sleepTest(
  name: string,
  body: (sleeping: Sleeping) => void | Promise<void>,
  ways: readonly RioWaitWay[] = WAYS,
): void {
  for (const way of ways) {
    const full = `linux, ${way}: ${name}`;
    Deno.test({
      name: full,
      ignore: skipped(full, NOT_LINUX),
      async fn() {
        using system = new FaultyLinux(way);
        const rio = system.open();
        try {
          assertEquals(rio.waits.way, way);
          await begin(rio);
          await body({ system, rio, way, sleep: SLEEP[way] });
        } finally {
          rio.close(false);
        }
        assertEquals(await system.faults(), []);
      },
    });
  }
}

/** Waits once: the first sleep of a thread finds out whether signals come. */
async function begin(rio: RioBackend): Promise<void> {
  const wait = rio.waits.wait();
  await new Promise((resolve) => setImmediate(resolve));
  rio.waits.wake();
  assertEquals(await within(wait, "the first wait"), 0);
}

/**
 * Resolves when the next sleep has begun. An event loop that was asked to watch
 * is not asked again, so there is no call to see: whoever waits and does not
 * look any more sleeps.
 */
export async function begun({ system, way }: Sleeping): Promise<void> {
  if (way === "thread") return await within(system.next("poll"), "a sleep");
  const { counts } = system;
  let looks: number | undefined;
  do {
    looks = counts.epoll_wait;
    await new Promise((resolve) => setImmediate(resolve));
  } while (looks !== counts.epoll_wait);
}

/** A wait that has come to its sleep. */
export async function asleep(
  sleeping: Sleeping,
): Promise<{ wait: Promise<number> }> {
  const sleeps = begun(sleeping);
  const wait = sleeping.rio.waits.wait();
  await sleeps;
  return { wait };
}

/** Long enough to see a loop that is busy, in milliseconds. */
const MOMENT_MS = 50;

/** Fails where somebody sleeps and wakes in a loop, though nothing happens. */
export async function rests({ system: { counts } }: Sleeping): Promise<void> {
  const moment = () => new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
  // What was signalled until now ends one sleep, or some.
  await moment();
  const before = counts.epoll_wait ?? 0;
  await moment();
  const looks = (counts.epoll_wait ?? 0) - before;
  assert(looks <= 2, `${looks} looks while nothing happened`);
}

/** A socket that is waited for, and one of Deno's that sends to it. */
export interface Pair {
  readonly conn: RioDatagramConn;
  readonly peer: Deno.DatagramConn;
}

/** Uses a backend through a socket, and closes both. */
export async function withSocket(
  { rio }: Pick<Sleeping, "rio">,
  body: (pair: Pair) => void | Promise<void>,
): Promise<void> {
  const session = openSession(rio);
  const peer = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });
  try {
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    await body({ conn, peer });
  } finally {
    peer.close();
    await within(session.close(), "close()");
  }
}

/** Has datagrams arrive, each while somebody sleeps; none may be lost. */
export async function exchange(
  { conn, peer }: Pair,
  sleeping: Sleeping,
  count = 3,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const sleeps = begun(sleeping);
    const received = expect(conn.receive());
    await sleeps;
    await peer.send(new Uint8Array([i]), conn.addr);
    const [data] = await within(received, `datagram ${i}`);
    assertEquals([...data], [i]);
  }
}

/** Fails where a receive that waits for nothing is busy with that. */
export async function idles(
  { conn, peer }: Pair,
  sleeping: Sleeping,
): Promise<void> {
  const received = expect(conn.receive());
  await rests(sleeping);
  await peer.send(new Uint8Array(7), conn.addr);
  assertEquals((await within(received, "a datagram"))[0].length, 7);
}
