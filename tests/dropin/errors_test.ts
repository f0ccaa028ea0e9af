/**
 * What programs look for in an error of a socket: its class, its `code`, and in
 * its message the system's words and number.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { RioError } from "../../mod.ts";
import {
  bytes,
  type Net,
  pair,
  statement,
  tcp,
  udp,
  within,
} from "./harness.ts";

/** What something is rejected with, or throws. */
async function errorOf(
  call: () => unknown,
): Promise<Error & { code?: string }> {
  try {
    await within(Promise.resolve(call()));
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown");
}

/** An address that no host has: RFC 5737, RFC 3849. */
const NOWHERE = { "127.0.0.1": "192.0.2.99", "::1": "2001:db8::99" } as const;

interface Case {
  readonly name: string;
  readonly class: new (message: string) => Error;
  readonly code: string;
  /** The system's numbers, on Linux and on Windows. */
  readonly numbers: readonly [linux: number, windows: number];
  /** Fails. */
  fail(net: Net, hostname: string): Promise<unknown>;
  readonly only?: typeof Deno.build.os;
}

const CASES: readonly Case[] = [
  {
    name: "connect() to a port that nobody listens on",
    class: Deno.errors.ConnectionRefused,
    code: "ECONNREFUSED",
    numbers: [111, 10061],
    async fail(net, hostname) {
      const listener = tcp(net, { hostname });
      const { port } = listener.addr as Deno.NetAddr;
      listener.close();
      await within(net.connect({ hostname, port }));
    },
  },
  {
    name: "listen() at an address that is in use",
    class: Deno.errors.AddrInUse,
    code: "EADDRINUSE",
    numbers: [98, 10048],
    async fail(net, hostname) {
      const { port } = tcp(net, { hostname }).addr as Deno.NetAddr;
      await net.listen({ hostname, port });
    },
  },
  {
    name: "listen() at an address of another host",
    class: Deno.errors.AddrNotAvailable,
    code: "EADDRNOTAVAIL",
    numbers: [99, 10049],
    fail: (net, hostname) =>
      Promise.try(() =>
        tcp(net, { hostname: NOWHERE[hostname as keyof typeof NOWHERE] })
      ),
  },
  {
    name: "listenDatagram() at an address that is in use",
    class: Deno.errors.AddrInUse,
    code: "EADDRINUSE",
    numbers: [98, 10048],
    async fail(net, hostname) {
      const { port } = udp(net, { hostname }).addr;
      await udp(net, { hostname, port });
    },
  },
  {
    name: "listenDatagram() at an address of another host",
    class: Deno.errors.AddrNotAvailable,
    code: "EADDRNOTAVAIL",
    numbers: [99, 10049],
    fail: (net, hostname) =>
      Promise.try(() =>
        udp(net, { hostname: NOWHERE[hostname as keyof typeof NOWHERE] })
      ),
  },
  {
    name: "conn.send() of more than a datagram takes",
    class: Error,
    code: "EMSGSIZE",
    numbers: [90, 10040],
    async fail(net, hostname) {
      const conn = udp(net, { hostname });
      await within(conn.send(bytes(70_000), conn.addr));
    },
  },
  {
    name: "conn.send() to port 0",
    class: TypeError,
    code: "EINVAL",
    numbers: [22, 10022],
    only: "linux",
    async fail(net, hostname) {
      const conn = udp(net, { hostname });
      await within(conn.send(bytes(7), { ...conn.addr, port: 0 }));
    },
  },
  {
    name: "conn.write() after conn.closeWrite()",
    class: Deno.build.os === "windows" ? Error : Deno.errors.BrokenPipe,
    code: "EPIPE",
    numbers: [32, 10058],
    async fail(net) {
      const [client] = await pair(net);
      await within(client.closeWrite());
      await within(client.write(bytes(5)));
    },
  },
];

for (const { name, numbers, only, fail, ...expected } of CASES) {
  const skip = only !== undefined && only !== Deno.build.os
    ? `Only ${only} refuses it so`
    : undefined;
  for (const hostname of ["127.0.0.1", "::1"]) {
    // Deno's own sockets fail first, unless they were left out.
    let theirs = "";
    statement(
      `${name} tells the words and the number of the system, ${hostname}`,
      async (net) => {
        const error = await errorOf(() => fail(net, hostname));
        const number = numbers[net.os === "windows" ? 1 : 0];
        assertEquals(error.constructor, expected.class);
        assertEquals(error.code, expected.code);
        assertMatch(
          error.message,
          new RegExp(`^\\S.* \\(os error ${number}\\)`),
        );
        if (net.native) {
          theirs = error.message;
          return;
        }
        assert(error.cause instanceof RioError);
        if (theirs !== "") assertEquals(error.message.split(": ")[0], theirs);
      },
      { skip },
    );
  }
}

statement("a pending receive is interrupted with EINTR", async (net) => {
  const conn = udp(net);
  const error = errorOf(() => conn.receive());
  conn.close();
  const { code, message } = await error;
  assertEquals([code, message], ["EINTR", "operation canceled"]);
});

statement("a pending read is interrupted with EINTR", async (net) => {
  const [client] = await pair(net);
  const error = errorOf(() => client.read(bytes(5)));
  client.close();
  const { code, message } = await error;
  assertEquals([code, message], ["EINTR", "operation canceled"]);
});

statement("a socket that was closed has no code", async (net) => {
  const conn = udp(net);
  conn.close();
  const error = await errorOf(() => conn.receive());
  assertEquals([error.name, error.code], ["BadResource", undefined]);
});
