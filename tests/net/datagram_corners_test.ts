/** Datagram sockets where little traffic comes to: full, closing, failing. */
import { assertEquals, assertRejects } from "@std/assert";
import { type RioBackend, WSAENOBUFS } from "../../ffi/mod.ts";
import {
  listenDatagram,
  type RioDatagramConn,
  type RioError,
  type RioSession,
} from "../../mod.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import type { FaultyLinux } from "../faults/faulty_linux.ts";
import { type Open, sessionTest, within } from "../session/harness.ts";

const only = ["fake"] as const;

/** Opens a socket that sends one datagram at a time. */
function openOne(session: RioSession) {
  return listenDatagram({ session, hostname: "127.0.0.1", sends: 1 });
}

/** Sends twice, so that the second datagram has to wait for the first one. */
function sendTwice(open: Open, conn: RioDatagramConn) {
  open.fake!.hold();
  const first = conn.send(new Uint8Array([1]), conn.addr);
  const second = conn.send(new Uint8Array([2]), conn.addr);
  return [first, second] as const;
}

sessionTest(
  "conn.send() waits while every slot is taken, and sends in order",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const sent = Promise.all(sendTwice(open, conn));
    open.fake!.resume();
    assertEquals(await within(sent), [1, 1]);
    for (const byte of [1, 2]) {
      const [data] = await within(conn.receive());
      assertEquals([...data], [byte]);
    }
  },
  { only },
);

sessionTest(
  "conn.close() leaves a send alone that the system has done",
  async (open) => {
    using session = open();
    const conn = openOne(session);
    using receiver = openOne(session);
    open.fake!.hold();
    const sent = conn.send(new Uint8Array([1]), receiver.addr);
    // It is committed a few microtasks later.
    await new Promise((resolve) => setTimeout(resolve, 5));
    open.fake!.resume();
    open.fake!.pump();
    conn.close();
    assertEquals(await within(sent), 1);
    assertEquals((await within(receiver.receive()))[0].length, 1);
  },
  { only },
);

sessionTest(
  "conn.send() that waited for a slot rejects when its array was transferred, and leaves the slot to others",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const [first, second] = sendTwice(open, conn);
    const data = new Uint8Array([3]);
    const third = conn.send(data, conn.addr);
    const fourth = conn.send(new Uint8Array([4]), conn.addr);
    data.buffer.transfer();
    const refused = assertRejects(
      () => within(third),
      TypeError,
      "the array was transferred",
    );
    open.fake!.resume();
    assertEquals(await within(Promise.all([first, second, fourth])), [1, 1, 1]);
    await refused;
    for (const byte of [1, 2, 4]) {
      const [data] = await within(conn.receive());
      assertEquals([...data], [byte]);
    }
  },
  { only },
);

sessionTest(
  "conn.send() that waited for a slot rejects when it cannot be posted, and leaves the slot to others",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const [first, second] = sendTwice(open, conn);
    const third = conn.send(new Uint8Array([3]), conn.addr);
    open.fake!.fail("RIOSendEx", 10055);
    const refused = assertRejects(() => within(second), Error, "10055");
    open.fake!.resume();
    assertEquals(await within(Promise.all([first, third])), [1, 1]);
    await refused;
    for (const byte of [1, 3]) {
      const [data] = await within(conn.receive());
      assertEquals([...data], [byte]);
    }
  },
  { only },
);

sessionTest(
  "conn.sendMany() waits while every slot is taken, and sends in order",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const bytes = [1, 2, 3];
    const sent = conn.sendMany(
      bytes.map((byte) => ({ data: new Uint8Array([byte]), addr: conn.addr })),
    );
    assertEquals(await within(sent), 3);
    for (const byte of bytes) {
      const [data] = await within(conn.receive());
      assertEquals([...data], [byte]);
    }
  },
  { only },
);

sessionTest(
  "conn.disconnect() waits until all that was sent before has left, not the first of it",
  async (open) => {
    using session = open();
    using receiver = listenDatagram({ session, hostname: "127.0.0.1" });
    using conn = openOne(session);
    await conn.connect(receiver.addr);
    open.fake!.hold();
    // The second has to wait for the first one.
    const sent = [1, 2].map((size) => conn.send(new Uint8Array(size)));
    const disconnected = conn.disconnect();
    await new Promise((resolve) => setTimeout(resolve, 5));
    open.fake!.resume();
    await within(disconnected);
    assertEquals(conn.socket.outstandingSends, 0);
    assertEquals(await Promise.all(sent), [1, 2]);
    for (const size of [1, 2]) {
      assertEquals((await within(receiver.receive()))[0].length, size);
    }
    await assertRejects(() => conn.send(new Uint8Array(1)), TypeError);
  },
  { only },
);

sessionTest(
  "conn.close() ends sends that wait for a slot",
  async (open) => {
    using session = open();
    const conn = openOne(session);
    const waiting = sendTwice(open, conn).map((sent) =>
      assertRejects(() => within(sent), Deno.errors.Interrupted)
    );
    await new Promise((resolve) => setTimeout(resolve));
    conn.close();
    await Promise.all(waiting);
    open.fake!.resume();
  },
  { only },
);

sessionTest(
  "a socket that is disposed asynchronously sends what waits for a slot",
  async (open) => {
    using session = open();
    using receiver = listenDatagram({ session, hostname: "127.0.0.1" });
    const conn = openOne(session);
    open.fake!.hold();
    const sent = [1, 2].map((byte) =>
      conn.send(new Uint8Array([byte]), receiver.addr)
    );
    const disposed = conn[Symbol.asyncDispose]();
    open.fake!.resume();
    assertEquals(await within(Promise.all(sent)), [1, 1]);
    await within(disposed);
    for (const byte of [1, 2]) {
      const [data] = await within(receiver.receive());
      assertEquals([...data], [byte]);
    }
  },
  { only },
);

sessionTest(
  "conn.ref() and conn.unref() change a receive that waits",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const received = conn.receive();
    conn.unref();
    conn.unref();
    conn.ref();
    conn.ref();
    conn.unref();
    await conn.send(new Uint8Array([7]), conn.addr);
    assertEquals([...(await within(received))[0]], [7]);
  },
);

sessionTest(
  "a socket's iterator throws when its completion queue is corrupt",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    open.fake!.corrupt();
    await assertRejects(() => within(conn[Symbol.asyncIterator]().next()));
  },
  { only, abandons: true },
);

for (const hostname of ["127.0.0.1", "::"]) {
  sessionTest(
    `conn.send() from ${hostname} rejects where there is no such name`,
    async (open) => {
      using session = open();
      using conn = listenDatagram({ session, hostname });
      // Too long for the name system: nobody is asked.
      const name = "x".repeat(64);
      const error = await assertRejects(() =>
        within(conn.send(new Uint8Array(1), { ...conn.addr, hostname: name }))
      ) as Error;
      const { code } = error.cause as RioError;
      assertEquals([error.name, code], ["Error", "WSAHOST_NOT_FOUND"]);
    },
  );
}

sessionTest(
  "conn.send() to thousands of hosts keeps few of them ready",
  async (open) => {
    using session = open();
    using receiver = listenDatagram({ session, hostname: "127.0.0.1" });
    using conn = listenDatagram({ session, hostname: "0.0.0.0" });
    const { port } = receiver.addr;
    for (let i = 0; i < 1100; i++) {
      const hostname = `127.1.${i >> 8}.${i & 255}`;
      await conn.send(new Uint8Array(1), { transport: "udp", hostname, port });
    }
    await conn.send(new Uint8Array([9]), receiver.addr);
    assertEquals([...(await within(receiver.receive()))[0]], [9]);
  },
  { only: ["linux"] },
);

sessionTest(
  "a signal holds nothing of a receive that it did not end",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...given: [never, never]) => {
      listeners++;
      addEventListener.apply(signal, given);
    };
    signal.removeEventListener = (...given: [never, never]) => {
      listeners--;
      removeEventListener.apply(signal, given);
    };
    for (
      const receive of [
        () => conn.receive(new Uint8Array(8), { signal }),
        () => conn.receive(undefined, { signal }),
        async () => (await conn.receiveMany({ signal }))[Symbol.dispose](),
      ]
    ) {
      const received: Promise<unknown> = receive();
      assertEquals(listeners, 1);
      await conn.send(new Uint8Array([7]), conn.addr);
      await within(received);
      assertEquals(listeners, 0);
    }
  },
);

sessionTest(
  "a signal that is none leaves no call behind that would take a datagram",
  async (open) => {
    using session = open();
    using conn = openOne(session);
    const deaf = new AbortController().signal;
    deaf.addEventListener = () => {
      throw new Error("deaf");
    };
    for (const signal of [{}, "no", { throwIfAborted() {} }, deaf]) {
      const options = { signal: signal as AbortSignal };
      const message = signal === deaf ? "deaf" : "Invalid signal";
      await assertRejects(
        () => conn.receive(undefined, options),
        Error,
        message,
      );
      await assertRejects(() => conn.receiveMany(options), Error, message);
    }
    for (const signal of [null, undefined]) {
      const options = { signal: signal as unknown as AbortSignal };
      const received = conn.receive(undefined, options);
      await conn.send(new Uint8Array([7]), conn.addr);
      assertEquals([...(await within(received))[0]], [7]);
    }
  },
);

/** States something about a socket on a kernel that fails as the test asks. */
function cornerTest(
  name: string,
  body: (
    conn: RioDatagramConn,
    system: FaultyLinux,
    backend: RioBackend,
  ) => Promise<void>,
): void {
  faultyTest(name, async ({ system, backend, session }) => {
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    await body(conn, system, backend);
  });
}

/** There is no memory for what was asked. */
const NO_MEMORY = { name: "ENOMEM", errno: 12 };

cornerTest(
  "conn.receive() rejects when the system has no memory, and the next one receives",
  async (conn, system) => {
    const failed = assertRejects(() => within(conn.receive()), Error, "10055");
    system.fail("recvfrom", NO_MEMORY, 1);
    await conn.send(new Uint8Array([3]), conn.addr);
    await failed;
    assertEquals([...(await within(conn.receive()))[0]], [3]);
  },
);

cornerTest(
  "conn.receive() goes on when a peer cannot be reached",
  async (conn, system) => {
    const received = conn.receive();
    system.fail("recvfrom", { name: "EHOSTUNREACH", errno: 113 }, 1);
    await conn.send(new Uint8Array([3]), conn.addr);
    assertEquals([...(await within(received))[0]], [3]);
    assertEquals(system.met, true);
  },
);

cornerTest(
  "conn.receiveMany() rejects for all when a receive cannot be posted again",
  async (conn, system, backend) => {
    // So many that slots are needed, and waited for.
    for (let i = 0; i < 10; i++) {
      await conn.send(new Uint8Array([i]), conn.addr);
    }
    for (let taken = 0; taken < 10;) {
      using batch = await within(conn.receiveMany());
      taken += batch.length;
    }
    const failed = [1, 2].map(() =>
      assertRejects(() => within(conn.receiveMany()), Error, "10055")
    );
    backend.rings.receiveEx = () => WSAENOBUFS;
    system.fail("recvmmsg", NO_MEMORY, 1);
    await conn.send(new Uint8Array([3]), conn.addr);
    await Promise.all(failed);
  },
);
