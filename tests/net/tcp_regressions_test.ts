import { assertEquals, assertRejects } from "@std/assert";
import { connect, listen } from "../../mod.ts";
import { descriptors, sessionTest, until, within } from "../session/harness.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { openBoth } from "./connection.ts";

sessionTest(
  "a connection works when its listener is closed just as it arrives",
  async (open) => {
    using session = open();
    using elsewhere = open();
    const listener = listen({ hostname: "127.0.0.1", session });
    const { socket, addr: { hostname, port } } = listener;
    const accept = socket.accept.bind(socket);
    socket.accept = async (options) => {
      const accepted = await accept(options);
      listener.close();
      return accepted;
    };
    const accepted = listener.accept();
    using client = await within(
      connect({ hostname, port, session: elsewhere }),
    );
    using server = await within(accepted);
    const bytes = new Uint8Array(4);
    const read = server.read(bytes);
    assertEquals(await within(client.write(new Uint8Array([7]))), 1);
    assertEquals([await within(read), bytes[0]], [1, 7]);
  },
);

Deno.test({
  name:
    "conn.close() with a read pending closes the last socket of the shared session",
  ignore: skipped("the shared session", NOT_LINUX),
  fn: async () => {
    const before = descriptors();
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const { port } = listener.addr;
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    const conn = await accepted;
    const read = conn.read(new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    listener.close();
    conn.close();
    await assertRejects(() => read, Deno.errors.Interrupted);
    client.close();
    // A wait on another thread returns first, and closes what it used.
    await until(() => descriptors() <= before, "the session to be closed");
  },
});

sessionTest(
  "conn.close() gives everything back where a wait has failed and completions come late",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    client.close();
    open.fake!.fail("GetQueuedCompletionStatusEx", 6);
    open.fake!.hold();
    const read = server.read(new Uint8Array(1));
    await assertRejects(() => within(read), Error, "wait failed");
    server.close();
    open.fake!.resume();
    await until(
      () => session.stats().sockets + session.stats().buffers === 0,
      "the end of the read",
    );
  },
  { only: ["fake"] },
);
