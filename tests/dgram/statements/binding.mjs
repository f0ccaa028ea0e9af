/** What making and binding a socket does. */
import assert from "node:assert";

export const bindStatements = [
  {
    name: "createSocket() makes a socket of either type, by name or by option",
    run(t) {
      for (const type of ["udp4", "udp6"]) {
        assert.equal(t.open(type).type, type);
        assert.equal(t.open({ type }).type, type);
      }
    },
  },
  {
    name: "createSocket() gives an instance of Socket that emits events",
    run(t) {
      const socket = t.open();
      assert(socket instanceof t.dgram.Socket);
      assert.equal(typeof socket.on, "function");
    },
  },
  {
    name: "createSocket() refuses what is no type",
    run(t) {
      for (
        const type of ["", "udp", "unix_dgram", 4, null, undefined, {}, []]
      ) {
        assert.deepEqual(t.thrown(() => t.dgram.createSocket(type)), {
          name: "TypeError",
          code: "ERR_SOCKET_BAD_TYPE",
          message: "Bad socket type specified. Valid types are: udp4, udp6",
        }, String(type));
      }
    },
  },
  {
    name: "createSocket() refuses a lookup that is no function",
    run(t) {
      for (const lookup of ["", 1, {}, true]) {
        const { name, code } = t.thrown(() => t.open({ type: "udp4", lookup }));
        assert.deepEqual([name, code], ["TypeError", "ERR_INVALID_ARG_TYPE"]);
      }
    },
  },
  {
    name: "createSocket() refuses a size of a buffer that is no size",
    run(t) {
      for (const option of ["recvBufferSize", "sendBufferSize"]) {
        const thrown = (value) =>
          t.thrown(() => t.open({ type: "udp4", [option]: value })).code;
        assert.equal(thrown("10"), "ERR_INVALID_ARG_TYPE");
        assert.equal(thrown(-1), "ERR_OUT_OF_RANGE");
        assert.equal(thrown(1.5), "ERR_OUT_OF_RANGE");
        assert.equal(thrown(2 ** 32), "ERR_OUT_OF_RANGE");
      }
    },
  },
  {
    name: "createSocket() refuses a signal that is none",
    run(t) {
      for (const signal of [{}, "x", 1]) {
        const { code } = t.thrown(() => t.open({ type: "udp4", signal }));
        assert.equal(code, "ERR_INVALID_ARG_TYPE");
      }
    },
  },
  {
    name: "createSocket() takes a listener of messages",
    async run(t) {
      const got = t.told((told) =>
        t.open("udp4", told).bind(0, "127.0.0.1", function () {
          this.send("hello", this.address().port, "127.0.0.1");
        })
      );
      const [data, { size }] = await got;
      assert.equal(data.toString(), "hello");
      assert.equal(size, 5);
    },
  },
  {
    name: "bind() binds to all addresses by default",
    async run(t) {
      const socket = t.open();
      socket.bind();
      await t.once(socket, "listening");
      const { address, family, port } = socket.address();
      assert.deepEqual([address, family], ["0.0.0.0", "IPv4"]);
      assert(port > 0 && port < 65536);
    },
  },
  {
    name: "bind() of an udp6 socket binds to all addresses by default",
    needs: "ipv6",
    async run(t) {
      const socket = t.open("udp6");
      socket.bind();
      await t.once(socket, "listening");
      const { address, family } = socket.address();
      assert.deepEqual([address, family], ["::", "IPv6"]);
    },
  },
  {
    name:
      "bind() takes port, address and callback, each of which can be missing",
    async run(t) {
      const forms = [
        (told) => [told],
        (told) => [0, told],
        (told) => [0, "127.0.0.1", told],
        (told) => [null, told],
        (told) => [undefined, undefined, told],
        (told) => [{ port: 0 }, told],
        (told) => [{ address: "127.0.0.1" }, told],
        (told) => [{ address: "127.0.0.1", port: 0, exclusive: true }, told],
        (told) => [{}, told],
      ];
      for (const form of forms) {
        const socket = t.open();
        await t.told((told) => socket.bind(...form(told)));
        assert(socket.address().port > 0);
      }
    },
  },
  {
    name: "bind() returns the socket and calls back with it as this",
    async run(t) {
      const socket = t.open();
      const self = await t.within(
        new Promise((resolve) => {
          const returned = socket.bind(0, function () {
            resolve(this);
          });
          assert.equal(returned, socket);
        }),
        "a callback",
      );
      assert.equal(self, socket);
    },
  },
  {
    name: "bind() tells in a later turn",
    async run(t) {
      const socket = t.open();
      let now = true;
      const listening = t.told((told) => {
        socket.on("listening", () => told(now));
        socket.bind(0, "127.0.0.1");
      });
      now = false;
      assert.deepEqual(await listening, [false]);
    },
  },
  {
    name: "bind() looks names up",
    async run(t) {
      const socket = t.open();
      socket.bind(0, "localhost");
      await t.once(socket, "listening");
      assert.equal(socket.address().address, "127.0.0.1");
    },
  },
  {
    name: "bind() refuses a socket that is bound, or about to be",
    async run(t) {
      const socket = t.open();
      socket.bind(0, "127.0.0.1");
      const expected = {
        name: "Error",
        code: "ERR_SOCKET_ALREADY_BOUND",
        message: "Socket is already bound",
      };
      assert.deepEqual(t.thrown(() => socket.bind()), expected);
      await t.once(socket, "listening");
      assert.deepEqual(t.thrown(() => socket.bind()), expected);
    },
  },
  {
    name: "bind() refuses a descriptor that is no UDP socket",
    run(t) {
      const { name, code } = t.thrown(() => t.open().bind({ fd: 1 }));
      assert.deepEqual([name, code], ["TypeError", "ERR_INVALID_FD_TYPE"]);
    },
  },
  {
    name: "bind() tells of an address in use, with all that a program may ask",
    async run(t) {
      const { port } = (await t.bound()).address();
      const other = t.open();
      other.bind(port, "127.0.0.1", t.never("the callback"));
      const [error] = await t.once(other, "error");
      assert.equal(error.message, `bind EADDRINUSE 127.0.0.1:${port}`);
      const { code, syscall, address, errno } = error;
      assert.deepEqual({ code, syscall, address, port: error.port }, {
        code: "EADDRINUSE",
        syscall: "bind",
        address: "127.0.0.1",
        port,
      });
      assert(errno < 0);
      assert.equal(error.constructor, Error);
    },
  },
  {
    name: "bind() tells of an address that is not of this host",
    async run(t) {
      const socket = t.open();
      socket.bind(0, "192.0.2.1");
      const [{ code, message }] = await t.once(socket, "error");
      assert.equal(code, "EADDRNOTAVAIL");
      assert.equal(message, "bind EADDRNOTAVAIL 192.0.2.1");
    },
  },
  {
    name: "bind() tells of an address of the other family",
    deno: "it tells EADDRNOTAVAIL, or binds",
    async run(t) {
      for (const [type, address] of [["udp4", "::1"], ["udp6", "127.0.0.1"]]) {
        const socket = t.open(type);
        socket.bind(0, address);
        const [{ code, message }] = await t.once(socket, "error");
        assert.equal(code, "EINVAL");
        assert.equal(message, `bind EINVAL ${address}`);
      }
    },
  },
  {
    name: "bind() tells of a name that nobody knows",
    async run(t) {
      const socket = t.open();
      socket.bind(0, "no-such-name.invalid");
      const [{ code, syscall, hostname }] = await t.once(socket, "error");
      assert(code === "ENOTFOUND" || code === "EAI_AGAIN", code);
      assert.equal(syscall, "getaddrinfo");
      assert.equal(hostname, "no-such-name.invalid");
    },
  },
  {
    name: "bind() can be tried again where it failed, and leaves no listeners",
    async run(t) {
      const { port } = (await t.bound()).address();
      const socket = t.open();
      const count = () =>
        ["error", "listening"].map((event) => socket.listenerCount(event));
      const before = count();
      for (let i = 0; i < 3; i++) {
        socket.bind(port, "127.0.0.1", t.never("the callback"));
        await t.once(socket, "error");
        assert.deepEqual(count(), before);
      }
      await t.told((told) => socket.bind(0, "127.0.0.1", told));
    },
  },
  {
    name: "bind() shares an address where both sockets have reuseAddr",
    needs: "linux",
    async run(t) {
      const options = { type: "udp4", reuseAddr: true };
      const { port } = (await t.bound(options)).address();
      const other = t.open(options);
      other.bind(port, "127.0.0.1");
      await t.once(other, "listening");
      assert.equal(other.address().port, port);
    },
  },
  {
    name: "bind() shares a port where both sockets have reusePort",
    needs: "linux",
    node: 23,
    deno: "it has no such option",
    async run(t) {
      const options = { type: "udp4", reusePort: true };
      const { port } = (await t.bound(options)).address();
      const other = t.open(options);
      other.bind(port, "127.0.0.1");
      await t.once(other, "listening");
      assert.equal(other.address().port, port);
    },
  },
  {
    name: "bind() with ipv6Only leaves the port to a socket of IPv4",
    needs: "ipv6",
    async run(t) {
      const six = await t.bound({ type: "udp6", ipv6Only: true }, "::");
      const { port } = six.address();
      const four = t.open();
      four.bind(port, "0.0.0.0");
      await t.once(four, "listening");
      assert.equal(four.address().port, port);
    },
  },
  {
    name: "bind() asks the lookup of the socket, for addresses as well",
    async run(t) {
      const asked = [];
      const lookup = (hostname, family, callback) => {
        asked.push([hostname, family]);
        process.nextTick(callback, null, "127.0.0.1", 4);
      };
      for (const host of ["some-name", "127.0.0.2"]) {
        const socket = await t.bound({ type: "udp4", lookup }, host);
        assert.equal(socket.address().address, "127.0.0.1");
      }
      assert.deepEqual(asked, [["some-name", 4], ["127.0.0.2", 4]]);
    },
  },
  {
    name: "bind() tells of an error of the lookup",
    async run(t) {
      const failure = new Error("nobody knows");
      const lookup = (_hostname, _family, callback) =>
        process.nextTick(callback, failure);
      const socket = t.open({ type: "udp4", lookup });
      socket.bind(0, "some-name");
      const [error] = await t.once(socket, "error");
      assert.equal(error, failure);
    },
  },
  {
    name: "an error that nobody listens to is an uncaught exception",
    async run(t) {
      const { port } = (await t.bound()).address();
      const uncaught = t.uncaught();
      t.open().bind(port, "127.0.0.1");
      assert.equal((await uncaught).code, "EADDRINUSE");
    },
  },
  {
    name: "a new socket is told of on the channel udp.socket",
    async run(t) {
      const { channel } = await import("node:diagnostics_channel");
      const made = [];
      const hear = ({ socket }) => made.push(socket);
      channel("udp.socket").subscribe(hear);
      const socket = t.open();
      channel("udp.socket").unsubscribe(hear);
      assert.deepEqual(made.map((other) => other === socket), [true]);
    },
  },
];
