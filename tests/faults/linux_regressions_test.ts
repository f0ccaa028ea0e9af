/** Failures that were once lost, found by making every call fail. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openSession } from "../../ffi/mod.ts";
import type { RioWaitWay } from "../../ffi/contract.ts";
import { RioError, type RioSession } from "../../mod.ts";
import { FaultyLinux } from "./faulty_linux.ts";
import { within } from "./steps.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const ENOMEM = { name: "ENOMEM", errno: 12 };
const EINTR = { name: "EINTR", errno: 4 };

function linuxTest(
  name: string,
  body: (session: RioSession, system: FaultyLinux) => void | Promise<void>,
  way?: RioWaitWay,
): void {
  Deno.test({
    name: `linux: ${name}`,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      using system = new FaultyLinux(way);
      {
        await using session = openSession(system.open());
        await body(session, system);
      }
      assert(system.met);
      assertEquals(await system.faults(), []);
    },
  });
}

function listen(session: RioSession) {
  return session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 1,
  });
}

function open(session: RioSession) {
  return session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
}

linuxTest(
  "socket.connect() rejects when the kernel cannot watch the socket",
  async (session, system) => {
    using listener = listen(session);
    const client = session.openSocket({ transport: "tcp" });
    system.fail("epoll_ctl", ENOMEM, 1);
    const error = await assertRejects(
      () => within(client.connect(listener.address), "a connection"),
      RioError,
    );
    assertEquals([error.syscall, error.code], ["connect", "WSAENOBUFS"]);
  },
);

linuxTest(
  "socket.connect() rejects when the outcome cannot be read",
  async (session, system) => {
    using listener = listen(session);
    const client = session.openSocket({ transport: "tcp" });
    system.fail("getsockopt", ENOMEM, 1);
    const error = await assertRejects(
      () => within(client.connect(listener.address), "a connection"),
      RioError,
    );
    assertEquals([error.syscall, error.code], ["connect", "WSAENOBUFS"]);
  },
);

linuxTest(
  "socket.connect() goes on when it looked for the outcome too early",
  async (session, system) => {
    using listener = listen(session);
    const client = session.openSocket({ transport: "tcp" });
    const connecting = client.connect(listener.address);
    // What the kernel says of a connection that is still being made.
    system.fail("getpeername", { name: "ENOTCONN", errno: 107 }, 1);
    const buffer = session.registerBuffer(1);
    assertThrows(() => client.receive(buffer.slice()), RioError, "WSAENOTCONN");
    await within(connecting, "a connection");
  },
);

linuxTest(
  "socket.accept() rejects when the kernel cannot watch the listener",
  async (session, system) => {
    using listener = listen(session);
    system.fail("epoll_ctl", ENOMEM, 1);
    const error = await assertRejects(
      () => within(listener.accept(), "a connection"),
      RioError,
    );
    assertEquals([error.syscall, error.code], ["accept", "WSAENOBUFS"]);
  },
);

linuxTest(
  "queue.notify() rejects when the kernel cannot watch a socket, and works the next time",
  async (session, system) => {
    const buffer = session.registerBuffer(64);
    const socket = open(session);
    socket.receive(buffer.slice());
    system.fail("epoll_ctl", ENOMEM, 1);
    const queue = socket.completions;
    const error = await assertRejects(
      () => within(queue.notify(), "a notification"),
      RioError,
    );
    assertEquals([error.syscall, error.code], ["RIONotify", "WSAENOBUFS"]);
    const notified = queue.notify();
    await socket.connect(socket.address);
    socket.send(null);
    assertEquals(await within(notified, "a notification"), true);
  },
);

linuxTest(
  "queue.notify() resolves when a receive posted meanwhile cannot be watched",
  async (session, system) => {
    const buffer = session.registerBuffer(64);
    const socket = open(session);
    const notified = socket.completions.notify();
    system.fail("epoll_ctl", ENOMEM, 1);
    socket.receive(buffer.slice());
    assertEquals(await within(notified, "a notification"), true);
  },
);

linuxTest(
  "a wait ends although the call that ends it was interrupted",
  async (session, system) => {
    const queue = session.createCompletionQueue();
    const sleeps = system.next("poll");
    const notified = queue.notify();
    await within(sleeps, "a sleep");
    system.fail("write", EINTR, 1);
    // Read once the sleep is over.
    const woken = system.next("read");
    queue.close();
    assertEquals(await within(notified, "the end of a wait"), false);
    await within(woken, "the end of the sleep");
  },
  "thread",
);

linuxTest(
  "a wait that could not take its wake-up back does not spin",
  async (session, system) => {
    const buffer = session.registerBuffer(64);
    const first = session.createCompletionQueue();
    const sleeps = system.next("poll");
    const notified = first.notify();
    await within(sleeps, "a sleep");
    system.fail("read", EINTR, 1);
    first.close();
    await within(notified, "the end of a wait");
    const socket = open(session);
    socket.receive(buffer.slice());
    const before = system.counts.poll ?? 0;
    const second = socket.completions.notify();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const polls = (system.counts.poll ?? 0) - before;
    assert(polls <= 2, `${polls} waits ended for nothing`);
    socket.completions.close();
    await within(second, "the end of a wait");
  },
  "thread",
);

linuxTest(
  "session.openSocket() throws when the address of the socket cannot be read",
  (session, system) => {
    system.fail("getsockname", { name: "ENOBUFS", errno: 105 }, 1);
    const error = assertThrows(() => open(session), RioError);
    assertEquals([error.syscall, error.code], ["getsockname", "WSAENOBUFS"]);
  },
);

linuxTest(
  "a send goes on when there was room before it was watched",
  async (session, system) => {
    const buffer = session.registerBuffer(64);
    using listener = listen(session);
    const accepted = listener.accept();
    const client = session.openSocket({ transport: "tcp" });
    await within(client.connect(listener.address), "a connection");
    await within(accepted, "an accepted connection");
    system.fail("sendmsg", { name: "EAGAIN", errno: 11 }, 1);
    client.send(buffer.slice());
    const notified = client.completions.notify();
    assertEquals(await within(notified, "a notification"), true);
    assertEquals(client.completions.dequeue()[0]?.bytesTransferred, 64);
  },
);

for (
  const [name, errno] of Object.entries({
    ENONET: 64,
    ENOPROTOOPT: 92,
    EOPNOTSUPP: 95,
    ENETDOWN: 100,
    ENETUNREACH: 101,
    EHOSTDOWN: 112,
    EHOSTUNREACH: 113,
  })
) {
  linuxTest(
    `socket.accept() goes on when a connection was gone before with ${name}`,
    async (session, system) => {
      using listener = listen(session);
      using client = session.openSocket({ transport: "tcp" });
      await within(client.connect(listener.address), "a connection");
      system.fail("accept4", { name, errno }, 1);
      using _accepted = await within(listener.accept(), "the next connection");
    },
  );
}

linuxTest(
  "socket.accept() resolves when the kernel told of a connection too early",
  async (session, system) => {
    using listener = listen(session);
    // The first finds none, the second is made when the kernel has told of one.
    system.fail("accept4", { name: "EAGAIN", errno: 11 }, 2);
    const accepted = listener.accept();
    await new Promise((resolve) => setImmediate(resolve));
    using client = session.openSocket({ transport: "tcp" });
    await within(client.connect(listener.address), "a connection");
    using _accepted = await within(accepted, "an accepted connection");
  },
);
