/** How connections end: one direction, both, or reset; and what that ends. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, listen } from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";
import { encode, HOST, openBoth, text } from "./connection.ts";

sessionTest(
  "conn.closeWrite() ends one direction only",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const p = new Uint8Array(8);
    await within(client.closeWrite());
    assertEquals(await within(server.read(p)), null);
    await within(server.write(encode("still")));
    assertEquals(text(p, await within(client.read(p))), "still");
    await assertRejects(
      () => within(client.write(encode("x"))),
      Deno.build.os === "windows" ? Error : Deno.errors.BrokenPipe,
      "(os error ",
    );
    client.close();
    server.close();
  },
);

sessionTest(
  "conn.close() ends what waits, and throws the second time",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const read = client.read(new Uint8Array(1));
    const rejected = assertRejects(() => read, Deno.errors.Interrupted);
    client.close();
    await within(rejected);
    assertThrows(() => client.close(), Deno.errors.BadResource);
    client[Symbol.dispose]();
    await assertRejects(
      () => client.read(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
    await assertRejects(
      () => client.write(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
    assertThrows(() => client.setNoDelay(), Deno.errors.BadResource);
    assertThrows(() => client.setKeepAlive(), Deno.errors.BadResource);
    server.close();
  },
);

sessionTest(
  "conn.close() delivers what was written, and the end after it",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    // Unread data makes a system reset: the peer still learns of the end.
    await within(server.write(encode("never read")));
    await within(client.write(encode("last words")));
    client.close();
    const p = new Uint8Array(16);
    assertEquals(text(p, await within(server.read(p))), "last words");
    assertEquals(await within(server.read(p)), null);
    server.close();
  },
  { only: ["linux"] },
);

sessionTest(
  "conn.reset() fails the peer's read, and no other connection",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const [other, otherServer] = await openBoth(session);
    const read = assertRejects(
      () => server.read(new Uint8Array(1)),
      Deno.errors.ConnectionReset,
    );
    client.reset();
    await within(read);
    assertThrows(() => client.reset(), Deno.errors.BadResource);
    const p = new Uint8Array(4);
    await within(other.write(encode("fine")));
    assertEquals(text(p, await within(otherServer.read(p))), "fine");
    for (const conn of [server, other, otherServer]) conn.close();
  },
  { only: ["linux", "windows"] },
);

sessionTest(
  "session.close() ends what a connection waits for",
  async (openSession) => {
    const session = openSession();
    const [client, server] = await openBoth(session);
    const reads = [client, server].map((conn) =>
      assertRejects(() => conn.read(new Uint8Array(1)), Deno.errors.Interrupted)
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await session.close();
    await within(Promise.all(reads));
    await assertRejects(
      () => client.write(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
    client.close();
    server.close();
  },
);

sessionTest(
  "listener.accept() tells that its session was closed before it gave the connection",
  async (openSession) => {
    const session = openSession();
    using other = openSession();
    using listener = listen({ hostname: HOST, session });
    const accepted = assertRejects(
      () => listener.accept(),
      Deno.errors.BadResource,
    );
    const { port } = listener.addr;
    const connected = connect({ port, session: other })
      .then((client) => client.close());
    // The client has some turns to be told in, which may be too few for it.
    while (session.stats().sockets < 2) await new Promise(setImmediate);
    session[Symbol.dispose]();
    await within(Promise.all([accepted, connected]));
  },
);

for (const direction of ["receive", "send", "both"] as const) {
  sessionTest(
    `conn.socket.shutdown("${direction}") ends what waits in that direction`,
    async (openSession) => {
      using session = openSession();
      const [client, server] = await openBoth(session);
      const outcome = (call: Promise<unknown>) =>
        call.then((value) => value, (error) => error.name);
      const read = outcome(client.read(new Uint8Array(1)));
      const write = outcome(client.write(new Uint8Array(20_000_000)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.socket.shutdown(direction);
      // What goes on ends with the connection.
      if (direction !== "send") assertEquals(await within(read), null);
      if (direction !== "receive") {
        assertEquals(await within(write), "BrokenPipe");
        assertEquals(
          await within(outcome(client.write(new Uint8Array(1)))),
          "BrokenPipe",
        );
      }
      client.close();
      if (direction === "send") assertEquals(await within(read), "Interrupted");
      if (direction === "receive") {
        assertEquals(await within(write), "Interrupted");
      }
      server.close();
    },
    { only: ["linux"] },
  );
}
