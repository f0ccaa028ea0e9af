/**
 * What happens to which system calls, and in which use of the package.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, listen, listenDatagram } from "../../../mod.ts";
import type { Call, Way } from "../faults.ts";
import { linuxCalls } from "../linux_calls.ts";
import { type Scenario, scenarios } from "../scenarios.ts";
import { arrive, connectedPair, within } from "../steps.ts";
import type { Tampering } from "./tampering.ts";

/** One use of the package, with calls that are tampered with. */
export interface Case {
  readonly name: string;
  readonly scenario: Scenario;
  readonly tampering: Tampering;
  /** What an error may say; `null` if there is to be none. */
  readonly expected: { call: Call; way: Way; name: string } | null;
}

/**
 * The system call of each function of the C library that is made to fail.
 *
 * Not those that Deno's event loop and V8 make on the same thread: `read`,
 * `write`, `close`, `mmap`, `munmap`, `fcntl`, `epoll_wait`.
 */
const SYSTEM_CALLS: Readonly<Record<string, string>> = {
  socket: "socket",
  bind: "bind",
  listen: "listen",
  connect: "connect",
  accept4: "accept4",
  shutdown: "shutdown",
  getsockname: "getsockname",
  getpeername: "getpeername",
  setsockopt: "setsockopt",
  getsockopt: "getsockopt",
  recvmmsg: "recvmmsg",
  sendmmsg: "sendmmsg",
  recvmsg: "recvmsg",
  sendmsg: "sendmsg",
  recv: "recvfrom",
  recvfrom: "recvfrom",
  send: "sendto",
  sendto: "sendto",
  eventfd: "eventfd2",
  epoll_create1: "epoll_create1",
  io_uring_setup: "io_uring_setup",
  io_uring_register: "io_uring_register",
  io_uring_enter: "io_uring_enter",
  io_setup: "io_setup",
  io_submit: "io_submit",
};

const DELAYED = Object.values(SYSTEM_CALLS).concat("epoll_ctl", "epoll_wait");

/** All cases of a scenario, of which the calls are known. */
export function* casesOf(
  scenario: Scenario,
  counts: Readonly<Record<string, number>>,
): Generator<Case> {
  for (const [name, systemCall] of Object.entries(SYSTEM_CALLS)) {
    if (!counts[name]) continue;
    // Two functions with one system call: which one it is, is not known.
    const names = Object.keys(SYSTEM_CALLS)
      .filter((one) => SYSTEM_CALLS[one] === systemCall && counts[one]);
    if (names[0] !== name) continue;
    const calls = names.map((one) => linuxCalls[one]!);
    const call: Call = {
      named: calls.flatMap(({ named }) => named),
      ways: calls[0]!.ways,
    };
    for (const way of call.ways) {
      if (way.accept || way.short) continue;
      const absorbed = way.absorbed ||
        names.some((one) => scenario.absorbs?.includes(one)) || false;
      yield {
        name: `${scenario.name}, ${systemCall}, ${way.name}`,
        scenario,
        tampering: {
          calls: [systemCall],
          how: `error=${way.name}`,
          when: "1",
        },
        expected: { name, call, way: { ...way, absorbed } },
      };
    }
  }
  yield {
    name: `${scenario.name}, all calls late`,
    scenario,
    tampering: { calls: DELAYED, how: "delay_exit=300", when: "1+2" },
    expected: null,
  };
  for (const name of ["io_submit", "io_uring_enter"] as const) {
    if (!counts[name]) continue;
    yield {
      name: `${scenario.name}, ${name} does nothing`,
      scenario,
      tampering: { calls: [name], how: "retval=0", when: "4" },
      expected: null,
    };
  }
}

/** The kernel says that it took one, and takes none: what is left has to come. */
const SHORT: readonly (Scenario & { call: string })[] = [
  {
    call: "sendto",
    name: "a write of which one byte leaves",
    async run(session) {
      using listener = listen({ hostname: "127.0.0.1", port: 0, session });
      const accepted = listener.accept();
      using client = await connect({
        session,
        hostname: "127.0.0.1",
        port: listener.addr.port,
      });
      using server = await accepted;
      const data = new Uint8Array([1, 2, 3, 4, 5]);
      assertEquals(await within(client.write(data), "a write"), 5);
      const bytes = new Uint8Array(8);
      const count = await within(server.read(bytes), "a read");
      assertEquals([...bytes.subarray(0, count ?? 0)], [2, 3, 4, 5]);
    },
  },
  {
    call: "sendmsg",
    name: "a request of which one byte leaves",
    async run(session) {
      using buffer = session.registerBuffer(64);
      const [client, server] = await connectedPair(session);
      using _client = client;
      using _server = server;
      const data = buffer.slice(0, 5);
      data.bytes.set([1, 2, 3, 4, 5]);
      client.send(data);
      const [sent] = await arrive(client.completions, 1);
      assertEquals(sent?.bytesTransferred, 5);
      const into = buffer.slice(32, 4);
      server.receive(into, { waitAll: true });
      await arrive(server.completions, 1);
      assertEquals([...into.bytes], [2, 3, 4, 5]);
    },
  },
  {
    call: "sendmmsg",
    name: "datagrams of which one leaves",
    async run(session) {
      using conn = listenDatagram({ session, hostname: "127.0.0.1" });
      const datagrams = [1, 2, 3]
        .map((byte) => ({ data: new Uint8Array([byte]), addr: conn.addr }));
      assertEquals(await within(conn.sendMany(datagrams), "sends"), 3);
      for (const byte of [2, 3]) {
        const [data] = await within(conn.receive(), "a datagram");
        assertEquals([...data], [byte]);
      }
    },
  },
];

/** The cases in which the kernel does less than it was asked for. */
export function* shortCases(): Generator<Case> {
  for (const scenario of SHORT) {
    yield {
      name: scenario.name,
      scenario,
      tampering: { calls: [scenario.call], how: "retval=1", when: "1" },
      expected: null,
    };
  }
}

/** The scenarios in which calls are tampered with. */
export const tampered: readonly Scenario[] = scenarios
  .filter(({ brief }) => !brief);
