/** Faults that hostile arguments have found. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  listen,
  listenDatagram,
  RioClosedError,
  RioSlice,
} from "../../mod.ts";
import {
  collect,
  openSelf,
  openUdp,
  sessionTest,
  within,
} from "../session/harness.ts";

for (const name of ["context", "remote", "defer", "flags"]) {
  sessionTest(
    `socket.receive() posts nothing when the getter of ${name} throws`,
    (open) => {
      using session = open();
      using buffer = session.registerBuffer(64);
      using socket = openUdp(session);
      const thrown = new Error("from a getter");
      const options = Object.defineProperty({}, name, {
        get: () => {
          throw thrown;
        },
      });
      assertThrows(
        () => socket.receive(buffer.slice(), options),
        Error,
        "getter",
      );
      assertEquals(session.stats().calls.RIOReceive, 0);
      assertEquals([buffer.inFlight, socket.outstanding], [0, 0]);
    },
  );
}

sessionTest(
  "socket.send() throws RioClosedError when a getter of its options closes the socket",
  (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = openUdp(session);
    const options = {
      get defer() {
        socket.close();
        return false;
      },
    };
    const slice = buffer.slice();
    assertThrows(() => socket.send(slice, options), RioClosedError);
    assertEquals(session.stats().calls.RIOSend, 0);
  },
);

sessionTest(
  "socket.send() throws RioClosedError when a getter of its options disposes the buffer",
  (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = openUdp(session);
    const options = {
      get context() {
        buffer[Symbol.dispose]();
        return 1;
      },
    };
    const slice = buffer.slice();
    assertThrows(() => socket.send(slice, options), RioClosedError);
    assertEquals(session.stats().calls.RIOSend, 0);
  },
);

sessionTest(
  "socket.receive() uses the slice that it has checked",
  async (open) => {
    using session = open();
    using other = open();
    using buffer = session.registerBuffer(128);
    using foreign = other.registerBuffer(64);
    using socket = await openSelf(session);
    let reads = 0;
    const options = {
      get remote() {
        return reads++ === 0 ? buffer.slice(64, 28) : foreign.slice();
      },
    };
    socket.receive(buffer.slice(0, 8), options);
    socket.send(buffer.slice(32, 8));
    await collect(socket.completions, 2);
    assertEquals(reads, 1);
    const { port } = socket.readAddress(buffer.slice(64, 28));
    assertEquals(port, socket.address.port);
  },
);

sessionTest("socket.receive() refuses what only looks like a slice", (open) => {
  using session = open();
  using buffer = session.registerBuffer(64);
  using socket = openUdp(session);
  const slice = buffer.slice();
  const forged = [
    new Proxy(slice, {}),
    Object.create(RioSlice.prototype, {
      buffer: { value: buffer },
      bufferId: { value: buffer.id },
      offset: { get: () => 0 },
      length: { get: () => 1 << 20 },
    }),
    { ...slice },
  ];
  for (const slice of forged) {
    assertThrows(() => socket.receive(slice), TypeError, "RioSlice");
  }
  assertEquals(session.stats().calls.RIOReceive, 0);
});

sessionTest(
  "session.openSocket() leaves nothing when a getter of its options closes the session",
  (open) => {
    for (const name of ["ipv6Only", "reuseAddress", "completions", "sends"]) {
      using session = open();
      const options = Object.defineProperty(
        { transport: "udp", hostname: "127.0.0.1" } as const,
        name,
        {
          get: () => session[Symbol.dispose](),
          enumerable: true,
        },
      );
      assertThrows(() => session.openSocket(options), RioClosedError);
    }
  },
);

sessionTest(
  "socket.setRawOption() throws before any native call for what is no bytes",
  (open) => {
    using session = open();
    using socket = openUdp(session);
    const { setsockopt } = open.fake?.counts ?? {};
    for (const value of [2 ** 31, "1", null, new ArrayBuffer(4)]) {
      assertThrows(
        () => socket.setRawOption([0, 4], value as unknown as Uint8Array),
        TypeError,
      );
    }
    const bytes = new Uint8Array(4);
    assertThrows(() => socket.setRawOption([-1, 4], bytes), RangeError);
    assertThrows(() => socket.setRawOption([0, 0.5], bytes), RangeError);
    assertEquals(open.fake?.counts.setsockopt, setsockopt);
  },
);

sessionTest(
  "batch[Symbol.dispose]() does nothing after the session was closed",
  async (open) => {
    const session = open();
    const conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
    await conn.send(new Uint8Array(3), conn.addr);
    const batch = await conn.receiveMany();
    await session.close();
    batch[Symbol.dispose]();
    conn[Symbol.dispose]();
  },
);

sessionTest(
  "conn.write() of what only looks like an array harms no other write",
  async (open) => {
    using session = open();
    using listener = listen({ hostname: "127.0.0.1", port: 0, session });
    const accepted = listener.accept();
    const { hostname, port } = listener.addr;
    using client = await within(connect({ hostname, port, session }));
    using server = await within(accepted);
    const lying = Object.defineProperty(new Uint8Array(4), "length", {
      get: () => {
        throw new Error("from a getter");
      },
    });
    const writes = [
      client.write(new Uint8Array(3)),
      assertRejects(() => client.write(new Proxy(new Uint8Array(4), {}))),
      // Nobody asks for that length.
      client.write(lying),
      client.write(new Uint8Array(5)),
    ];
    const bytes = new Uint8Array(64);
    for (let received = 0; received < 12;) {
      received += await within(server.read(bytes)) ?? 12;
    }
    assertEquals((await within(Promise.all(writes))).at(-1), 5);
  },
);

sessionTest(
  "session.registerBuffer() refuses an array that lies about its bytes",
  (open) => {
    using session = open();
    class Liar extends Uint8Array {
      override get byteLength() {
        return 1 << 20;
      }
    }
    assertThrows(() => session.registerBuffer(new Liar(8)), TypeError);
    const lying = new Uint8Array(new ArrayBuffer(64), 32, 8);
    Object.defineProperty(lying, "byteOffset", { value: 60 });
    assertThrows(() => session.registerBuffer(lying), TypeError);
    using _honest = session.registerBuffer(
      new (class extends Uint8Array {})(8),
    );
    const proxy = new Proxy(new Uint8Array(8), {});
    assertThrows(() => session.registerBuffer(proxy), TypeError);
  },
);
