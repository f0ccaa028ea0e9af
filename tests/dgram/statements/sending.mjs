/** What sending does, in all its forms. */
import assert from "node:assert";

const HERE = "127.0.0.1";

/** Sends with each form, and sees what arrives. */
async function arrive(t, forms, connected = false) {
  const receiver = await t.bound();
  const { port } = receiver.address();
  for (const [expected, ...args] of forms(port)) {
    const socket = t.open();
    if (connected) await t.told((told) => socket.connect(port, HERE, told));
    const texts = t.texts(receiver, 1);
    socket.send(...args);
    assert.deepEqual(await texts, [expected], JSON.stringify(args));
    socket.close();
  }
}

/** Calls back once, without an error, with the bytes that were sent. */
async function toldBytes(t, args, bytes, connected = false) {
  const receiver = await t.bound();
  const { port } = receiver.address();
  const socket = t.open();
  if (connected) await t.told((told) => socket.connect(port, HERE, told));
  const [error, sent] = await t.told((told) =>
    socket.send(...args(port), told)
  );
  assert.equal(error, null);
  assert.equal(sent, bytes);
}

const BAD_PORT = { name: "RangeError", code: "ERR_SOCKET_BAD_PORT" };
const BAD_TYPE = { name: "TypeError", code: "ERR_INVALID_ARG_TYPE" };
const BOUNDS = { name: "RangeError", code: "ERR_BUFFER_OUT_OF_BOUNDS" };

function refuses(t, socket, cases) {
  for (const [expected, ...args] of cases) {
    const { name, code } = t.thrown(() => socket.send(...args));
    assert.deepEqual({ name, code }, expected, JSON.stringify(args));
  }
}

export const sendStatements = [
  {
    name: "send() takes text, bytes, any view, and lists of them",
    run: (t) =>
      arrive(t, (port) => [
        ["héllo", "héllo", port, HERE],
        ["abc", Buffer.from("abc"), port, HERE],
        ["abc", new Uint8Array([97, 98, 99]), port, HERE],
        ["aabb", new Uint16Array([0x6161, 0x6262]), port, HERE],
        [
          "bc",
          new DataView(new Uint8Array([97, 98, 99]).buffer, 1),
          port,
          HERE,
        ],
        ["abcd", ["ab", Buffer.from("cd")], port, HERE],
        [
          "abcd",
          [Buffer.from("a"), "", new Uint8Array([98, 99, 100])],
          port,
          HERE,
        ],
      ]),
  },
  {
    name: "send() takes a part by offset and length",
    run: (t) =>
      arrive(t, (port) => [
        ["bc", "abcd", 1, 2, port, HERE],
        ["bc", Buffer.from("abcd"), 1, 2, port, HERE],
        ["", "abcd", 4, 0, port, HERE],
        ["abcd", "abcd", 0, 4, port, HERE],
        ["bc", "abcd", "1", "2", port, HERE],
        ["cd", new Uint8Array([97, 98, 99, 100]).subarray(1), 1, 2, port, HERE],
      ]),
  },
  {
    name: "send() sends to this host where no address is given",
    run: (t) =>
      arrive(t, (port) => [
        ["a", "a", port],
        ["a", "a", port, ""],
        ["a", "a", port, null],
        ["a", "a", port, undefined],
        ["a", "a", port, () => {}],
        ["a", "a", port, null, () => {}],
        ["a", "a", port, "", () => {}],
        ["a", "abc", 0, 1, port],
        ["a", "abc", 0, 1, port, ""],
        ["a", "abc", 0, 1, port, () => {}],
        ["a", "abc", 0, 1, port, null, () => {}],
      ]),
  },
  {
    name: "send() of an udp6 socket sends to this host by default",
    needs: "ipv6",
    async run(t) {
      const receiver = await t.bound("udp6", "::1");
      const texts = t.texts(receiver, 1);
      t.open("udp6").send("six", receiver.address().port);
      assert.deepEqual(await texts, ["six"]);
    },
  },
  {
    name: "send() takes a port as text",
    run: (t) => arrive(t, (port) => [["a", "a", String(port), HERE]]),
  },
  {
    name: "send() looks names up",
    run: (t) => arrive(t, (port) => [["a", "a", port, "localhost"]]),
  },
  {
    name: "send() sends nothing as a datagram without bytes",
    run: (t) =>
      arrive(t, (port) => [
        ["", "", port, HERE],
        ["", Buffer.alloc(0), port, HERE],
        ["", [], port, HERE],
        ["", ["", Buffer.alloc(0)], port, HERE],
      ]),
  },
  {
    name: "send() of a connected socket takes no address",
    run: (t) =>
      arrive(t, () => [
        ["abc", "abc"],
        ["abc", "abc", () => {}],
        ["bc", "abc", 1, 2],
        ["bc", "abc", 1, 2, () => {}],
        ["abcd", ["ab", "cd"]],
        ["", ""],
        ["", []],
        ["", Buffer.alloc(0), () => {}],
      ], true),
  },
  {
    name: "send() of a connected socket refuses an address",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      await t.told((told) => socket.connect(port, HERE, told));
      const code = "ERR_SOCKET_DGRAM_IS_CONNECTED";
      const expected = { name: "Error", code };
      refuses(t, socket, [
        [expected, "abc", 0, 2, port],
        [expected, "abc", 0, 2, port, HERE],
        [expected, "abc", 0, 2, null, HERE],
      ]);
    },
  },
  {
    name: "send() calls back with the bytes that were sent",
    async run(t) {
      await toldBytes(t, (port) => ["héllo", port, HERE], 6);
      await toldBytes(t, (port) => [Buffer.alloc(100), port, HERE], 100);
      await toldBytes(t, (port) => [Buffer.alloc(100), 10, 20, port, HERE], 20);
      await toldBytes(t, (port) => [["ab", "cd"], port, HERE], 4);
      await toldBytes(t, (port) => ["", port, HERE], 0);
      await toldBytes(t, (port) => ["abc", port], 3);
    },
  },
  {
    name: "send() of a connected socket calls back with the bytes",
    async run(t) {
      await toldBytes(t, () => ["héllo"], 6, true);
      await toldBytes(t, () => [Buffer.alloc(100), 10, 20], 20, true);
      await toldBytes(t, () => [["ab", "cd"]], 4, true);
      await toldBytes(t, () => [[]], 0, true);
    },
  },
  {
    name: "send() calls back in a later turn",
    async run(t) {
      const socket = await t.bound();
      let now = true;
      const told = t.told((told) =>
        socket.send("a", socket.address().port, HERE, () => told(now))
      );
      now = false;
      assert.deepEqual(await told, [false]);
    },
  },
  {
    name: "send() binds a socket that is not bound",
    deno: "it sends in the opposite order",
    async run(t) {
      const receiver = await t.bound();
      const socket = t.open();
      const listening = t.once(socket, "listening");
      const texts = t.texts(receiver, 2);
      socket.send("first", receiver.address().port, HERE);
      socket.send("second", receiver.address().port, HERE);
      await listening;
      assert.equal(socket.address().address, "0.0.0.0");
      assert.deepEqual(await texts, ["first", "second"]);
    },
  },
  {
    name: "send() keeps the order of the calls",
    deno: "it sends in the opposite order",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const { port } = receiver.address();
      const expected = Array.from({ length: 100 }, (_, i) => String(i));
      const texts = t.texts(receiver, 100);
      expected.forEach((text, i) =>
        socket.send(text, port, HERE, ...i % 3 ? [] : [() => {}])
      );
      assert.deepEqual(await texts, expected);
    },
  },
  {
    name: "send() can be called from its callback, again and again",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const { port } = receiver.address();
      const texts = t.texts(receiver, 50);
      let left = 50;
      const next = () => {
        if (left-- > 0) socket.send("again", port, HERE, next);
      };
      next();
      assert.equal((await texts).length, 50);
    },
  },
  {
    name: "send() takes a list at once: it can be changed after the call",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const list = ["one", "two"];
      const texts = t.texts(receiver, 1);
      socket.send(list, receiver.address().port, HERE);
      list[0] = "changed";
      list.push("three");
      assert.deepEqual(await texts, ["onetwo"]);
    },
  },
  {
    name: "send() refuses a payload that is none",
    run(t) {
      const socket = t.open();
      refuses(t, socket, [
        [BAD_TYPE],
        ...[null, undefined, 1, true, {}, () => {}, 1n, new ArrayBuffer(1)]
          .map((payload) => [BAD_TYPE, payload, 1000, HERE])
          .filter(([, payload]) => typeof payload !== "bigint"),
        [BAD_TYPE, [1], 1000, HERE],
        [BAD_TYPE, ["a", null], 1000, HERE],
        [BAD_TYPE, ["a"], 0, 1, 1000, HERE],
      ]);
    },
  },
  {
    name: "send() tells what it was given in place of a payload",
    run(t) {
      const socket = t.open();
      const rule =
        'The "buffer" argument must be of type string or an instance of Buffer, TypedArray, or DataView.';
      const cases = [
        [23, "Received type number (23)"],
        [null, "Received null"],
        [undefined, "Received undefined"],
        [{}, "Received an instance of Object"],
        [true, "Received type boolean (true)"],
      ];
      for (const [payload, received] of cases) {
        const { message } = t.thrown(() => socket.send(payload, 1000, HERE));
        assert.equal(message, `${rule} ${received}`);
      }
    },
  },
  {
    name: "send() refuses a port that is none",
    run(t) {
      const socket = t.open();
      refuses(t, socket, [
        [BAD_PORT, "a"],
        ...[0, -1, 65536, 1.5, NaN, Infinity, null, "x", {}, []]
          .map((port) => [BAD_PORT, "a", port, undefined]),
        [BAD_PORT, "abc", 0, 1, "x", HERE],
        [BAD_PORT, "abc", 0, 1, 0, HERE],
      ]);
    },
  },
  {
    name: "send() refuses an address that is no text",
    run(t) {
      const socket = t.open();
      refuses(
        t,
        socket,
        [0, 1, true, false, {}, []].map((
          address,
        ) => [BAD_TYPE, "a", 1000, address]),
      );
    },
  },
  {
    name: "send() refuses a part that is not in the payload",
    run(t) {
      const socket = t.open();
      refuses(t, socket, [
        [BOUNDS, "abc", 4, 0, 1000, HERE],
        [BOUNDS, "abc", 3, 1, 1000, HERE],
        [BOUNDS, "abc", 0, 4, 1000, HERE],
        [BOUNDS, "abc", -1, 1, 1000, HERE],
        [BOUNDS, "abc", 0, -1, 1000, HERE],
      ]);
      const { message } = t.thrown(() => socket.send("abc", 4, 0, 1000, HERE));
      assert.equal(message, '"offset" is outside of buffer bounds');
    },
  },
  {
    name: "sendto() sends, with all arguments",
    async run(t) {
      const receiver = await t.bound();
      const { port } = receiver.address();
      const texts = t.texts(receiver, 1);
      t.open().sendto("abc", 1, 2, port, HERE);
      assert.deepEqual(await texts, ["bc"]);
    },
  },
  {
    name: "sendto() refuses what is of another type",
    run(t) {
      const socket = t.open();
      const cases = [
        ["offset", "a", "0", 1, 1000, HERE],
        ["length", "a", 0, "1", 1000, HERE],
        ["port", "a", 0, 1, "1000", HERE],
        ["address", "a", 0, 1, 1000, 5],
        ["address", "a", 0, 1, 1000],
      ];
      for (const [argument, ...args] of cases) {
        const { code, message } = t.thrown(() => socket.sendto(...args));
        assert.equal(code, "ERR_INVALID_ARG_TYPE");
        assert(message.startsWith(`The "${argument}" argument`), message);
      }
    },
  },
  {
    name: "send() tells its callback of a datagram that is too long",
    async run(t) {
      const socket = await t.bound();
      const [error] = await t.told((told) =>
        socket.send(Buffer.alloc(65536), 1000, HERE, told)
      );
      const { code, syscall, address, port, message } = error;
      assert.deepEqual({ code, syscall, address, port, message }, {
        code: "EMSGSIZE",
        syscall: "send",
        address: HERE,
        port: 1000,
        message: `send EMSGSIZE ${HERE}:1000`,
      });
      assert(error.errno < 0);
    },
  },
  {
    name: "send() tells nobody of an error of the system without a callback",
    deno: "the error is an unhandled rejection",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const { port } = receiver.address();
      socket.on("error", t.never("a listener of error"));
      const texts = t.texts(receiver, 2);
      socket.send("before", port, HERE);
      socket.send(Buffer.alloc(65536), port, HERE);
      socket.send("after", port, HERE);
      assert.deepEqual(await texts, ["before", "after"]);
    },
  },
  {
    name: "send() tells each callback its own outcome",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const { port } = receiver.address();
      const sizes = [10, 65536, 20, 65536, 30];
      const outcomes = await Promise.all(
        sizes.map((size) =>
          t.told((told) => socket.send(Buffer.alloc(size), port, HERE, told))
        ),
      );
      assert.deepEqual(
        outcomes.map(([error, bytes]) => error ? error.code : bytes),
        [10, "EMSGSIZE", 20, "EMSGSIZE", 30],
      );
    },
  },
  {
    name: "send() tells its callback of an address of the other family",
    deno: "it tells another error",
    async run(t) {
      for (const [type, address] of [["udp4", "::1"], ["udp6", HERE]]) {
        const socket = t.open(type);
        const [{ code, message }] = await t.told((told) =>
          socket.send("a", 1000, address, told)
        );
        assert.equal(code, "EINVAL");
        assert.equal(message, `send EINVAL ${address}:1000`);
      }
    },
  },
  {
    name:
      "send() tells its callback of a name that nobody knows, and no listener",
    async run(t) {
      const socket = t.open();
      socket.on("error", t.never("a listener of error"));
      const [{ code, syscall }] = await t.told((told) =>
        socket.send("a", 1000, "no-such-name.invalid", told)
      );
      assert(code === "ENOTFOUND" || code === "EAI_AGAIN", code);
      assert.equal(syscall, "getaddrinfo");
    },
  },
  {
    name: "send() without a callback tells a listener of a name nobody knows",
    async run(t) {
      const socket = t.open();
      const error = t.once(socket, "error");
      socket.send("a", 1000, "no-such-name.invalid");
      const [{ syscall }] = await error;
      assert.equal(syscall, "getaddrinfo");
    },
  },
  {
    name: "send() asks the lookup of the socket",
    async run(t) {
      const asked = [];
      const lookup = (hostname, family, callback) => {
        asked.push([hostname, family]);
        process.nextTick(callback, null, HERE, 4);
      };
      const receiver = await t.bound();
      const socket = await t.bound({ type: "udp4", lookup });
      asked.length = 0;
      const texts = t.texts(receiver, 1);
      socket.send("a", receiver.address().port, "some-name");
      assert.deepEqual(await texts, ["a"]);
      assert.deepEqual(asked, [["some-name", 4]]);
    },
  },
  {
    name: "send() needs setBroadcast() for a broadcast",
    needs: "linux",
    deno: "the error has another code",
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      const send = () =>
        t.told((told) => socket.send("a", 9, "255.255.255.255", told));
      assert.equal((await send())[0].code, "EACCES");
      socket.setBroadcast(true);
      const [error] = await send();
      assert(error === null || error.code === "ENETUNREACH", error?.code);
    },
  },
  {
    name: "getSendQueueSize() and getSendQueueCount() count what has not left",
    deno: "it has neither",
    async run(t) {
      const receiver = await t.bound();
      const socket = t.open();
      const count = () => [
        socket.getSendQueueSize(),
        socket.getSendQueueCount(),
      ];
      assert.deepEqual(count(), [0, 0]);
      const { port } = receiver.address();
      await t.told((told) => socket.connect(port, HERE, told));
      const texts = t.texts(receiver, 2);
      socket.send("hello");
      const told = t.told((told) => socket.send("world", told));
      const [bytes, datagrams] = count();
      // Node may have handed them to the system already.
      assert(bytes <= 10 && datagrams <= 2);
      await told;
      await texts;
      assert.deepEqual(count(), [0, 0]);
    },
  },
  {
    name: "send() to what the sendBlockList has tells the callback",
    node: 24,
    deno: "it has no such option",
    async run(t) {
      const { BlockList } = await import("node:net");
      const sendBlockList = new BlockList();
      sendBlockList.addAddress(HERE);
      const socket = t.open({ type: "udp4", sendBlockList });
      const [{ code }] = await t.told((told) =>
        socket.send("a", 1000, HERE, told)
      );
      assert.equal(code, "ERR_IP_BLOCKED");
    },
  },
  {
    name:
      "what a callback throws is an uncaught exception, and nothing is lost",
    deno: "the exception is an unhandled rejection",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const { port } = receiver.address();
      const uncaught = t.uncaught();
      const texts = t.texts(receiver, 2);
      socket.send("first", port, HERE, () => {
        throw new Error("thrown by a callback");
      });
      const told = t.told((told) => socket.send("second", port, HERE, told));
      assert.equal((await uncaught).message, "thrown by a callback");
      assert.deepEqual(await told, [null, 6]);
      assert.deepEqual(await texts, ["first", "second"]);
    },
  },
  {
    name:
      "send() tells in few words what it was given in place of something else",
    deno: "it cuts a long text elsewhere",
    run(t) {
      const socket = t.open();
      const told = (call) => t.thrown(call).message.split("Received ")[1];
      assert.equal(
        told(() => socket.send(function some() {})),
        "function some",
      );
      assert.equal(
        told(() => socket.send(Object.create(null))),
        "[Object: null prototype] {}",
      );
      const long = "a text that is too much to be told whole";
      assert.equal(
        told(() => socket.sendto("a", long, 1, 1000, HERE)),
        "type string ('a text that is too much t...')",
      );
    },
  },
  {
    name: "what was sent to an address and has not left is dropped by close()",
    async run(t) {
      const receiver = await t.bound();
      const socket = await t.bound();
      const { port } = receiver.address();
      const texts = t.texts(receiver, 1);
      socket.send("dropped", port, HERE, t.never("the callback"));
      await t.told((told) => socket.close(told));
      t.open().send("sent", port, HERE);
      assert.deepEqual(await texts, ["sent"]);
    },
  },
  {
    name: "a datagram to a link-local address arrives, and tells its interface",
    needs: ["linux", "linkLocal"],
    deno: "it does not tell the interface",
    async run(t) {
      const address = t.linkLocal;
      const receiver = await t.bound("udp6", "::");
      const sender = await t.bound("udp6", address);
      const message = t.once(receiver, "message");
      sender.send("near", receiver.address().port, address);
      const [data, rinfo] = await message;
      assert.equal(data.toString(), "near");
      assert.equal(rinfo.address, address);
    },
  },
];
