/**
 * What is refused after something was closed.
 *
 * @module
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type RioBuffer,
  RioClosedError,
  type RioCompletionQueue,
  type RioListener,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import { openSelf, openUdp, sessionTest } from "./harness.ts";

interface Parts {
  session: RioSession;
  buffer: RioBuffer;
  socket: RioSocket;
  queue: RioCompletionQueue;
}

const AFTER: readonly (readonly [string, (parts: Parts) => unknown])[] = [
  ["socket.send()", ({ socket, buffer }) => socket.send(buffer.slice())],
  ["socket.receive()", ({ socket, buffer }) => socket.receive(buffer.slice())],
];

for (const [name, post] of AFTER) {
  for (const closed of ["socket", "session", "queue"] as const) {
    sessionTest(
      `${name} throws RioClosedError before any native call when the ${closed} was closed`,
      async (open) => {
        using session = open();
        using queue = session.createCompletionQueue();
        using socket = await openSelf(session, { completions: queue });
        using buffer = session.registerBuffer(100);
        const slice = buffer.slice();
        const again = () =>
          post({
            session,
            queue,
            socket,
            buffer: { slice: () => slice } as unknown as RioBuffer,
          });
        await { socket, session, queue }[closed].close();
        const before = session.stats().calls;
        assertThrows(
          again,
          RioClosedError,
          closed === "queue" ? "queue" : "socket",
        );
        assertEquals(session.stats().calls, before);
        assertEquals(session.stats().posted, 0);
      },
    );
  }

  sessionTest(
    `${name} throws RioClosedError before any native call when the buffer was deregistered`,
    async (open) => {
      using session = open();
      using socket = await openSelf(session);
      const buffer = session.registerBuffer(100);
      const slice = buffer.slice();
      buffer.deregister();
      const before = session.stats().calls;
      assertThrows(
        () =>
          name === "socket.send()" ? socket.send(slice) : socket.receive(slice),
        RioClosedError,
        `buffer ${buffer.id} was deregistered`,
      );
      assertEquals(session.stats().calls, before);
    },
  );
}

const CLOSED_SESSION: readonly (readonly [
  string,
  (parts: Parts & { listener: RioListener }) => unknown,
])[] = [
  ["session.registerBuffer()", ({ session }) => session.registerBuffer(10)],
  [
    "session.createCompletionQueue()",
    ({ session }) => session.createCompletionQueue(),
  ],
  ["session.openSocket()", ({ session }) => openUdp(session)],
  ["queue.dequeue()", ({ queue }) => queue.dequeue()],
  ["queue.walk()", ({ queue }) => queue.walk(() => {})],
  ["queue.notify()", ({ queue }) => queue.notify()],
  ["queue.resize()", ({ queue }) => queue.resize(512)],
  ["socket.commit()", ({ socket }) => socket.commit()],
  ["socket.resize()", ({ socket }) => socket.resize({ sends: 1 })],
  [
    "socket.connect()",
    ({ socket }) => socket.connect({ hostname: "127.0.0.1", port: 9 }),
  ],
  ["listener.accept()", ({ listener }) => listener.accept()],
  ["socket.shutdown()", ({ socket }) => socket.shutdown()],
  ["socket.setOption()", ({ socket }) => socket.setOption("broadcast", true)],
  ["socket.getOption()", ({ socket }) => socket.getOption("broadcast")],
  ["buffer.slice()", ({ buffer }) => buffer.slice()],
];

for (const [name, call] of CLOSED_SESSION) {
  sessionTest(
    `${name} throws RioClosedError when the session was closed`,
    async (open) => {
      const session = open();
      const queue = session.createCompletionQueue();
      const socket = openUdp(session, { completions: queue });
      const buffer = session.registerBuffer(10);
      const listener = session.openSocket({
        transport: "tcp",
        hostname: "127.0.0.1",
        backlog: 1,
      });
      session[Symbol.dispose]();
      const before = session.stats().calls;
      const counts = { ...open.fake?.counts };
      await assertRejects(
        async () => await call({ session, queue, socket, buffer, listener }),
        RioClosedError,
      );
      assertEquals(session.stats().calls, before);
      assertEquals({ ...open.fake?.counts }, counts);
    },
  );
}

sessionTest("session stays readable after it was closed", (open) => {
  const session = open();
  const queue = session.createCompletionQueue({ capacity: 7 });
  const buffer = session.registerBuffer(10);
  const socket = openUdp(session, {
    completions: queue,
    receives: 1,
    sends: 1,
  });
  const { address, receives } = socket;
  session[Symbol.dispose]();
  assertEquals(session.backend, open.system === "linux" ? "linux" : "winsock");
  assertEquals([queue.capacity, buffer.byteLength], [7, 10]);
  assertEquals([socket.address, socket.receives], [address, receives]);
  assertEquals([buffer.inFlight, socket.outstanding, queue.reserved], [
    0,
    0,
    0,
  ]);
});
