/** Sessions of one thread share its wait, and each closes only its own part. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RioClosedError, RioError, type RioSession } from "../../mod.ts";
import {
  descriptors,
  type Open,
  openSelf,
  sessionTest,
  until,
  within,
} from "./harness.ts";

/** A session that waits for one datagram. */
async function waiting(
  open: Open,
  notification: "iocp" | "event" = "iocp",
) {
  const session = open();
  const buffer = session.registerBuffer(64);
  const socket = await openSelf(session, { notification });
  socket.receive(buffer.slice(0, 8));
  let ended = false;
  const notified = socket.completions.notify().finally(() => ended = true);
  return {
    session,
    notified,
    isOver: () => ended,
    send: () => socket.send(buffer.slice(8, 8), { dontNotify: true }),
  };
}

/** A listener that accepts. */
function accepting(session: RioSession) {
  const listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 8,
  });
  return { listener, accepted: listener.accept() };
}

/** How much of the system is open: descriptors, or the fake's handles. */
function held(open: Open): number {
  return open.fake ? open.fake.leftovers().handles ?? 0 : descriptors();
}

for (const kind of ["iocp", "event"] as const) {
  sessionTest(
    `a session that is closed leaves the wait of another for ${kind} alone`,
    async (open) => {
      const [goes, stays] = [await waiting(open, kind), await waiting(open)];
      const other = await waiting(open, kind);
      await goes.session.close();
      assertEquals(await within(goes.notified), false);
      assertEquals([stays.isOver(), other.isOver()], [false, false]);
      for (const one of [stays, other]) {
        one.send();
        assertEquals(await within(one.notified), true);
        await one.session.close();
      }
    },
  );
}

for (const [kinds, most] of [[["iocp"], 1], [["iocp", "event"], 2]] as const) {
  sessionTest(
    `100 sessions that wait for ${
      kinds.join(" and ")
    } wait in one native call for each`,
    async (open) => {
      const all = [];
      for (let i = 0; i < 100; i++) {
        all.push(await waiting(open, kinds[i % kinds.length]!));
      }
      // Only the fake counts them.
      let peak = 0;
      const turn = async () => {
        peak = Math.max(peak, open.fake?.waiting ?? most);
        await new Promise((resolve) => setTimeout(resolve));
      };
      await turn();
      // The threads of the pool are there for others.
      await within(Deno.stat(new URL(import.meta.url)));
      for (const one of all) one.send();
      for (const { isOver } of all) {
        for (let i = 0; i < 5000 && !isOver(); i++) await turn();
        assert(isOver());
      }
      for (const { session, notified } of all) {
        assertEquals(await notified, true);
        await session.close();
        await turn();
      }
      assertEquals(peak, most);
    },
  );
}

sessionTest(
  "a session that is closed while it accepts leaves the accept of another alone",
  async (open) => {
    using session = open();
    const { listener, accepted } = accepting(session);
    for (let i = 0; i < 10; i++) {
      const other = open();
      const { accepted } = accepting(other);
      const refused = assertRejects(() => accepted, RioClosedError);
      if (i % 2 === 0) await other.close();
      else other[Symbol.dispose]();
      await within(refused);
    }
    using client = session.openSocket({ transport: "tcp" });
    await within(client.connect(listener.address));
    using _server = await within(accepted);
    listener.close();
  },
);

sessionTest(
  "sessions that come and go while another waits leave nothing",
  async (open) => {
    const stays = await waiting(open);
    const come = async (i: number) => {
      const session = open.forget();
      const { accepted } = accepting(session);
      const refused = assertRejects(() => accepted, RioClosedError);
      const notification = i % 2 === 0 ? "iocp" : "event";
      const queue = session.createCompletionQueue({ notification });
      const notified = queue.notify();
      await session.close();
      await within(refused);
      assertEquals(await within(notified), false);
    };
    await come(0);
    await come(1);
    const before = held(open);
    for (let i = 0; i < 20; i++) await come(i);
    // An event goes when the native call that waits for it has returned.
    await until(() => held(open) <= before, "events to be closed");
    assertEquals(stays.isOver(), false);
    stays.send();
    assertEquals(await within(stays.notified), true);
    await stays.session.close();
  },
);

sessionTest(
  "a session that gave requests up leaves the wait of another alone",
  async (open) => {
    const stuck = await waiting(open);
    const stays = await waiting(open);
    open.fake!.hold();
    stuck.session[Symbol.dispose]();
    assertEquals(stuck.session.stats().abandoned, 1);
    open.fake!.resume();
    stays.send();
    assertEquals(await within(stays.notified), true);
    await stays.session.close();
    assertEquals(open.fake!.counts.WSACleanup, undefined);
    assertEquals(await within(stuck.notified), false);
  },
  { only: ["fake"], abandons: true },
);

sessionTest(
  "a wait that fails is told to every session that waits, and all can wait again",
  async (open) => {
    const all = [];
    for (const session of [open(), open()]) {
      const buffer = session.registerBuffer(64);
      all.push({ session, buffer, socket: await openSelf(session) });
    }
    open.fake!.fail("GetQueuedCompletionStatusEx", 6);
    const failed = all.map(({ socket }) =>
      assertRejects(() => within(socket.completions.notify()), RioError)
    );
    await Promise.all(failed);
    for (const { session, buffer, socket } of all) {
      socket.send(buffer.slice(0, 8));
      assertEquals(await within(socket.completions.notify()), true);
      await session.close();
    }
  },
  { only: ["fake"] },
);

sessionTest(
  "session.close() resolves although another session begins to wait meanwhile",
  async (open) => {
    // A few microtasks more each time: one of them is in the middle of it.
    for (let later = 0; later < 24; later++) {
      const [ending, other] = [open(), open()];
      const [first, second] = [ending, other].map((session) =>
        session.createCompletionQueue()
      );
      const ended = first!.notify();
      await new Promise((resolve) => setTimeout(resolve, 2));
      const closing = ending.close();
      for (let i = 0; i < later; i++) await undefined;
      const waiting = second!.notify();
      await within(closing);
      assertEquals(await ended, false);
      second!.close();
      assertEquals(await within(waiting), false);
      await other.close();
    }
  },
  { only: ["linux"] },
);
