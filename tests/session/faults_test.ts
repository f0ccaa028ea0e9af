/**
 * Every native call fails once, at every place of a session's life: what was
 * taken is given back, and nothing is used that the kernel still holds.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { RioClosedError, RioError, type RioSession } from "../../mod.ts";
import { createFakeWindows, type FakeWindows } from "../fake/mod.ts";
import { put, until, within } from "./harness.ts";

/** A life with everything in it; throws what the first failing call throws. */
async function live(session: RioSession, fake: FakeWindows): Promise<void> {
  using buffer = session.registerBuffer(4096);
  using queue = session.createCompletionQueue({ capacity: 8 });
  using events = session.createCompletionQueue({ notification: "event" });
  using socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    completions: { receive: queue, send: events },
    receives: 4,
    sends: 4,
  });
  socket.setOption("broadcast", true);
  socket.getOption("broadcast");
  await socket.connect(socket.address);
  queue.resize(16);
  socket.resize({ receives: 8 });
  const remote = buffer.slice(1000, 28);
  socket.receive(buffer.slice(0, 100), { remote });
  socket.send(put(buffer.slice(200, 100), "text"), { defer: true });
  socket.commit("send");
  await queue.notify();
  await until(() => {
    fake.pump();
    return queue.dequeue().length + events.dequeue().length > 0;
  }, "a completion");

  using listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 2,
  });
  using client = session.openSocket({ transport: "tcp" });
  const connecting = client.connect(listener.address);
  // Either may fail first, and the other must not be left alone.
  const [accepted, connected] = await Promise.allSettled([
    listener.accept().catch((error) => {
      listener.close();
      throw error;
    }),
    connecting.catch((error) => {
      listener.close();
      throw error;
    }),
  ]);
  if (connected.status === "rejected") throw connected.reason;
  if (accepted.status === "rejected") throw accepted.reason;
  using server = accepted.value;
  server.receive(buffer.slice(300, 10));
  client.send(put(buffer.slice(400, 10), "tcp"));
  client.shutdown();
  await server.completions.notify();
  server.completions.walk(() => {});
}

/** What is allowed to reach the user when a native call failed. */
function assertExplained(error: unknown, name: string): void {
  const explained = error instanceof RioError ||
    error instanceof RioClosedError ||
    error instanceof Deno.errors.NotSupported ||
    error instanceof Error && error.message.includes("DispCallFunc");
  assert(explained, `${name}: ${error}`);
}

/** The functions that a whole life calls, and how often. */
async function rehearse(): Promise<Record<string, number>> {
  using fake = createFakeWindows();
  const session = openSession(createWinsockBackend(fake.symbols));
  await within(live(session, fake));
  await session.close();
  await until(() => fake.waiting === 0, "the waits to end");
  assertEquals(fake.violations, []);
  assertEquals(fake.leftovers(), {});
  return { ...fake.counts };
}

/** Functions whose failure nobody can answer: they only ever give back. */
const RELEASES = new Set([
  "closesocket",
  "CloseHandle",
  "WSACleanup",
  "RIOCloseCompletionQueue",
  "RIODeregisterBuffer",
  "SetEvent",
  "PostQueuedCompletionStatus",
]);

const calls = await rehearse();

for (const [name, count] of Object.entries(calls)) {
  if (RELEASES.has(name)) continue;
  // Every failure of a hot function is alike after a few. DispCallFunc proves
  // itself in its first calls; what it refuses later may have been done.
  const places = Math.min(count, name === "DispCallFunc" ? 4 : 8);
  Deno.test(`a session gives everything back when ${name} fails, at each of ${places} places`, async () => {
    for (let nth = 1; nth <= places; nth++) {
      using fake = createFakeWindows();
      fake.fail(name, 10055, { nth });
      let session: RioSession | null = null;
      try {
        session = openSession(createWinsockBackend(fake.symbols));
        await within(live(session, fake));
      } catch (error) {
        assertExplained(error, `${name} ${nth}`);
      }
      await session?.close();
      await until(() => fake.waiting === 0, "the waits to end");
      if (session) {
        const { registered, deregistered, outstanding, abandoned } = session
          .stats();
        assertEquals(
          [registered - deregistered, outstanding, abandoned],
          [0, 0, 0],
          `${name} ${nth}`,
        );
      }
      assertEquals(fake.takeViolations(), [], `${name} ${nth}`);
      assertEquals(fake.leftovers(), {}, `${name} ${nth}`);
    }
  });
}
