/**
 * Whole uses of the sockets with Deno's shapes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, listen, listenDatagram } from "../../mod.ts";
import { expect, giveUp, within } from "./steps.ts";
import type { Scenario } from "./scenarios.ts";

/** The scenarios, in the order in which they run. */
export const dropIn: readonly Scenario[] = [
  {
    name: "the drop-in and multicast",
    // A slot that cannot be posted again is tried again by the next receive.
    absorbs: ["recvmmsg", "RIOReceive", "RIOReceiveEx"],
    async run(session) {
      using conn = listenDatagram({
        hostname: "127.0.0.1",
        port: 0,
        receives: 4,
        sends: 4,
        datagramSize: 512,
        session,
      });
      const membership = await conn.joinMulticastV4("239.0.0.1", "127.0.0.1");
      await membership.setTTL(1);
      await membership.setLoopback(true);
      await membership.leave();
      const sent = await within(
        conn.send(new Uint8Array([1, 2, 3]), conn.addr),
        "a send",
      );
      assertEquals(sent, 3);
      const [data] = await within(conn.receive(), "a datagram");
      assertEquals([...data], [1, 2, 3]);
    },
  },
  {
    name: "the drop-in in batches",
    // What cannot leave together leaves one by one; what has arrived is given
    // before an error is told, and slots are posted by the next receive.
    absorbs: ["recvmmsg", "recvfrom", "sendmmsg", "RIOReceive", "RIOReceiveEx"],
    async run(session) {
      await using conn = listenDatagram({
        hostname: "::1",
        port: 0,
        receives: 8,
        sends: 8,
        datagramSize: 64,
        receiveBufferSize: 1 << 16,
        session,
      });
      const datagrams = [1, 2, 3].map((byte) => ({
        data: new Uint8Array([byte, byte]),
        addr: conn.addr,
      }));
      assertEquals(await within(conn.sendMany(datagrams), "sends"), 3);
      for (let received = 0; received < 3;) {
        using batch = await within(conn.receiveMany(), "datagrams");
        received += batch.length;
      }
    },
  },
  {
    name: "the drop-in on every address",
    // Where it is not told where a question arrived, the answer leaves from
    // elsewhere; the rest as above.
    absorbs: ["getsockopt", "setsockopt", "recvmmsg", "recvmsg", "recvfrom"]
      .concat("sendmmsg", "RIOReceive", "RIOReceiveEx", "WSASocketW", "bind"),
    async run(session) {
      const options = { receives: 8, sends: 8, datagramSize: 64, session };
      await using server = listenDatagram({ ...options, hostname: "::" });
      await using client = listenDatagram({
        ...options,
        hostname: "127.0.0.1",
      });
      const question = {
        data: new Uint8Array(2),
        addr: { hostname: "127.0.0.2", port: server.addr.port },
      };
      for (const count of [1, 3]) {
        const questions = new Array(count).fill(question);
        assertEquals(await within(client.sendMany(questions), "asks"), count);
        for (let received = 0; received < count;) {
          using batch = await within(server.receiveMany(), "questions");
          received += batch.length;
          await within(server.sendMany(batch), "answers");
        }
        for (let received = 0; received < count;) {
          using batch = await within(client.receiveMany(), "answers");
          received += batch.length;
        }
      }
    },
  },
  {
    name: "the drop-in and streams",
    // A connection that cannot be ended is gone, and was to be.
    absorbs: ["shutdown"],
    async run(session) {
      using listener = listen({ hostname: "127.0.0.1", port: 0, session });
      const accepted = expect(listener.accept());
      await using stack = new AsyncDisposableStack();
      stack.defer(() => giveUp(accepted, listener));
      const { hostname, port } = listener.addr;
      using client = await within(
        connect({ hostname, port, noDelay: true, session }),
        "a connection",
      );
      const server = await within(accepted, "an accepted connection");
      server.setKeepAlive(true);
      const written = client.write(new Uint8Array(5));
      assertEquals(await within(written, "a write"), 5);
      const bytes = new Uint8Array(16);
      for (let received = 0; received < 5;) {
        received += await within(server.read(bytes), "a read") ?? 5;
      }
      await within(client.closeWrite(), "the end of writing");
      client.close();
      assertEquals(await within(server.read(bytes), "the end"), null);
    },
  },
];
