/** Failures that were once lost, found by making every call fail. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openLibrary, openSession } from "../../ffi/mod.ts";
import {
  connect,
  listen,
  listenDatagram,
  RioError,
  type RioSession,
} from "../../mod.ts";
import type { System } from "./faults.ts";
import { within } from "./steps.ts";
import { makeWindows, provider, SYSTEM } from "./winsock_systems.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (provider !== undefined) openLibrary({ library: provider });

function windowsTest(
  name: string,
  body: (session: RioSession, system: System) => Promise<void>,
): void {
  Deno.test(`${SYSTEM}: ${name}`, async () => {
    using system = makeWindows();
    {
      await using session = openSession(system.open());
      await body(session, system);
    }
    assert(system.met);
    assertEquals(await system.faults(), []);
  });
}

windowsTest(
  "socket.close() closes a socket that closesocket left open",
  (session, system) => {
    const socket = session.openSocket({ transport: "udp" });
    const before = system.counts.closesocket ?? 0;
    system.fail("closesocket", { name: "WSAEINPROGRESS", errno: 10036 }, 1);
    socket.close();
    assertEquals(system.counts.closesocket, before + 2);
    return Promise.resolve();
  },
);

windowsTest(
  "createCompletionQueue() closes its event when the system has no queue",
  (session, system) => {
    const before = system.counts.CloseHandle ?? 0;
    const refused = { name: "WSAENOBUFS", errno: 10055 };
    system.fail("RIOCreateCompletionQueue", refused, 1);
    assertThrows(
      () => session.createCompletionQueue({ notification: "event" }),
      RioError,
    );
    assertEquals(system.counts.CloseHandle, before + 1);
    return Promise.resolve();
  },
);

windowsTest(
  "socket.close() closes a socket that closesocket left open several times",
  (session, system) => {
    const socket = session.openSocket({ transport: "udp" });
    for (const nth of [1, 2, 3, 4, 5]) {
      system.fail("closesocket", { name: "WSAEINTR", errno: 10004 }, nth);
    }
    socket.close();
    assertEquals(system.injection.failures, 5);
    return Promise.resolve();
  },
);

windowsTest(
  "conn.receive() rejects when the system finds the queue corrupt",
  async (session, system) => {
    using conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
    const received = conn.receive();
    const corrupt = { name: "RIO_CORRUPT_CQ", errno: 0xFFFFFFFF };
    system.fail("RIODequeueCompletion", corrupt, 1);
    const error = await assertRejects(
      () => within(received, "a datagram"),
      Error,
      "RIO_CORRUPT_CQ",
    );
    assert(error.cause instanceof RioError);
  },
);

windowsTest(
  "conn.receive() rejects when the queue cannot be armed",
  async (session, system) => {
    using conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
    const received = conn.receive();
    system.fail("RIONotify", { name: "WSAEINVAL", errno: 10022 }, 1);
    await assertRejects(
      () => within(received, "a datagram"),
      Error,
      "RIONotify",
    );
  },
);

Deno.test(`${SYSTEM}: conn.receive() rejects when its session is closed`, async () => {
  using system = makeWindows();
  const session = openSession(system.open());
  using conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
  const rejected = assertRejects(
    () => within(conn.receive(), "a datagram"),
    Deno.errors.BadResource,
  );
  await session.close();
  await rejected;
  assertEquals(await system.faults(), []);
});

windowsTest(
  "conn.sendMany() starts with the next commit what could not be committed",
  async (session, system) => {
    const options = { hostname: "127.0.0.1", port: 0, session };
    using receiver = listenDatagram(options);
    const sender = listenDatagram(options);
    const datagram = { data: new Uint8Array(3), addr: receiver.addr };
    system.fail("RIOSend", { name: "WSAENOBUFS", errno: 10055 }, 1);
    await assertRejects(() => sender.sendMany([datagram]), Error, "RIOSend");
    await within(sender[Symbol.asyncDispose](), "the end of what was sent");
    const [data] = await within(receiver.receive(), "a datagram");
    assertEquals(data.length, 3);
  },
);

windowsTest(
  "conn[Symbol.dispose]() releases everything when what was sent cannot be committed",
  (session, system) => {
    const conn = listenDatagram({ hostname: "127.0.0.1", port: 0, session });
    conn.send(new Uint8Array(3), conn.addr).catch(() => {});
    system.fail("RIOSend", { name: "WSAENOBUFS", errno: 10055 }, 1);
    conn[Symbol.dispose]();
    const { buffers, sockets, completionQueues } = session.stats();
    assertEquals([buffers, sockets, completionQueues], [0, 0, 0]);
    return Promise.resolve();
  },
);

for (const nth of [1, 3]) {
  windowsTest(
    `listenDatagram() leaves nothing when receive ${nth} is refused`,
    (session, system) => {
      system.fail("RIOReceiveEx", { name: "WSAENOBUFS", errno: 10055 }, nth);
      const options = { hostname: "127.0.0.1", port: 0, session };
      assertThrows(() => listenDatagram(options), Error, "RIOReceiveEx");
      const { buffers, sockets, completionQueues } = session.stats();
      assertEquals([buffers, sockets, completionQueues], [0, 0, 0]);
      return Promise.resolve();
    },
  );
}

windowsTest(
  "listenDatagram() leaves nothing when its buffer is refused",
  (session, system) => {
    system.fail("RIORegisterBuffer", { name: "WSAENOBUFS", errno: 10055 }, 1);
    const options = { hostname: "127.0.0.1", port: 0, session };
    assertThrows(() => listenDatagram(options), Error, "RIORegisterBuffer");
    const { buffers, sockets, completionQueues } = session.stats();
    assertEquals([buffers, sockets, completionQueues], [0, 0, 0]);
    return Promise.resolve();
  },
);

windowsTest(
  "conn.send() rejects when its buffer is refused, and the next one sends",
  async (session, system) => {
    using conn = listenDatagram({ hostname: "127.0.0.1", session });
    system.fail("RIORegisterBuffer", { name: "WSAENOBUFS", errno: 10055 }, 1);
    const data = new Uint8Array(1);
    await assertRejects(() => conn.send(data, conn.addr), Error, "10055");
    assertEquals(await conn.send(data, conn.addr), 1);
    assertEquals((await conn.receive())[0], data);
  },
);

windowsTest(
  "listen() leaves nothing when the second queue of connections is refused",
  (session, system) => {
    const refused = { name: "WSAENOBUFS", errno: 10055 };
    system.fail("RIOCreateCompletionQueue", refused, 2);
    const options = { hostname: "127.0.0.1", port: 0, session };
    assertThrows(() => listen(options), Error, "RIOCreateCompletionQueue");
    assertEquals(session.stats().completionQueues, 0);
    return Promise.resolve();
  },
);

/** Both ends of a connection. */
async function connectPair(session: RioSession) {
  const listener = listen({ hostname: "127.0.0.1", port: 0, session });
  const accepted = listener.accept();
  const { hostname, port } = listener.addr;
  const client = await within(
    connect({ hostname, port, session }),
    "a connection",
  );
  return { listener, client, server: await within(accepted, "the other end") };
}

windowsTest(
  "connect() closes its socket when an option of it is refused",
  async (session, system) => {
    using listener = listen({ hostname: "127.0.0.1", port: 0, session });
    const { hostname, port } = listener.addr;
    // The first completes the connection.
    system.fail("setsockopt", { name: "WSAENOPROTOOPT", errno: 10042 }, 2);
    await assertRejects(
      () => within(connect({ hostname, port, noDelay: true, session }), ""),
      Error,
      "setsockopt",
    );
    assertEquals(session.stats().sockets, 1);
  },
);

windowsTest(
  "conn.close() gives up its share of the session when closesocket fails",
  async (session, system) => {
    const { listener, client, server } = await connectPair(session);
    const failure = { name: "WSAENETDOWN", errno: 10050, accept: true };
    system.fail("closesocket", failure, 1);
    assertThrows(() => client.close(), Error, "closesocket");
    server.close();
    listener.close();
    const { sockets, completionQueues, buffers } = session.stats();
    assertEquals([sockets, completionQueues, buffers], [0, 0, 0]);
  },
);

windowsTest(
  "conn.read() rejects with the reason when the system finds the queue corrupt",
  async (session, system) => {
    const { listener, client, server } = await connectPair(session);
    const read = server.read(new Uint8Array(1));
    const corrupt = { name: "RIO_CORRUPT_CQ", errno: 0xFFFFFFFF };
    system.fail("RIODequeueCompletion", corrupt, 1);
    const error = await assertRejects(
      () => within(read, "a read"),
      Error,
      "RIO_CORRUPT_CQ",
    );
    assert(error.cause instanceof RioError);
    for (const one of [client, server, listener]) one.close();
  },
);

windowsTest(
  "queue.notify() goes on with what was armed before a wait failed",
  async (session, system) => {
    using buffer = session.registerBuffer(64);
    using socket = session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
    });
    await socket.connect(socket.address);
    const queue = socket.completions;
    const failure = { name: "ERROR_ABANDONED_WAIT_0", errno: 735 };
    system.fail("GetQueuedCompletionStatusEx", failure, 1);
    await assertRejects(() => within(queue.notify(), "a failure"), RioError);
    const notified = queue.notify();
    socket.send(buffer.slice());
    assertEquals(await within(notified, "a notification"), true);
  },
);

windowsTest(
  "queue.notify() goes on where a wait failed and the event could not be asked",
  async (session, system) => {
    using buffer = session.registerBuffer(64);
    using socket = session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
      notification: "event",
    });
    await socket.connect(socket.address);
    const queue = socket.completions;
    const failure = { name: "WSA_INVALID_HANDLE", errno: 6 };
    system.fail("WaitForMultipleObjects", failure, 1);
    system.fail("WaitForSingleObject", failure, 1);
    await assertRejects(() => within(queue.notify(), "a failure"), RioError);
    const notified = queue.notify();
    socket.send(buffer.slice());
    assertEquals(await within(notified, "a notification"), true);
  },
);
