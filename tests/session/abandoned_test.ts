/**
 * Requests that never end: their memory is kept for ever, counted, and nobody
 * waits for them without a bound.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { RioError } from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { virtualTest } from "../time/harness.ts";
import { openUdp, within } from "./harness.ts";

declare const gc: () => void;

const INTENT = { abandons: true };

virtualTest(
  "session[Symbol.dispose]() gives up what does not end, and counts it",
  async ({ open }) => {
    const session = open();
    const used = session.registerBuffer(100);
    const unused = session.registerBuffer(100);
    const socket = openUdp(session);
    socket.receive(used.slice());
    open.fake!.hold();
    session[Symbol.dispose]();
    assert(session.closed && used.closed && unused.closed && socket.closed);
    const stats = session.stats();
    assertEquals(
      [stats.registered, stats.deregistered, stats.buffers],
      [2, 1, 1],
    );
    assertEquals([stats.abandoned, stats.outstanding], [1, 1]);
    assertEquals(open.fake!.leftovers().buffers, 1);
    await within(session.close());
  },
  INTENT,
);

Deno.test("memory that was given up is kept when nobody has its session any more", async () => {
  const fake = createFakeWindows();
  const memory = (() => {
    const session = openSession(createWinsockBackend(fake.symbols));
    const buffer = session.registerBuffer(1 << 20);
    openUdp(session).receive(buffer.slice());
    fake.hold();
    session[Symbol.dispose]();
    return new WeakRef(buffer.bytes.buffer);
  })();
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    gc();
  }
  assert(memory.deref() !== undefined);
  fake[Symbol.dispose]();
});

virtualTest(
  "session.close() lets the event loop go on while it waits for requests",
  async ({ open, clock }) => {
    const session = open();
    const buffer = session.registerBuffer(100);
    openUdp(session).receive(buffer.slice());
    open.fake!.hold();
    clock.pass(10).then(() => open.fake!.resume());
    await session.close();
    const { abandoned, outstanding } = session.stats();
    assertEquals([abandoned, outstanding], [0, 0]);
  },
);

virtualTest(
  "memory that was given up is kept, and native code may write to it",
  ({ open }) => {
    const session = open();
    const { fake } = open;
    (() => {
      const buffer = session.registerBuffer(1 << 20);
      buffer.bytes.fill(0xAB);
      openUdp(session).receive(buffer.slice());
      fake!.hold();
      session[Symbol.dispose]();
    })();
    for (let i = 0; i < 5; i++) gc();
    // Writes into the memory by its address, as late completions do.
    fake!.resume();
    fake!.pump(10);
    assertEquals(session.stats().abandoned, 1);
    assertEquals(session.stats().calls.RIODeregisterBuffer, 0);
  },
  INTENT,
);

virtualTest(
  "Winsock stays started where something was given up",
  async ({ open }) => {
    const session = open();
    const buffer = session.registerBuffer(100);
    openUdp(session).receive(buffer.slice());
    open.fake!.hold();
    session[Symbol.dispose]();
    assertEquals(open.fake!.counts.WSACleanup ?? 0, 0);
    assertEquals(open.fake!.leftovers().startups, 1);
    await within(session.close());
  },
  INTENT,
);

virtualTest(
  "socket[Symbol.dispose]() goes on when its requests do not end",
  ({ open }) => {
    const session = open();
    const buffer = session.registerBuffer(100);
    open.fake!.hold();
    {
      using socket = openUdp(session);
      socket.receive(buffer.slice());
    }
    assertEquals(session.stats().outstanding, 1);
    assertEquals(buffer.inFlight, 1);
    open.fake!.resume();
    session[Symbol.dispose]();
    assertEquals(session.stats().abandoned, 0);
    assertEquals(session.stats().deregistered, 1);
  },
);

virtualTest(
  "a session that gave something up does not keep another from working",
  async ({ open }) => {
    const stuck = open();
    const buffer = stuck.registerBuffer(100);
    openUdp(stuck).receive(buffer.slice());
    open.fake!.hold();
    stuck[Symbol.dispose]();
    open.fake!.resume();
    const session = open();
    const other = session.registerBuffer(100);
    const socket = openUdp(session);
    socket.receive(other.slice());
    await within(session.close());
    assertEquals(session.stats().abandoned, 0);
  },
  INTENT,
);

virtualTest(
  "memory is kept when the system does not close its socket",
  ({ open }) => {
    const session = open();
    const buffer = session.registerBuffer(100);
    openUdp(session).receive(buffer.slice());
    open.fake!.fail("closesocket", 10022, { times: 3 });
    session[Symbol.dispose]();
    const { deregistered, abandoned, outstanding } = session.stats();
    assertEquals([deregistered, abandoned, outstanding], [0, 1, 1]);
  },
  INTENT,
);

virtualTest(
  "socket.close() tells that the system does not close it",
  ({ open }) => {
    const session = open();
    const socket = openUdp(session);
    open.fake!.fail("closesocket", 10022);
    assertThrows(
      () => socket.close(),
      RioError,
      "Cannot close a socket: closesocket failed with WSAEINVAL (10022)",
    );
    assert(socket.closed);
    session[Symbol.dispose]();
    // The reference to Winsock goes, and the socket with it.
    assertEquals(open.fake!.takeViolations(), [
      "WSACleanup: 1 sockets are left",
    ]);
  },
  INTENT,
);
