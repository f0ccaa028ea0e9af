/** Datagram sockets whose socket or queue the program ends beneath them. */
import { assertEquals, assertRejects } from "@std/assert";
import type { RioDatagramConn } from "../../mod.ts";
import { within } from "../session/harness.ts";
import { datagramTest } from "./harness.ts";

/** Has receives use slots; on Windows all do, and Wine does not tell of ECN. */
const SLOTS = { info: Deno.build.os === "linux" };

/** Has a socket receive a datagram, so that its receives are posted. */
async function receiveOne(conn: RioDatagramConn): Promise<void> {
  await conn.send(new Uint8Array(3), conn.addr);
  const [data] = await within(conn.receive());
  assertEquals(data.length, 3);
}

datagramTest(
  "conn.receive() rejects when conn.socket was closed before it waits",
  async (open) => {
    const conn = open(SLOTS);
    await receiveOne(conn);
    conn.socket.close();
    await assertRejects(
      () => within(conn.receive()),
      Deno.errors.BadResource,
    );
  },
);

datagramTest(
  "conn.receive() rejects when its completion queue is closed while it waits",
  async (open) => {
    const conn = open(SLOTS);
    const peer = open();
    await receiveOne(conn);
    const received = assertRejects(() => within(conn.receive()), Error);
    conn.socket.completions.close();
    await peer.send(new Uint8Array(5), conn.addr);
    await received;
  },
);
