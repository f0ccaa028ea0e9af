/** What a socket that receives tells. */
import assert from "node:assert";

const HERE = "127.0.0.1";

export const receiveStatements = [
  {
    name: "message tells a Buffer, and address, family, port and size",
    async run(t) {
      const receiver = await t.bound();
      const sender = await t.bound();
      const message = t.once(receiver, "message");
      sender.send("hello", receiver.address().port, HERE);
      const [data, rinfo, ...rest] = await message;
      assert(Buffer.isBuffer(data));
      assert.equal(data.toString(), "hello");
      assert.deepEqual({ ...rinfo }, {
        address: HERE,
        family: "IPv4",
        port: sender.address().port,
        size: 5,
      });
      assert.deepEqual(rest, []);
    },
  },
  {
    name: "message tells the same on IPv6",
    needs: "ipv6",
    async run(t) {
      const receiver = await t.bound("udp6", "::1");
      const sender = await t.bound("udp6", "::1");
      const message = t.once(receiver, "message");
      sender.send("hello", receiver.address().port, "::1");
      const [, rinfo] = await message;
      assert.deepEqual({ ...rinfo }, {
        address: "::1",
        family: "IPv6",
        port: sender.address().port,
        size: 5,
      });
    },
  },
  {
    name: "message of an udp6 socket tells a peer of IPv4 in mapped form",
    needs: "ipv6",
    async run(t) {
      const receiver = await t.bound("udp6", "::");
      const message = t.once(receiver, "message");
      t.open().send("hello", receiver.address().port, HERE);
      const [, { address, family }] = await message;
      assert.deepEqual([address, family], ["::ffff:127.0.0.1", "IPv6"]);
    },
  },
  {
    name: "an udp6 socket answers a peer of IPv4 at the address it was told",
    needs: "ipv6",
    async run(t) {
      const server = await t.bound("udp6", "::");
      server.on(
        "message",
        (data, { port, address }) => server.send(data, port, address),
      );
      const client = await t.bound();
      const answer = t.texts(client, 1);
      client.send("hello", server.address().port, HERE);
      assert.deepEqual(await answer, ["hello"]);
    },
  },
  {
    name: "messages have memory of their own, and keep what they say",
    deno: "it sends in the opposite order",
    async run(t) {
      const receiver = await t.bound();
      const sender = await t.bound();
      const { port } = receiver.address();
      const kept = [];
      const all = new Promise((resolve) =>
        receiver.on("message", (data) => {
          kept.push(data);
          if (kept.length === 200) resolve();
          else if (kept.length % 50 === 0) send();
        })
      );
      let next = 0;
      const send = () => {
        for (let i = 0; i < 50; i++) sender.send(String(next++), port, HERE);
      };
      send();
      await t.within(all, "200 datagrams");
      assert.deepEqual(
        kept.map(String),
        Array.from({ length: 200 }, (_, i) => String(i)),
      );
      kept[0].fill(0);
      assert.equal(kept[1].toString(), "1");
      assert.equal(kept[0].buffer.byteLength, kept[0].byteLength);
    },
  },
  {
    name: "message tells datagrams without bytes",
    async run(t) {
      const receiver = await t.bound();
      const message = t.once(receiver, "message");
      t.open().send("", receiver.address().port, HERE);
      const [data, { size }] = await message;
      assert.deepEqual([data.length, size], [0, 0]);
    },
  },
  {
    name: "message tells the longest datagrams whole",
    async run(t) {
      const receiver = await t.bound();
      const message = t.once(receiver, "message");
      const sent = Buffer.alloc(65507, "abc");
      t.open().send(sent, receiver.address().port, HERE);
      const [data, { size }] = await message;
      assert.equal(size, 65507);
      assert(sent.equals(data));
    },
  },
  {
    name: "all listeners of message are told, each in its turn",
    async run(t) {
      const receiver = await t.bound();
      const told = [];
      receiver.on("message", () => told.push(1));
      receiver.prependListener("message", () => told.push(0));
      const message = t.once(receiver, "message");
      t.open().send("a", receiver.address().port, HERE);
      await message;
      assert.deepEqual(told, [0, 1]);
    },
  },
  {
    name:
      "what a listener throws is an uncaught exception, and nothing is lost",
    deno:
      "the exception is an unhandled rejection, and nothing is received any more",
    async run(t) {
      const receiver = await t.bound();
      const sender = await t.bound();
      const { port } = receiver.address();
      const uncaught = t.uncaught();
      let count = 0;
      receiver.on("message", () => {
        if (++count === 2) throw new Error("thrown by a listener");
      });
      const sent = Array.from({ length: 20 }, (_, i) => String(i));
      const texts = new Promise((resolve) => {
        const got = [];
        receiver.prependListener("message", (data) => {
          got.push(String(data));
          if (got.length === 20) resolve(got);
        });
      });
      for (const text of sent) sender.send(text, port, HERE);
      assert.equal((await uncaught).message, "thrown by a listener");
      assert.deepEqual(await t.within(texts, "20 datagrams"), sent);
    },
  },
  {
    name: "nothing is told of a socket that a listener has closed",
    async run(t) {
      const receiver = await t.bound();
      const sender = await t.bound();
      const { port } = receiver.address();
      let count = 0;
      receiver.on("message", () => {
        count++;
        receiver.close();
      });
      const closed = t.once(receiver, "close");
      for (let i = 0; i < 10; i++) sender.send("a", port, HERE);
      await closed;
      await t.turns();
      assert.equal(count, 1);
    },
  },
  {
    name: "what the receiveBlockList has is not told",
    node: 24,
    deno: "it has no such option",
    async run(t) {
      const { BlockList } = await import("node:net");
      const receiveBlockList = new BlockList();
      receiveBlockList.addAddress("127.0.0.2");
      const receiver = await t.bound({ type: "udp4", receiveBlockList });
      const { port } = receiver.address();
      const texts = t.texts(receiver, 1);
      for (const address of ["127.0.0.2", HERE]) {
        const sender = await t.bound("udp4", address);
        await t.told((told) => sender.send(address, port, HERE, told));
      }
      assert.deepEqual(await texts, [HERE]);
    },
  },
  {
    name: "an answer to each message arrives",
    deno: "it sends in the opposite order",
    async run(t) {
      const server = await t.bound();
      server.on(
        "message",
        (data, { port, address }) =>
          server.send(data, 0, data.length, port, address),
      );
      const client = await t.bound();
      const { port } = server.address();
      const sent = Array.from({ length: 64 }, (_, i) => `question ${i}`);
      const texts = t.texts(client, 64);
      for (const text of sent) client.send(text, port, HERE);
      assert.deepEqual(await texts, sent);
    },
  },
];
