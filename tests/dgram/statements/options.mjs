/** What the options of a socket do. */
import assert from "node:assert";

const HERE = "127.0.0.1";
const BAD_SIZE = {
  name: "TypeError",
  code: "ERR_SOCKET_BAD_BUFFER_SIZE",
  message: "Buffer size must be a positive integer",
};

export const optionStatements = [
  {
    name: "what asks the system refuses a socket that is not bound",
    run(t) {
      const socket = t.open();
      const calls = [
        ["getsockname", () => socket.address()],
        ["setBroadcast", () => socket.setBroadcast(true)],
        ["setTTL", () => socket.setTTL(1)],
        ["setMulticastTTL", () => socket.setMulticastTTL(1)],
        ["setMulticastLoopback", () => socket.setMulticastLoopback(true)],
        ["setMulticastInterface", () => socket.setMulticastInterface(HERE)],
      ];
      for (const [syscall, call] of calls) {
        assert.deepEqual(t.thrown(call), {
          name: "Error",
          code: "EBADF",
          message: `${syscall} EBADF`,
        });
      }
    },
  },
  {
    name: "setTTL() takes 1 to 255 hops, and returns them",
    async run(t) {
      const socket = await t.bound();
      for (const ttl of [1, 64, 255]) assert.equal(socket.setTTL(ttl), ttl);
      for (const ttl of [0, -1, 256, 1000]) {
        const { code, message } = t.thrown(() => socket.setTTL(ttl));
        assert.deepEqual([code, message], ["EINVAL", "setTTL EINVAL"]);
      }
      for (const ttl of ["1", null, undefined, {}]) {
        const { name, code } = t.thrown(() => socket.setTTL(ttl));
        assert.deepEqual([name, code], ["TypeError", "ERR_INVALID_ARG_TYPE"]);
      }
    },
  },
  {
    name: "setMulticastTTL() takes 0 to 255 hops, and returns them",
    deno: "it does not take 0",
    async run(t) {
      const socket = await t.bound();
      for (const ttl of [0, 16, 255]) {
        assert.equal(socket.setMulticastTTL(ttl), ttl);
      }
      for (const ttl of [-1, 256, 1000]) {
        const { code, message } = t.thrown(() => socket.setMulticastTTL(ttl));
        assert.deepEqual([code, message], ["EINVAL", "setMulticastTTL EINVAL"]);
      }
      const { name, message } = t.thrown(() => socket.setMulticastTTL("hello"));
      assert.equal(name, "TypeError");
      assert.equal(
        message,
        "The \"ttl\" argument must be of type number. Received type string ('hello')",
      );
    },
  },
  {
    name:
      "setMulticastLoopback() and setBroadcast() take anything as yes or no",
    async run(t) {
      const socket = await t.bound();
      for (const flag of [true, false, 1, 0, 16]) {
        assert.equal(socket.setMulticastLoopback(flag), flag);
        assert.equal(socket.setBroadcast(flag), undefined);
      }
    },
  },
  {
    name: "setRecvBufferSize() and setSendBufferSize() set what is told later",
    async run(t) {
      const socket = await t.bound();
      const factor = process.platform === "linux" ? 2 : 1;
      socket.setRecvBufferSize(10000);
      socket.setSendBufferSize(12000);
      assert.equal(socket.getRecvBufferSize(), 10000 * factor);
      assert.equal(socket.getSendBufferSize(), 12000 * factor);
    },
  },
  {
    name: "recvBufferSize and sendBufferSize are set where it is bound",
    async run(t) {
      const factor = process.platform === "linux" ? 2 : 1;
      const socket = await t.bound({
        type: "udp4",
        recvBufferSize: 10000,
        sendBufferSize: 12000,
      });
      assert.equal(socket.getRecvBufferSize(), 10000 * factor);
      assert.equal(socket.getSendBufferSize(), 12000 * factor);
    },
  },
  {
    name: "sizes of buffers that are none are refused",
    async run(t) {
      const socket = await t.bound();
      for (const size of [-1, 1.5, NaN, Infinity, "10", null, undefined, {}]) {
        assert.deepEqual(
          t.thrown(() => socket.setRecvBufferSize(size)),
          BAD_SIZE,
        );
        assert.deepEqual(
          t.thrown(() => socket.setSendBufferSize(size)),
          BAD_SIZE,
        );
      }
    },
  },
  {
    name: "sizes of buffers that the system cannot have are refused",
    async run(t) {
      const socket = await t.bound();
      const { name, code } = t.thrown(() => socket.setRecvBufferSize(2 ** 31));
      assert.deepEqual([name, code], ["SystemError", "ERR_SOCKET_BUFFER_SIZE"]);
    },
    deno: "it sets another size",
  },
  {
    name: "sizes of buffers of a socket that is not bound tell EBADF",
    run(t) {
      const socket = t.open();
      const calls = [
        ["uv_recv_buffer_size", () => socket.getRecvBufferSize()],
        ["uv_send_buffer_size", () => socket.getSendBufferSize()],
        ["uv_recv_buffer_size", () => socket.setRecvBufferSize(8192)],
        ["uv_send_buffer_size", () => socket.setSendBufferSize(8192)],
      ];
      for (const [syscall, call] of calls) {
        assert.deepEqual(t.thrown(call), {
          name: "SystemError",
          code: "ERR_SOCKET_BUFFER_SIZE",
          message:
            `Could not get or set buffer size: ${syscall} returned EBADF (bad file descriptor)`,
        });
      }
    },
  },
  {
    name: "addMembership() and dropMembership() need a group",
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      for (const method of ["addMembership", "dropMembership"]) {
        assert.deepEqual(t.thrown(() => socket[method]()), {
          name: "TypeError",
          code: "ERR_MISSING_ARGS",
          message: 'The "multicastAddress" argument must be specified',
        });
        const { code } = t.thrown(() => socket[method]("256.256.256.256"));
        assert.equal(code, "EINVAL");
      }
    },
  },
  {
    name: "addMembership() refuses what is no group, and no interface",
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      const thrown = (...args) =>
        t.thrown(() => socket.addMembership(...args)).message;
      assert.equal(thrown("1.2.3.4"), "addMembership EINVAL");
      assert.equal(thrown("224.0.0.114", "no"), "addMembership EINVAL");
    },
  },
  {
    name: "a group is joined and left once",
    deno: "the errors have another code",
    needs: ["linux", "multicast"],
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      assert.equal(socket.addMembership("224.0.0.114"), undefined);
      const { code: twice } = t.thrown(() =>
        socket.addMembership("224.0.0.114")
      );
      assert.equal(twice, "EADDRINUSE");
      assert.equal(socket.dropMembership("224.0.0.114"), undefined);
      const { code: gone } = t.thrown(() =>
        socket.dropMembership("224.0.0.114")
      );
      assert.equal(gone, "EADDRNOTAVAIL");
    },
  },
  {
    name: "a group is joined at the interface of an address",
    needs: "linux",
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      socket.addMembership("224.0.0.114", HERE);
      socket.dropMembership("224.0.0.114", HERE);
    },
  },
  {
    name: "a group of IPv6 is joined at an interface by its name",
    needs: ["linux", "ipv6"],
    async run(t) {
      const socket = await t.bound("udp6", "::");
      socket.addMembership("ff02::114", "::%lo");
      socket.dropMembership("ff02::114", "::%lo");
      const { code } = t.thrown(() => socket.addMembership("ff02::114", "lo"));
      assert.equal(code, "EINVAL");
    },
  },
  {
    name: "addMembership() binds a socket that is not bound",
    needs: ["linux", "multicast"],
    deno: "it tells EBADF",
    run(t) {
      const socket = t.open();
      socket.addMembership("224.0.0.114");
      const { address, port } = socket.address();
      assert.equal(address, "0.0.0.0");
      assert(port > 0);
    },
  },
  {
    name: "what is sent to a group arrives where it was joined",
    needs: "linux",
    async run(t) {
      const receiver = await t.bound(
        { type: "udp4", reuseAddr: true },
        "0.0.0.0",
      );
      receiver.addMembership("224.0.0.114", HERE);
      const sender = await t.bound();
      sender.setMulticastInterface(HERE);
      const texts = t.texts(receiver, 1);
      sender.send("to all", receiver.address().port, "224.0.0.114");
      assert.deepEqual(await texts, ["to all"]);
    },
  },
  {
    name: "setMulticastInterface() takes an address of an interface",
    deno: "the error has another code",
    needs: "linux",
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      socket.setMulticastInterface(HERE);
      socket.setMulticastInterface("0.0.0.0");
      for (const address of [1, null, undefined, {}]) {
        const { name, code } = t.thrown(() =>
          socket.setMulticastInterface(address)
        );
        assert.deepEqual([name, code], ["TypeError", "ERR_INVALID_ARG_TYPE"]);
      }
      for (const address of ["", "no-address", "256.0.0.1"]) {
        const { code } = t.thrown(() => socket.setMulticastInterface(address));
        assert.equal(code, "EINVAL", address);
      }
      const { code } = t.thrown(() =>
        socket.setMulticastInterface("192.0.2.77")
      );
      assert.equal(code, "EADDRNOTAVAIL");
    },
  },
  {
    name:
      "setMulticastInterface() of an udp6 socket takes the interface's name",
    needs: ["linux", "ipv6"],
    async run(t) {
      const socket = await t.bound("udp6", "::");
      socket.setMulticastInterface("::%lo");
      socket.setMulticastInterface("::");
    },
  },
  {
    name: "a group is joined for one source, and left once",
    needs: ["linux", "multicast"],
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      const change = (method) => socket[method](HERE, "232.1.1.1");
      assert.equal(change("addSourceSpecificMembership"), undefined);
      assert.equal(change("dropSourceSpecificMembership"), undefined);
      assert.equal(
        t.thrown(() => change("dropSourceSpecificMembership")).code,
        "EINVAL",
      );
    },
  },
  {
    name: "what another source sends to a group does not arrive",
    needs: "linux",
    async run(t) {
      const receiver = await t.bound(
        { type: "udp4", reuseAddr: true },
        "0.0.0.0",
      );
      receiver.addSourceSpecificMembership("127.0.0.2", "232.1.1.1", HERE);
      const { port } = receiver.address();
      const open = async (address) => {
        const sender = await t.bound("udp4", address);
        sender.setMulticastInterface(HERE);
        return (text) =>
          t.told((told) => sender.send(text, port, "232.1.1.1", told));
      };
      const [other, source] = [
        await open("127.0.0.3"),
        await open("127.0.0.2"),
      ];
      const texts = t.texts(receiver, 1);
      await other("from another");
      await source("from the source");
      assert.deepEqual(await texts, ["from the source"]);
    },
  },
  {
    name: "a group for one source needs two addresses",
    async run(t) {
      const socket = await t.bound("udp4", "0.0.0.0");
      for (const which of ["add", "drop"]) {
        const change = (...args) =>
          t.thrown(() => socket[`${which}SourceSpecificMembership`](...args));
        assert.equal(change(1, "232.1.1.1").code, "ERR_INVALID_ARG_TYPE");
        assert.equal(change(HERE, 1).code, "ERR_INVALID_ARG_TYPE");
        const { code, message } = change("no", "232.1.1.1");
        assert.equal(code, "EINVAL");
        assert.equal(message, `${which}SourceSpecificMembership EINVAL`);
      }
    },
  },
  {
    name: "bind() refuses a socket that addMembership() has bound",
    needs: ["linux", "multicast"],
    deno: "addMembership() does not bind",
    async run(t) {
      const socket = t.open();
      socket.addMembership("224.0.0.114");
      socket.bind(0, HERE);
      const [{ code }] = await t.once(socket, "error");
      assert.equal(code, "EINVAL");
    },
  },
  {
    name: "ref() and unref() of a bound socket return it",
    async run(t) {
      const socket = await t.bound();
      assert.equal(socket.unref(), socket);
      assert.equal(socket.ref(), socket);
    },
  },
  {
    name: "a group is joined at an interface by its index",
    needs: ["linux", "ipv6"],
    async run(t) {
      const socket = await t.bound("udp6", "::");
      socket.addMembership("ff02::115", "::%1");
      const { code } = t.thrown(() =>
        socket.addSourceSpecificMembership("127.0.0.1", "ff3e::1")
      );
      assert.equal(code, "EINVAL");
    },
  },
];
