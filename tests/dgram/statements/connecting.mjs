/** What connecting to a peer does. */
import assert from "node:assert";

const HERE = "127.0.0.1";

export const connectStatements = [
  {
    name: "connect() binds, and tells with connect and the callback",
    deno: "it does not connect the system's socket",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      const event = t.once(socket, "connect");
      const callback = t.told((told) => socket.connect(port, HERE, told));
      await event;
      await callback;
      const { address, family, port: to } = socket.remoteAddress();
      assert.deepEqual([address, family, to], [HERE, "IPv4", port]);
      assert.equal(socket.address().address, HERE);
    },
  },
  {
    name: "connect() connects to this host by default, and to names",
    async run(t) {
      const { port } = (await t.bound()).address();
      for (const host of [undefined, "", "localhost"]) {
        const socket = t.open();
        await t.told((told) => socket.connect(port, host, told));
        assert.equal(socket.remoteAddress().address, HERE);
      }
      const socket = t.open();
      await t.told((told) => socket.connect(port, told));
      assert.equal(socket.remoteAddress().address, HERE);
    },
  },
  {
    name:
      "connect() returns nothing and takes no callback that is called later",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      let calls = 0;
      const connected = t.once(socket, "connect");
      assert.equal(socket.connect(port, HERE, () => calls++), undefined);
      await connected;
      socket.disconnect();
      const again = t.once(socket, "connect");
      socket.connect(port, HERE);
      await again;
      assert.equal(calls, 1);
    },
  },
  {
    name: "connect() refuses a port that is none",
    run(t) {
      for (const port of [0, -1, 65536, NaN, "x", null, undefined, {}]) {
        const { name, code } = t.thrown(() => t.open().connect(port));
        assert.deepEqual([name, code], ["RangeError", "ERR_SOCKET_BAD_PORT"]);
      }
    },
  },
  {
    name: "connect() refuses an address that is no text",
    run(t) {
      for (const address of [1, {}, true]) {
        const { name, code } = t.thrown(() => t.open().connect(1000, address));
        assert.deepEqual([name, code], ["TypeError", "ERR_INVALID_ARG_TYPE"]);
      }
    },
  },
  {
    name: "connect() refuses a socket that is connected, or about to be",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      const connected = t.told((told) => socket.connect(port, HERE, told));
      const expected = {
        name: "Error",
        code: "ERR_SOCKET_DGRAM_IS_CONNECTED",
        message: "Already connected",
      };
      assert.deepEqual(t.thrown(() => socket.connect(port)), expected);
      await connected;
      assert.deepEqual(t.thrown(() => socket.connect(port)), expected);
    },
  },
  {
    name: "connect() tells the callback of an error, and no listener",
    async run(t) {
      const socket = t.open();
      socket.on("error", t.never("a listener of error"));
      const [{ code, syscall }] = await t.told((told) =>
        socket.connect(1000, "no-such-name.invalid", told)
      );
      assert(code === "ENOTFOUND" || code === "EAI_AGAIN", code);
      assert.equal(syscall, "getaddrinfo");
      const { port } = (await t.bound()).address();
      await t.told((told) => socket.connect(port, HERE, told));
    },
  },
  {
    name: "connect() without a callback tells a listener of an error",
    async run(t) {
      const socket = t.open();
      const error = t.once(socket, "error");
      socket.connect(1000, "no-such-name.invalid");
      const [{ syscall }] = await error;
      assert.equal(syscall, "getaddrinfo");
    },
  },
  {
    name: "connect() tells of an address of the other family",
    deno: "it tells another error",
    async run(t) {
      const socket = t.open();
      const [{ code, message }] = await t.told((told) =>
        socket.connect(1000, "::1", told)
      );
      assert.equal(code, "EINVAL");
      assert.equal(message, "connect EINVAL ::1:1000");
    },
  },
  {
    name: "a connected socket hears its peer alone",
    deno: "it does not connect the system's socket",
    async run(t) {
      const peer = await t.bound();
      const stranger = await t.bound();
      const socket = await t.bound();
      const { port } = socket.address();
      await t.told((told) => socket.connect(peer.address().port, HERE, told));
      const texts = t.texts(socket, 1);
      await t.told((told) => stranger.send("stranger", port, HERE, told));
      peer.send("peer", port, HERE);
      assert.deepEqual(await texts, ["peer"]);
    },
  },
  {
    name: "remoteAddress() refuses a socket without a peer",
    async run(t) {
      const expected = {
        name: "Error",
        code: "ERR_SOCKET_DGRAM_NOT_CONNECTED",
        message: "Not connected",
      };
      const socket = t.open();
      assert.deepEqual(t.thrown(() => socket.remoteAddress()), expected);
      const bound = await t.bound();
      assert.deepEqual(t.thrown(() => bound.remoteAddress()), expected);
    },
  },
  {
    name: "disconnect() refuses a socket without a peer",
    async run(t) {
      const socket = t.open();
      const code = "ERR_SOCKET_DGRAM_NOT_CONNECTED";
      assert.equal(t.thrown(() => socket.disconnect()).code, code);
      const { port } = (await t.bound()).address();
      await t.told((told) => socket.connect(port, HERE, told));
      socket.disconnect();
      assert.equal(t.thrown(() => socket.disconnect()).code, code);
      assert.equal(t.thrown(() => socket.remoteAddress()).code, code);
    },
  },
  {
    name: "disconnect() lets a socket hear everybody, and send anywhere",
    async run(t) {
      const [peer, other] = [await t.bound(), await t.bound()];
      // A port that the system chose may get lost: Linux gives it up.
      const free = await t.bound();
      const { port } = free.address();
      await t.told((told) => free.close(told));
      const socket = t.open();
      socket.bind(port, HERE);
      await t.once(socket, "listening");
      await t.told((told) => socket.connect(peer.address().port, HERE, told));
      socket.disconnect();
      const heard = t.texts(socket, 1);
      other.send("other", port, HERE);
      assert.deepEqual(await heard, ["other"]);
      const texts = t.texts(other, 1);
      socket.send("answer", other.address().port, HERE);
      assert.deepEqual(await texts, ["answer"]);
      const again = t.told((told) =>
        socket.connect(other.address().port, HERE, told)
      );
      await again;
      assert.equal(socket.remoteAddress().port, other.address().port);
    },
  },
  {
    name: "a connected socket is told that nobody listens at its peer",
    needs: "linux",
    deno: "the error is told to nobody",
    async run(t) {
      const gone = await t.bound();
      const { port } = gone.address();
      await t.told((told) => gone.close(told));
      const socket = t.open();
      await t.told((told) => socket.connect(port, HERE, told));
      const error = t.once(socket, "error");
      socket.send("anybody there?");
      const [{ code, syscall, message }] = await error;
      assert.deepEqual([code, syscall], ["ECONNREFUSED", "recvmsg"]);
      assert.equal(message, "recvmsg ECONNREFUSED");
    },
  },
  {
    name: "a socket that is told that nobody listens goes on",
    needs: "linux",
    deno: "the error is told to nobody",
    async run(t) {
      const gone = await t.bound();
      const { port } = gone.address();
      await t.told((told) => gone.close(told));
      const socket = t.open();
      await t.told((told) => socket.connect(port, HERE, told));
      const error = t.once(socket, "error");
      socket.send("anybody there?");
      await error;
      const back = t.open();
      back.bind(port, HERE);
      await t.once(back, "listening");
      const texts = t.texts(back, 1);
      socket.send("now?");
      assert.deepEqual(await texts, ["now?"]);
    },
  },
  {
    name: "connect() to what the sendBlockList has tells the callback",
    node: 24,
    deno: "it has no such option",
    async run(t) {
      const { BlockList } = await import("node:net");
      const sendBlockList = new BlockList();
      sendBlockList.addAddress(HERE);
      const socket = t.open({ type: "udp4", sendBlockList });
      const [error] = await t.told((told) => socket.connect(1000, HERE, told));
      assert.equal(error.code, "ERR_IP_BLOCKED");
    },
  },
  {
    name: "connect() of a socket that is closed meanwhile tells nobody",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = await t.bound();
      socket.on("connect", t.never("a listener of connect"));
      socket.connect(port, HERE, t.never("the callback"));
      await t.told((told) => socket.close(told));
      await t.turns();
    },
  },
  {
    name: "disconnect() lets what was sent before go to the peer",
    async run(t) {
      const [peer, other] = [await t.bound(), await t.bound()];
      const socket = t.open();
      await t.told((told) => socket.connect(peer.address().port, HERE, told));
      const [first, second] = [t.texts(peer, 1), t.texts(other, 1)];
      socket.send("to the peer");
      socket.disconnect();
      socket.send("to another", other.address().port, HERE);
      assert.deepEqual(await first, ["to the peer"]);
      assert.deepEqual(await second, ["to another"]);
    },
  },
];
