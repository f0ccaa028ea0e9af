/** Memory never shows what was meant for somebody else. */
import { assert, assertEquals } from "@std/assert";
import { listenDatagram } from "../../mod.ts";
import { collect, openSelf, put, sessionTest } from "../session/harness.ts";

const SECRET = "this was for somebody else and was much longer";

sessionTest(
  "registered memory is zeroed, whatever was there before",
  (open) => {
    using session = open();
    for (let i = 0; i < 8; i++) {
      using buffer = session.registerBuffer(65536);
      assert(buffer.bytes.every((byte) => byte === 0));
      buffer.bytes.fill(0xEE);
    }
  },
);

sessionTest(
  "a datagram changes no byte of its slice beyond its own",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(256);
    using socket = await openSelf(session);
    const inbox = buffer.slice(0, 100);
    inbox.bytes.fill(0xEE);
    buffer.bytes.fill(0xDD, 100, 128);
    socket.receive(inbox);
    socket.send(put(buffer.slice(128), "short"));
    await collect(socket.completions, 2);
    assert(inbox.bytes.subarray(5).every((byte) => byte === 0xEE));
    assert(buffer.bytes.subarray(100, 128).every((byte) => byte === 0xDD));
  },
);

sessionTest(
  "conn.receive() gives no memory in which another datagram was",
  async (open) => {
    using session = open();
    using conn = listenDatagram({
      hostname: "127.0.0.1",
      port: 0,
      receives: 1,
      session,
    });
    const encoder = new TextEncoder();
    await conn.send(encoder.encode(SECRET), conn.addr);
    await conn.receive();
    await conn.send(encoder.encode("short"), conn.addr);
    const [data] = await conn.receive();
    assertEquals(new TextDecoder().decode(data), "short");
    const around = new TextDecoder().decode(data.buffer);
    assert(!around.includes(SECRET.slice(10)), "the bytes around show another");
  },
);

sessionTest(
  "conn.receive() into given memory changes no byte beyond the datagram",
  async (open) => {
    using session = open();
    using conn = listenDatagram({
      hostname: "127.0.0.1",
      port: 0,
      receives: 1,
      session,
    });
    await conn.send(new TextEncoder().encode(SECRET), conn.addr);
    await conn.receive();
    await conn.send(new TextEncoder().encode("short"), conn.addr);
    const given = new Uint8Array(100).fill(0xEE);
    const [data] = await conn.receive(given);
    assertEquals(data.length, 5);
    assert(given.subarray(5).every((byte) => byte === 0xEE));
  },
);
