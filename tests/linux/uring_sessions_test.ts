/** Sessions whose connections the ring serves: when it is entered, and fails. */
import { assert, assertEquals } from "@std/assert";
import { openSession } from "../../ffi/mod.ts";
import {
  listen,
  listenDatagram,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import { FaultyLinux } from "../faults/faulty_linux.ts";
import { runScript } from "../session/child.ts";
import { within } from "../session/harness.ts";
import { skipped } from "../skip.ts";
import { WITHOUT_URING } from "./engine.ts";

/** An error that `io_uring_enter` has where the kernel is out of memory. */
const ENOMEM = 12;

/** A connection of a session, and the kernel below it. */
interface Ends {
  readonly system: FaultyLinux;
  readonly session: RioSession;
  readonly client: RioSocket;
  readonly server: RioSocket;
}

/** States something of a connection over a kernel whose calls a test sees. */
function test(
  name: string,
  body: (ends: Ends) => Promise<void>,
  options: Partial<Deno.TestDefinition> = {},
): void {
  const full = `io_uring: ${name}`;
  Deno.test({
    ...options,
    name: full,
    ignore: skipped(full, WITHOUT_URING),
    async fn() {
      using system = new FaultyLinux(undefined, "io_uring");
      await using session = openSession(system.open());
      using listener = session.openSocket({
        transport: "tcp",
        hostname: "127.0.0.1",
        backlog: 1,
      });
      const accepted = listener.accept();
      const client = session.openSocket({ transport: "tcp" });
      await client.connect(listener.address);
      await body({ system, session, client, server: await accepted });
    },
  });
}

test(
  "deferred requests leave with the commit, all with one call",
  async ({ system, session, client, server }) => {
    const buffer = session.registerBuffer(64);
    const entered = () => system.counts["io_uring_enter"]!;
    const before = entered();
    server.receive(buffer.slice(0, 8), { defer: true });
    client.send(buffer.slice(8, 8), { defer: true });
    // Long enough for whatever would submit them.
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assertEquals(entered(), before);
    server.commit();
    assertEquals(entered(), before + 1);
    client.commit();
    assertEquals(entered(), before + 2);
    await within(server.completions.notify());
    const [received] = server.completions.dequeue();
    assertEquals([received?.status, received?.bytesTransferred], [0, 8]);
    await within(client.completions.notify());
    assertEquals(client.completions.dequeue().length, 1);
  },
);

test(
  "what many connections post in a turn leaves with one call",
  async ({ system, session }) => {
    const buffer = session.registerBuffer(4096);
    using listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 10,
    });
    const ends: RioSocket[] = [];
    const queue = session.createCompletionQueue({ capacity: 256 });
    const options = { receives: 1, sends: 1, completions: queue };
    for (let i = 0; i < 10; i++) {
      const accepted = listener.accept(options);
      const client = session.openSocket({ transport: "tcp", ...options });
      await client.connect(listener.address);
      ends.push(client, await accepted);
    }
    const calls = ["io_uring_enter", "recvmsg", "sendmsg"] as const;
    const made = () => calls.map((call) => system.counts[call] ?? 0);
    const before = made();
    for (const [i, socket] of ends.entries()) {
      socket.receive(buffer.slice(64 * i, 16));
      socket.send(buffer.slice(64 * i + 32, 16));
    }
    let ended = 0;
    while (ended < 40) {
      await within(queue.notify());
      for (const { status } of queue.dequeue()) {
        assertEquals(status, 0);
        ended++;
      }
    }
    const [enters, ...others] = made().map((count, i) => count - before[i]!);
    assertEquals(others, [0, 0]);
    assert(enters! < 10, `${enters} calls for 40 requests`);
    for (const socket of ends) socket.close();
  },
);

test(
  "a sleep that the ring ends does not ask epoll, one that a datagram ends does",
  async ({ system, session }) => {
    const hostname = "127.0.0.1";
    using listener = listen({ session, hostname, port: 0 });
    const { port } = listener.addr;
    using client = await Deno.connect({ hostname, port });
    using server = await listener.accept();
    using datagrams = listenDatagram({ session, hostname });
    const bytes = new Uint8Array(8);
    const wakes = 20;
    const looksFor = async (receive: () => Promise<unknown>) => {
      const before = system.counts["epoll_wait"] ?? 0;
      for (let i = 0; i < wakes; i++) await within(receive());
      return (system.counts["epoll_wait"] ?? 0) - before;
    };
    const later = async (send: () => Promise<unknown>) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      await send();
    };
    const byRing = await looksFor(async () => {
      const read = server.read(bytes);
      await later(() => client.write(bytes));
      assertEquals(await read, bytes.length);
    });
    assert(byRing < wakes / 2, `${byRing} looks for ${wakes} wakes`);
    const byEpoll = await looksFor(async () => {
      const received = datagrams.receive();
      await later(() => datagrams.send(bytes, datagrams.addr));
      await received;
    });
    assert(byEpoll >= wakes, `${byEpoll} looks for ${wakes} wakes`);
  },
);

test(
  "requests end with an error where the ring breaks, and so do later ones",
  async ({ system, session, client, server }) => {
    const buffer = session.registerBuffer(64);
    server.receive(buffer.slice(0, 8));
    await new Promise((resolve) => setTimeout(resolve));
    system.instead["io_uring_enter"] = () => {
      system.setErrno(ENOMEM);
      return -1;
    };
    client.send(buffer.slice(8, 8));
    await within(server.completions.notify());
    const [received] = server.completions.dequeue();
    assert(received!.status !== 0);
    assertEquals(client.completions.dequeue().length, 1);
    server.receive(buffer.slice(0, 8));
    const [later] = server.completions.dequeue();
    assertEquals(later!.status, received!.status);
  },
  // A ring that cannot be drained is kept.
  { sanitizeResources: false },
);

for (const how of ["dispatchEvent(new Event('unload'))", "Deno.exit()"]) {
  const name =
    `io_uring: requests in flight hold nothing up at the end: ${how}`;
  Deno.test({
    name,
    ignore: skipped(name, WITHOUT_URING),
    async fn() {
      const { code, stdout, stderr } = await runScript(
        `
        const session = RioSession.open({ backend: "io_uring" });
        const buffer = session.registerBuffer(64);
        const listener = session.openSocket({
          transport: "tcp", hostname: "127.0.0.1", backlog: 1,
        });
        const accepted = listener.accept();
        const client = session.openSocket({ transport: "tcp" });
        await client.connect(listener.address);
        const server = await accepted;
        server.receive(buffer.slice());
        client.receive(buffer.slice());
        await new Promise((resolve) => setTimeout(resolve, 1));
        console.log(session.stats().outstanding);
        ${how};
        const { outstanding, buffers, abandoned } = session.stats();
        console.log(outstanding, buffers, abandoned);`,
        { flags: ["-A"] },
      );
      const told = how.startsWith("Deno") ? "2\n" : "2\n0 0 0\n";
      assertEquals([code, stdout, stderr], [0, told, ""]);
    },
  });
}
