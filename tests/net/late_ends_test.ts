/** Requests that end only after their socket was closed, and a wait that fails. */
import { assertEquals, assertRejects } from "@std/assert";
import { listenDatagram } from "../../mod.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { HOST, openBoth } from "./connection.ts";

/** What makes a wait fail, on Windows. */
const WAIT_FAILURES: Readonly<Record<string, number>> = {
  RIONotify: 10022,
  GetQueuedCompletionStatusEx: 6,
  RIODequeueCompletion: 0xFFFFFFFF,
};

for (const [call, errno] of Object.entries(WAIT_FAILURES)) {
  sessionTest(
    `sockets that were closed give their memory back when requests end late and ${call} fails`,
    async (open) => {
      const { fake } = open;
      using session = open();
      const [client, server] = await openBoth(session);
      const datagrams = listenDatagram({ hostname: HOST, session });
      fake!.hold();
      const ends = [
        ...[client, server].flatMap((conn) => [
          conn.read(new Uint8Array(8)),
          conn.write(new Uint8Array(8)),
        ]),
        datagrams.receive(),
        datagrams.send(new Uint8Array(8), datagrams.addr),
      ];
      for (const one of [client, server, datagrams]) one.close();
      fake!.fail(call, errno, { times: 2 });
      await within(Promise.allSettled(ends));
      // It was met by the time that a wait could begin.
      await until(() => !fake!.failing, "the failure");
      fake!.resume();
      await until(() => session.stats().buffers === 0, "the memory");
      const { outstanding, sockets, completionQueues } = session.stats();
      assertEquals([outstanding, sockets, completionQueues], [0, 0, 0]);
    },
    { only: ["fake"] },
  );
}

sessionTest(
  "a datagram socket that was closed gives its memory back when its requests end late",
  async (open) => {
    const { fake } = open;
    using session = open();
    for (let i = 0; i < 3; i++) {
      const conn = listenDatagram({ hostname: HOST, session });
      const received = assertRejects(() => conn.receive(), Error);
      fake!.hold();
      conn.close();
      await received;
      assertEquals(session.stats().outstanding, 64);
      fake!.resume();
      await until(() => session.stats().buffers === 0, "the memory");
      const { outstanding, sockets, completionQueues } = session.stats();
      assertEquals([outstanding, sockets, completionQueues], [0, 0, 0]);
    }
  },
  { only: ["fake"] },
);

sessionTest(
  "a session can be closed while requests of sockets that were closed go on",
  async (open) => {
    const { fake } = open;
    using session = open();
    const conn = listenDatagram({ hostname: HOST, session });
    fake!.hold();
    conn.close();
    const closed = session.close();
    fake!.resume();
    await within(closed);
    assertEquals(session.stats().outstanding, 0);
  },
  { only: ["fake"] },
);
