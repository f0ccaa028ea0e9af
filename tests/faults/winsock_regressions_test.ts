/** Failures that were once lost, found by making every call fail. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openLibrary, openSession } from "../../ffi/mod.ts";
import { listenDatagram, RioError, type RioSession } from "../../mod.ts";
import type { System } from "./faults.ts";
import { within } from "./scenarios.ts";
import { makeWindows, provider, SYSTEM } from "./winsock_systems.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (provider !== undefined) openLibrary({ library: provider });

function windowsTest(
  name: string,
  body: (session: RioSession, system: System) => Promise<void>,
): void {
  Deno.test(`${SYSTEM}: ${name}`, async () => {
    using system = makeWindows();
    {
      await using session = openSession(system.open());
      await body(session, system);
    }
    assert(system.met);
    assertEquals(await system.faults(), []);
  });
}

windowsTest(
  "socket.close() closes a socket that closesocket left open",
  (session, system) => {
    const socket = session.openSocket({ transport: "udp" });
    const before = system.counts.closesocket ?? 0;
    system.fail("closesocket", { name: "WSAEINPROGRESS", errno: 10036 }, 1);
    socket.close();
    assertEquals(system.counts.closesocket, before + 2);
    return Promise.resolve();
  },
);

windowsTest(
  "conn.receive() rejects when the system finds the queue corrupt",
  async (session, system) => {
    using conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
    const received = conn.receive();
    const corrupt = { name: "RIO_CORRUPT_CQ", errno: 0xFFFFFFFF };
    system.fail("RIODequeueCompletion", corrupt, 1);
    const error = await assertRejects(
      () => within(received, "a datagram"),
      Error,
      "RIO_CORRUPT_CQ",
    );
    assert(error.cause instanceof RioError);
  },
);

windowsTest(
  "conn.receive() rejects when the queue cannot be armed",
  async (session, system) => {
    using conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
    const received = conn.receive();
    system.fail("RIONotify", { name: "WSAEINVAL", errno: 10022 }, 1);
    await assertRejects(
      () => within(received, "a datagram"),
      Error,
      "RIONotify",
    );
  },
);

Deno.test(`${SYSTEM}: conn.receive() rejects when its session is closed`, async () => {
  using system = makeWindows();
  const session = openSession(system.open());
  using conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
  const rejected = assertRejects(
    () => within(conn.receive(), "a datagram"),
    Deno.errors.BadResource,
  );
  await session.close();
  await rejected;
  assertEquals(await system.faults(), []);
});
