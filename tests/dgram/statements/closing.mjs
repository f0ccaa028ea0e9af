/** What closing does, whatever goes on. */
import assert from "node:assert";

const HERE = "127.0.0.1";
const NOT_RUNNING = {
  name: "Error",
  code: "ERR_SOCKET_DGRAM_NOT_RUNNING",
  message: "Not running",
};

export const closeStatements = [
  {
    name: "close() tells with close and the callback, in a later turn",
    async run(t) {
      const socket = await t.bound();
      let now = true;
      const event = t.once(socket, "close");
      const callback = t.told((told) => {
        assert.equal(socket.close(() => told(now)), socket);
      });
      now = false;
      await event;
      assert.deepEqual(await callback, [false]);
    },
  },
  {
    name: "close() closes a socket that was never bound",
    async run(t) {
      const socket = t.open();
      await t.told((told) => socket.close(told));
    },
  },
  {
    name: "close() takes no callback that is none",
    async run(t) {
      for (const callback of ["bad", 5, {}, null]) {
        const socket = t.open();
        const closed = t.once(socket, "close");
        socket.close(callback);
        await closed;
      }
    },
  },
  {
    name: "a closed socket refuses everything that asks the system",
    deno: "close() does nothing on a closed socket",
    async run(t) {
      const socket = await t.bound();
      const closed = t.once(socket, "close");
      socket.close();
      const calls = [
        () => socket.close(),
        () => socket.bind(),
        () => socket.send("a", 1000, HERE),
        () => socket.address(),
        () => socket.setMulticastInterface("0.0.0.0"),
        () => socket.addMembership("224.0.0.114"),
        () => socket.dropMembership("224.0.0.114"),
        () => socket.addSourceSpecificMembership(HERE, "232.1.1.1"),
        () => socket.dropSourceSpecificMembership(HERE, "232.1.1.1"),
        () => socket.remoteAddress(),
      ];
      for (const call of calls) {
        assert.deepEqual(t.thrown(call), NOT_RUNNING, String(call));
      }
      await closed;
      assert.deepEqual(t.thrown(() => socket.close()), NOT_RUNNING);
    },
  },
  {
    name: "ref() and unref() of a closed socket do nothing, and return it",
    run(t) {
      const socket = t.open();
      assert.equal(socket.ref(), socket);
      assert.equal(socket.unref(), socket);
      socket.close();
      assert.equal(socket.ref(), socket);
      assert.equal(socket.unref(), socket);
    },
  },
  {
    name: "close() while an address is looked up ends that quietly",
    async run(t) {
      let answer;
      const asked = new Promise((resolve) => {
        const lookup = (_hostname, _family, callback) => {
          answer = () => callback(null, HERE, 4);
          resolve();
        };
        const socket = t.open({ type: "udp4", lookup });
        socket.on("listening", t.never("a listener of listening"));
        socket.on("error", t.never("a listener of error"));
        socket.bind(0, "some-name");
        socket.close(t.never.bind(t));
      });
      await t.within(asked, "a lookup");
      answer();
      await t.turns();
    },
  },
  {
    name: "close() while it is bound ends that quietly",
    async run(t) {
      const socket = t.open();
      socket.on("listening", t.never("a listener of listening"));
      socket.bind(0, HERE);
      await t.told((told) => socket.close(told));
      await t.turns();
    },
  },
  {
    name: "close() waits for what was sent before it was bound",
    deno: "close() does nothing on a closed socket",
    async run(t) {
      const receiver = await t.bound();
      const socket = t.open();
      const closed = t.once(socket, "close");
      socket.send("a", receiver.address().port, HERE);
      socket.close();
      await closed;
      assert.deepEqual(t.thrown(() => socket.close()), NOT_RUNNING);
    },
  },
  {
    name: "close() in a listener of listening works",
    async run(t) {
      const socket = t.open();
      const closed = t.once(socket, "close");
      socket.on("listening", () => socket.close());
      socket.bind(0, HERE);
      await closed;
    },
  },
  {
    name: "close() in a callback of send works",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      const closed = t.once(socket, "close");
      socket.send("a", port, HERE, () => socket.close());
      await closed;
    },
  },
  {
    name: "what a connected socket has sent leaves before it is closed",
    deno: "it is lost",
    async run(t) {
      const receiver = await t.bound();
      const socket = t.open();
      const { port } = receiver.address();
      await t.told((told) => socket.connect(port, HERE, told));
      const texts = t.texts(receiver, 2);
      socket.send("first");
      socket.send("last");
      socket.close();
      assert.deepEqual(await texts, ["first", "last"]);
    },
  },
  {
    name: "close() frees the port",
    async run(t) {
      const socket = await t.bound();
      const { port } = socket.address();
      await t.told((told) => socket.close(told));
      const other = t.open();
      other.bind(port, HERE);
      await t.once(other, "listening");
    },
  },
  {
    name: "a signal closes the socket",
    async run(t) {
      const controller = new AbortController();
      const socket = t.open({ type: "udp4", signal: controller.signal });
      const closed = t.once(socket, "close");
      controller.abort();
      await closed;
      const bound = new AbortController();
      const other = await t.bound({ type: "udp4", signal: bound.signal });
      const end = t.once(other, "close");
      bound.abort();
      await end;
    },
  },
  {
    name: "a signal that was aborted before closes the socket at once",
    deno: "close() does nothing on a closed socket",
    async run(t) {
      const socket = t.open({ type: "udp4", signal: AbortSignal.abort() });
      await t.once(socket, "close");
      assert.deepEqual(t.thrown(() => socket.close()), NOT_RUNNING);
    },
  },
  {
    name: "a signal that is aborted after close does nothing",
    async run(t) {
      const controller = new AbortController();
      const socket = t.open({ type: "udp4", signal: controller.signal });
      await t.told((told) => socket.close(told));
      controller.abort();
      await t.turns();
    },
  },
  {
    name:
      "Symbol.asyncDispose closes the socket, and does nothing a second time",
    deno: "close() does nothing on a closed socket",
    node: 20,
    async run(t) {
      const socket = await t.bound();
      let closed = 0;
      socket.on("close", () => closed++);
      await socket[Symbol.asyncDispose]();
      await socket[Symbol.asyncDispose]();
      assert.equal(closed, 1);
      assert.deepEqual(t.thrown(() => socket.close()), NOT_RUNNING);
    },
  },
  {
    name: "disconnect() of a closed socket throws",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      await t.told((told) => socket.connect(port, HERE, told));
      await t.told((told) => socket.close(told));
      assert.throws(() => socket.disconnect());
    },
  },
];
