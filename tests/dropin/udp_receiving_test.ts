import {
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { bytes, pause, plain, statement, udp, within } from "./harness.ts";

statement("conn.send() gives the datagram to conn.receive()", async (net) => {
  const [alice, bob] = [udp(net), udp(net)];
  assertEquals(await alice.send(bytes(3), bob.addr), 3);
  const [data, from] = await within(bob.receive());
  assertEquals(data, bytes(3));
  assertEquals(plain(from), plain(alice.addr));
});

statement("conn.send() while a receive is pending is received", async (net) => {
  const conn = udp(net);
  const received = conn.receive();
  assertEquals(await conn.send(bytes(3), conn.addr), 3);
  assertEquals((await within(received))[0], bytes(3));
});

statement("conn.receive() twice at a time serves both", async (net) => {
  const conn = udp(net);
  const both = [conn.receive(), conn.receive()];
  await conn.send(bytes(1), conn.addr);
  await conn.send(bytes(2), conn.addr);
  const sizes = (await within(Promise.all(both))).map(([data]) => data.length);
  assertEquals(sizes.sort(), [1, 2]);
});

statement(
  "conn.receive() that was raced with a timeout takes no answer of the next",
  async (net) => {
    const [client, server] = [udp(net), udp(net)];
    const ask = (byte: number) =>
      client.send(new Uint8Array([byte]), server.addr);
    await ask(1);
    await within(server.receive()); // and does not answer
    const givenUp = [client.receive(), client.receive()];
    for (const byte of [2, 3, 4]) {
      const late = pause();
      const answer = client.receive();
      await late;
      await ask(byte);
      const [data, from] = await within(server.receive());
      await server.send(data, from);
      assertEquals([...(await within(answer))[0]], [byte]);
    }
    client.close();
    for (const call of givenUp) {
      await assertRejects(() => within(call), Deno.errors.Interrupted);
    }
  },
);

statement("conn.receive() gives datagrams in their order", async (net) => {
  const [alice, bob] = [udp(net), udp(net)];
  for (let size = 1; size <= 20; size++) {
    await alice.send(bytes(size), bob.addr);
  }
  for (let size = 1; size <= 20; size++) {
    assertEquals((await within(bob.receive()))[0], bytes(size));
  }
});

statement("conn.receive() gives an array of its own each time", async (net) => {
  const conn = udp(net);
  await conn.send(bytes(1), conn.addr);
  await conn.send(bytes(2), conn.addr);
  const [first] = await within(conn.receive());
  const [second] = await within(conn.receive());
  assertNotStrictEquals(first.buffer, second.buffer);
  assertEquals([first, second], [bytes(1), bytes(2)]);
});

statement("conn.receive() fills the start of a larger array", async (net) => {
  const conn = udp(net);
  await conn.send(new Uint8Array([8, 9]), conn.addr);
  const p = new Uint8Array(4);
  const [data] = await within(conn.receive(p));
  assertStrictEquals(data.buffer, p.buffer);
  assertEquals([data, p], [
    new Uint8Array([8, 9]),
    new Uint8Array([8, 9, 0, 0]),
  ]);
});

statement("conn.receive() fills the part it is given", async (net) => {
  const conn = udp(net);
  await conn.send(new Uint8Array([8, 9]), conn.addr);
  const whole = new Uint8Array(8);
  const [data] = await within(conn.receive(whole.subarray(3, 6)));
  assertEquals([data.byteOffset, data.length], [3, 2]);
  assertEquals(whole, new Uint8Array([0, 0, 0, 8, 9, 0, 0, 0]));
});

statement(
  "conn.receive() drops what does not fit, and the next is whole",
  async (net) => {
    const conn = udp(net);
    await conn.send(bytes(9), conn.addr);
    await conn.send(bytes(3), conn.addr);
    const p = new Uint8Array(4);
    if (net.native && net.os === "windows") {
      // Winsock reports a datagram that is too long, and Deno passes that on.
      await assertRejects(() => within(conn.receive(p)));
    } else {
      const [data] = await within(conn.receive(p));
      assertEquals([data, p], [bytes(9).subarray(0, 4), data]);
    }
    assertEquals((await within(conn.receive()))[0], bytes(3));
  },
);

statement("conn.receive() takes a datagram into no bytes", async (net) => {
  const conn = udp(net);
  await conn.send(bytes(0), conn.addr);
  await conn.send(bytes(3), conn.addr);
  assertEquals((await within(conn.receive(bytes(0))))[0].length, 0);
  assertEquals((await within(conn.receive()))[0], bytes(3));
});

statement(
  "conn.receive() rejects with BadResource after close()",
  async (net) => {
    const conn = udp(net);
    conn.close();
    const received = conn.receive();
    await assertRejects(() => received, Deno.errors.BadResource);
  },
);

statement("conn.close() interrupts every pending receive", async (net) => {
  const conn = udp(net);
  const pending = [conn.receive(), conn.receive()];
  await pause();
  conn.close();
  for (const received of pending) {
    await assertRejects(() => within(received), Deno.errors.Interrupted);
  }
});

statement("conn.close() interrupts a receive that just began", async (net) => {
  const conn = udp(net);
  const received = conn.receive();
  conn.close();
  await assertRejects(() => within(received), Deno.errors.Interrupted);
});
