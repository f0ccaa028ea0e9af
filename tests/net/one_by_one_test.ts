/** Connections whose completions arrive one at a time, as on a busy system. */
import { assertEquals, assertRejects } from "@std/assert";
import { openBackend, openSession } from "../../ffi/mod.ts";
import type { RioSession } from "../../mod.ts";
import { requestsOnly } from "../requests_only.ts";
import { until, within } from "../session/harness.ts";
import { openBoth } from "./connection.ts";

const library = Deno.build.os === "windows"
  ? Deno.env.get("RIO_LIBRARY")
  : undefined;

/** A session that gets at most one completion a call, once it is told to. */
function openSlow(): { session: RioSession; slow(): void } {
  const backend = openBackend(library === undefined ? {} : { library });
  const { rings } = backend;
  const dequeue = rings.dequeueCompletion.bind(rings);
  let most = Infinity;
  rings.dequeueCompletion = (queue, results, max) =>
    dequeue(queue, results, Math.min(max, most));
  return { session: openSession(requestsOnly(backend)), slow: () => most = 1 };
}

Deno.test("a connection closed with several sends under way gives everything back", async () => {
  const { session, slow } = openSlow();
  try {
    const [client, server] = await openBoth(session);
    const refused = assertRejects(
      () => within(client.write(new Uint8Array(64 << 20))),
      Deno.errors.Interrupted,
    );
    await until(() => client.socket.outstandingSends > 1, "a pipeline");
    slow();
    client.close();
    await refused;
    server.close();
    await until(() => session.stats().outstanding === 0, "all sends to end");
    const { buffers, completionQueues, sockets } = session.stats();
    assertEquals([buffers, completionQueues, sockets], [0, 0, 0]);
  } finally {
    await session.close();
  }
  assertEquals(session.stats().abandoned, 0);
});
