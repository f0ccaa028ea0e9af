/** What connections do when the system has nothing to give for a while. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  connect,
  listen,
  type RioSession,
  type RioTcpConn,
  type RioTcpListener,
} from "../../mod.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { encode, HOST, openBoth, text } from "./connection.ts";

const ENOBUFS = 10055;

/** Sends a text from one side to the other. */
async function talk(from: RioTcpConn, to: RioTcpConn): Promise<string> {
  await within(from.write(encode("still here")));
  const p = new Uint8Array(16);
  return text(p, await within(to.read(p)));
}

/** A listener, a client whose connection waits, and how to make another. */
interface Waiting {
  readonly session: RioSession;
  readonly listener: RioTcpListener;
  readonly client: RioTcpConn;
  another(): Promise<RioTcpConn>;
}

/** States what becomes of a connection of which so many accepts fail. */
function refusedTest(
  name: string,
  { errno = ENOBUFS, times = 1 }: { errno?: number; times?: number },
  body: (waiting: Waiting) => Promise<void>,
): void {
  sessionTest(name, async (open) => {
    using session = open();
    using elsewhere = open();
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    const another = () => within(connect({ port, session: elsewhere }));
    using client = await another();
    open.fake!.fail("RIOCreateRequestQueue", errno, { times });
    await body({ session, listener, client, another });
  }, { only: ["fake"] });
}

/** The client was told that its connection has ended. */
async function assertEnded(client: RioTcpConn): Promise<void> {
  const outcome = await within(
    client.read(new Uint8Array(1)).catch(({ name }) => name),
  );
  assert(outcome === null || outcome === "ConnectionReset", `${outcome}`);
}

refusedTest(
  "listener.accept() keeps a connection that it has no memory for, until the next call",
  { times: 2 },
  async ({ listener, client }) => {
    for (let i = 0; i < 2; i++) {
      await assertRejects(() => within(listener.accept()), Error, "10055");
    }
    using server = await within(listener.accept());
    assertEquals(server.remoteAddr.port, client.localAddr.port);
    assertEquals(await talk(client, server), "still here");
    assertEquals(await talk(server, client), "still here");
  },
);

refusedTest(
  "for await goes on with a connection that there was no memory for",
  {},
  async ({ listener, client }) => {
    const { value } = await within(listener[Symbol.asyncIterator]().next());
    using server = value as RioTcpConn;
    assertEquals(await talk(client, server), "still here");
  },
);

for (const ends of ["listener.close()", "session.close()"] as const) {
  refusedTest(
    `${ends} ends a connection that there was no memory for`,
    {},
    async ({ session, listener, client }) => {
      await assertRejects(() => within(listener.accept()), Error, "10055");
      if (ends === "session.close()") await session.close();
      else listener.close();
      await assertEnded(client);
    },
  );
}

refusedTest(
  "listener.accept() closes a connection that fails for another reason",
  { errno: 10022 },
  async ({ listener, client, another }) => {
    await assertRejects(() => within(listener.accept()), TypeError, "10022");
    await assertEnded(client);
    const next = listener.accept();
    using other = await another();
    using server = await within(next);
    assertEquals(server.remoteAddr.port, other.localAddr.port);
  },
);

sessionTest(
  "conn.close() gives everything back where a queue cannot be looked at",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    open.fake!.fail("RIODequeueCompletion", 10055, { times: 1 });
    client.close();
    assertEquals(open.fake!.failing, false);
    server.close();
    const { sockets, completionQueues, outstanding } = session.stats();
    assertEquals([sockets, completionQueues, outstanding], [0, 0, 0]);
  },
  { only: ["fake"] },
);

sessionTest(
  "the end of conn.readable is no error where the socket cannot be closed",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    await within(client.closeWrite());
    open.fake!.fail("closesocket", 10022);
    for await (const _ of server.readable) { /* only the end counts */ }
    await until(() => !open.fake!.failing, "the end of the connection");
    client.close();
    session[Symbol.dispose]();
    assertEquals(open.fake!.takeViolations(), [
      "WSACleanup: 1 sockets are left",
    ]);
  },
  { only: ["fake"], abandons: true },
);

faultyTest(
  "listener.accept() keeps a connection that cannot be watched, until the next call",
  async ({ system, session }) => {
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    // Watches the listener.
    const waiting = listener.accept();
    using first = await within(connect({ port, session }));
    using _accepted = await within(waiting);
    const client = await Deno.connect({ hostname: HOST, port });
    system.fail("epoll_ctl", { name: "ENOMEM", errno: 12 }, 1);
    await assertRejects(() => within(listener.accept()), Error, "10055");
    using server = await within(listener.accept());
    await client.write(encode("still here"));
    const p = new Uint8Array(16);
    assertEquals(text(p, await within(server.read(p))), "still here");
    client.close();
    first.close();
  },
);
