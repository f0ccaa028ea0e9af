/** What is left to be told when something was closed with requests in flight. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { RioClosedError, type RioCompletion, RioError } from "../../mod.ts";
import { openSelf, openUdp, sessionTest, until, within } from "./harness.ts";

declare const gc: () => void;

sessionTest(
  "queue.dequeue() gives what was settled before the queue closed with its socket",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    const socket = openUdp(session);
    const queue = socket.completions;
    socket.receive(buffer.slice(), { context: 1 });
    const arrived = queue.notify();
    socket.close();
    await within(arrived);
    // Settles what has arrived, and with it the socket and its queue end.
    buffer[Symbol.dispose]();
    assert(queue.closed);
    assertEquals(queue.dequeue().map(({ context }) => context), [1]);
    assertThrows(() => queue.dequeue(), RioClosedError);
  },
);

sessionTest("queue.walk() lets the visitor walk", async (open) => {
  using session = open();
  using buffer = session.registerBuffer(64);
  using socket = await openSelf(session);
  const seen: unknown[] = [];
  const visit = ({ context }: RioCompletion) => {
    seen.push(context);
    if (seen.length > 4) return;
    socket.send(buffer.slice(0, 1), { context: seen.length });
    open.fake?.pump(4);
    socket.completions.walk(visit);
  };
  socket.send(buffer.slice(0, 1), { context: 0 });
  await until(() => {
    socket.completions.walk(visit);
    return seen.length >= 5;
  }, "completions");
  assertEquals(seen, [0, 1, 2, 3, 4]);
});

sessionTest(
  "a connection that could not be given out is closed, and its collection does not warn",
  async (open) => {
    using session = open();
    using listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    open.fake!.fail("getpeername", 10055, { times: 2 });
    using client = session.openSocket({ transport: "tcp" });
    const refused = await (async () => {
      const accepted = assertRejects(() => listener.accept(), RioError);
      await client.connect(listener.address).catch(() => {});
      return new WeakRef(await accepted);
    })();
    const warnings: unknown[] = [];
    const { warn } = console;
    console.warn = (message: unknown) => void warnings.push(message);
    try {
      // Its stack is the last to hold the connection.
      await until(() => {
        gc();
        return refused.deref() === undefined;
      }, "the error to be collected");
      await settle();
    } finally {
      console.warn = warn;
    }
    assertEquals(warnings, []);
    assertEquals(session.stats().sockets, 2);
  },
  { only: ["fake"] },
);

/** Lets the collector tell what it has collected. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    gc();
  }
}
