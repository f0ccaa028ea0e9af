/**
 * A message stays short whatever a program passes by mistake.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect, listen, listenDatagram, RioSession } from "../../mod.ts";
import { openSession, within } from "./harness.ts";

/** Longer than any message of the package, shorter than what is passed. */
const LONG = 600;

const text = "x".repeat(1 << 20);
const bytes = new Uint8Array(1 << 20);
const LARGE: readonly unknown[] = [
  text,
  `${text}%`,
  `fe80::1%${text}`,
  bytes,
  bytes.buffer,
  new DataView(bytes.buffer),
  { text },
  [text],
  new Error(text),
  Symbol(text),
];

type Call = (value: never, session: RioSession) => unknown;

/** Everything that takes something of a program, and refuses what is wrong. */
const CALLS: Readonly<Record<string, Call>> = {
  "listenDatagram({ hostname })": (hostname, session) =>
    listenDatagram({ session, hostname }),
  "listenDatagram({ port })": (port, session) =>
    listenDatagram({ session, port }),
  "listenDatagram({ transport })": (transport, session) =>
    listenDatagram({ session, transport }),
  "listenDatagram({ receives })": (receives, session) =>
    listenDatagram({ session, receives }),
  "listenDatagram({ timeToLive })": (timeToLive, session) =>
    listenDatagram({ session, hostname: "127.0.0.1", timeToLive }),
  "listen({ hostname })": (hostname, session) => listen({ session, hostname }),
  "listen({ port })": (port, session) => listen({ session, port }),
  "listen({ tcpBacklog })": (tcpBacklog, session) =>
    listen({ session, tcpBacklog }),
  "connect({ hostname })": (hostname, session) =>
    connect({ session, hostname, port: 9 }),
  "connect({ port })": (port, session) => connect({ session, port }),
  "connect({ signal })": (signal, session) =>
    connect({ session, port: 9, signal }),
  "connect({ localAddress })": (localAddress, session) =>
    connect({ session, port: 9, localAddress }),
  "RioSession.open({ backend })": (backend) => RioSession.open({ backend }),
  "RioSession.open({ library })": (library) => RioSession.open({ library }),
  "session.registerBuffer()": (source, session) =>
    source as unknown instanceof Uint8Array
      ? undefined
      : session.registerBuffer(source),
  "session.openSocket({ hostname })": (hostname, session) =>
    session.openSocket({ transport: "udp", hostname }),
  "session.openSocket({ transport })": (transport, session) =>
    session.openSocket({ transport }),
  ...ofSocket({
    "conn.send(p)": (conn, p) => conn.send(p, conn.addr),
    "conn.send(, addr)": (conn, addr) => conn.send(new Uint8Array(1), addr),
    "conn.send(, { hostname })": (conn, hostname) =>
      conn.send(new Uint8Array(1), { transport: "udp", hostname, port: 9 }),
    "conn.send(, { port })": (conn, port) =>
      conn.send(new Uint8Array(1), { ...conn.addr, port }),
    "conn.send(, , { segmentSize })": (conn, segmentSize) =>
      conn.send(new Uint8Array(1), conn.addr, { segmentSize }),
    "conn.send(, , { local })": (conn, local) =>
      conn.send(new Uint8Array(1), conn.addr, { local }),
    "conn.sendMany()": (conn, data) =>
      conn.sendMany([{ data, addr: conn.addr }]),
    "conn.sendMany({ hostname })": (conn, hostname) =>
      conn.sendMany([{
        data: new Uint8Array(1),
        addr: { transport: "udp", hostname, port: 9 },
      }]),
    "conn.receive(, { signal })": (conn, signal) =>
      conn.receive(undefined, { signal }),
    "conn.connect({ hostname })": (conn, hostname) =>
      conn.connect({ hostname, port: 9 }),
    "conn.joinMulticastV4()": (conn, address) =>
      conn.joinMulticastV4(address, "0.0.0.0"),
    "conn.joinMulticastV4(, interface)": (conn, networkInterface) =>
      conn.joinMulticastV4("224.0.0.251", networkInterface),
    "conn.joinMulticastV6()": (conn, address) =>
      conn.joinMulticastV6(address, 0),
    "socket.setOption()": (conn, name) => conn.socket.setOption(name, 1),
    "socket.setOption(, value)": (conn, value) =>
      conn.socket.setOption("broadcast", value),
    "socket.send()": (conn, slice) => conn.socket.send(slice),
  }),
};

type OfSocket = (
  conn: ReturnType<typeof listenDatagram>,
  value: never,
) => unknown;

function ofSocket(calls: Record<string, OfSocket>): Record<string, Call> {
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      async (value: never, session: RioSession) => {
        using conn = listenDatagram({ session, hostname: "127.0.0.1" });
        await call(conn, value);
      },
    ]),
  );
}

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test({
    name: `${name} refuses what is large with a short message`,
    // What looks names up stays open once it was.
    sanitizeResources: false,
    async fn() {
      const session = openSession();
      let refused = 0;
      try {
        for (const value of LARGE) {
          try {
            await within(Promise.resolve(call(value as never, session)));
          } catch (error) {
            refused++;
            const { message } = error as Error;
            assert(message.length < LONG, `${message.length} characters`);
          }
        }
      } finally {
        await session.close();
      }
      assert(refused > 0, "something is refused");
      assertEquals(session.stats().sockets, 0);
    },
  });
}
