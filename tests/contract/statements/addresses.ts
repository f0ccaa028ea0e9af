/** Names of sockets, address slices, dual-stack sockets, options. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { readAddress } from "../../../ffi/address.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_BROADCAST,
  SO_TYPE,
  SOL_SOCKET,
} from "../../../ffi/constants.ts";
import {
  WSAEADDRINUSE,
  WSAEADDRNOTAVAIL,
  WSAENOTCONN,
  WSAENOTSOCK,
} from "../../../ffi/error_numbers.ts";
import { FAMILIES, type Family, IPV4, IPV6 } from "../families.ts";
import type { Endpoint, Harness, Statement } from "../harness.ts";

const GUARD = 0xA5;

/** Every statement about addresses and options. */
export const addresses: readonly Statement[] = [
  ...FAMILIES.flatMap(statementsFor),
  {
    name: "bind fails with 10049 for an address of another host",
    misuse: true,
    run(t) {
      const socket = t.udpSocket();
      assertEquals(
        t.rio.sockets.bind(socket, t.address("192.0.2.1", 0)),
        WSAEADDRNOTAVAIL,
      );
    },
  },
  {
    name: "bind succeeds after a bind that failed",
    misuse: true,
    run(t) {
      const socket = t.udpSocket();
      assertNotEquals(t.rio.sockets.bind(socket, t.address("192.0.2.1", 0)), 0);
      t.bindLoopback(socket);
      assert(t.portOf(socket) > 0);
    },
  },
  {
    name: "a closed socket answers 10038 to every call",
    misuse: true,
    run(t) {
      const socket = t.udpSocket();
      t.bindLoopback(socket);
      t.done(t.rio.sockets.close(socket), "closesocket");
      const bytes = new Uint8Array(28);
      const address = t.address("127.0.0.1", 9);
      const value = new Uint8Array(4);
      const { rio } = t;
      assertEquals({
        bind: rio.sockets.bind(socket, address),
        listen: rio.sockets.listen(socket, 1),
        localAddress: rio.sockets.localAddress(socket, bytes),
        remoteAddress: rio.sockets.remoteAddress(socket, bytes),
        connect: -rio.sockets.connect(socket, address, t.key()),
        accept: -rio.sockets.accept(socket, t.key()),
        shutdown: rio.sockets.shutdown(socket, 1),
        setOption: rio.sockets.setOption(
          socket,
          SOL_SOCKET,
          SO_BROADCAST,
          value,
        ),
        getOption: -rio.sockets.getOption(socket, SOL_SOCKET, SO_TYPE, value),
        closeSocket: rio.sockets.close(socket),
      }, {
        bind: WSAENOTSOCK,
        listen: WSAENOTSOCK,
        localAddress: WSAENOTSOCK,
        remoteAddress: WSAENOTSOCK,
        connect: WSAENOTSOCK,
        accept: WSAENOTSOCK,
        shutdown: WSAENOTSOCK,
        setOption: WSAENOTSOCK,
        getOption: WSAENOTSOCK,
        closeSocket: WSAENOTSOCK,
      });
    },
  },
  {
    name: "an IPv6 socket leaves the port free in IPv4 unless asked",
    run(t) {
      const six = t.udpSocket(IPV6);
      t.done(t.rio.sockets.bind(six, t.address(IPV6.any, 0)), "bind");
      const four = t.udpSocket(IPV4);
      const error = t.rio.sockets.bind(
        four,
        t.address(IPV4.any, t.portOf(six)),
      );
      // Somebody else may have taken it by chance, but not ten times.
      if (error !== 0) {
        for (let i = 0; i < 10; i++) {
          const another = t.udpSocket(IPV6);
          t.done(t.rio.sockets.bind(another, t.address(IPV6.any, 0)), "bind");
          const port = t.portOf(another);
          const socket = t.udpSocket(IPV4);
          if (t.rio.sockets.bind(socket, t.address(IPV4.any, port)) === 0) {
            return;
          }
        }
      }
      assertEquals(error, 0);
    },
  },
  {
    name: "a dual-stack socket sees an IPv4 peer as IPv4-mapped",
    async run(t) {
      const dual = dualStack(t);
      const plain = t.udp();
      const [inbox, from] = [t.room(8), t.room(28)];
      t.receive(dual, inbox, { remote: from });
      t.send(plain, t.put("mapped"), {
        remote: t.put(t.address(IPV4.loopback, t.portOf(dual.socket))),
      });
      assertEquals(await t.succeeds(dual.received), 6);
      const bytes = t.slab.read(from);
      assertEquals(bytes[0], AF_INET6);
      assertEquals(
        bytes,
        t.address(IPV4.loopback, t.portOf(plain.socket), { mapped: true }),
      );
    },
  },
  {
    name: "a dual-stack socket sends to an IPv4-mapped address",
    async run(t) {
      const dual = dualStack(t);
      const plain = t.udp();
      const [inbox, from] = [t.room(8), t.room(28)];
      t.receive(plain, inbox, { remote: from });
      t.send(dual, t.put("mapped"), {
        remote: t.put(
          t.address(IPV4.loopback, t.portOf(plain.socket), { mapped: true }),
        ),
      });
      assertEquals(await t.succeeds(dual.sent), 6);
      assertEquals(await t.succeeds(plain.received), 6);
      assertEquals(
        readAddress(t.slab.read(from), "udp"),
        {
          transport: "udp",
          hostname: "127.0.0.1",
          port: t.portOf(dual.socket),
        },
      );
    },
  },
  {
    name: "a dual-stack socket serves IPv6 peers as well",
    async run(t) {
      const dual = dualStack(t);
      const plain = t.udp({ family: IPV6 });
      const from = t.room(28);
      t.receive(dual, t.room(8), { remote: from });
      t.send(plain, t.put("six"), {
        remote: t.put(t.address(IPV6.loopback, t.portOf(dual.socket))),
      });
      assertEquals(await t.succeeds(dual.received), 3);
      assertEquals(t.slab.read(from), t.addressOf(plain.socket));
    },
  },
];

function statementsFor(family: Family): Statement[] {
  const { name } = family;
  return [
    {
      name: `${name}: bind to port 0 chooses a port`,
      run(t) {
        const [one, two] = [t.udpSocket(family), t.udpSocket(family)];
        t.bindLoopback(one, family);
        t.bindLoopback(two, family);
        const { hostname, port } = readAddress(t.addressOf(one), "udp");
        assertEquals(hostname, family.loopback);
        assert(port > 0);
        assertNotEquals(t.portOf(two), port);
      },
    },
    {
      name: `${name}: localAddress writes the bytes of the family`,
      run(t) {
        const bytes = new Uint8Array(28).fill(GUARD);
        const { socket } = t.udp({ family });
        t.done(t.rio.sockets.localAddress(socket, bytes), "getsockname");
        const number = name === "IPv4" ? AF_INET : AF_INET6;
        assertEquals(bytes[0]! | bytes[1]! << 8, number);
        const port = t.portOf(socket);
        assertEquals(
          bytes.subarray(0, 16),
          t.address(family.loopback, port).subarray(0, 16),
        );
      },
    },
    {
      name: `${name}: bind fails with 10048 when the port is in use`,
      run(t) {
        const taken = t.udpSocket(family);
        t.bindLoopback(taken, family);
        assertEquals(
          t.rio.sockets.bind(t.udpSocket(family), t.addressOf(taken)),
          WSAEADDRINUSE,
        );
      },
    },
    {
      name: `${name}: a port is free again when its socket was closed`,
      async run(t) {
        const first = t.udpSocket(family);
        t.bindLoopback(first, family);
        const address = t.addressOf(first);
        t.done(t.rio.sockets.close(first), "closesocket");
        const second = t.udpSocket(family);
        await t.until(
          () => t.rio.sockets.bind(second, address) === 0,
          "the port of a closed socket",
        );
        assertEquals(t.addressOf(second), address);
      },
    },
    {
      name: `${name}: remoteAddress fails with 10057 before connect`,
      run(t) {
        const { socket } = t.udp({ family });
        const bytes = new Uint8Array(28);
        assertEquals(t.rio.sockets.remoteAddress(socket, bytes), WSAENOTCONN);
      },
    },
    {
      name: `${name}: remoteAddress is the peer after connect`,
      run(t) {
        const [a, b] = t.udpPair({ family });
        const bytes = new Uint8Array(28);
        t.done(t.rio.sockets.remoteAddress(a.socket, bytes), "getpeername");
        assertEquals(bytes, t.addressOf(b.socket));
      },
    },
    {
      name: `${name}: RIOReceiveEx writes 28 bytes of the sender and no more`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const from = t.put(new Uint8Array(64).fill(GUARD));
        t.receive(b, t.room(8), { remote: { ...from, length: 32 } });
        t.send(a, t.put("28"), { remote: t.put(t.addressOf(b.socket)) });
        await t.succeeds(b.received);
        const bytes = t.slab.read(from);
        assertEquals(
          readAddress(bytes, "udp"),
          readAddress(t.addressOf(a.socket), "udp"),
        );
        assert(bytes.subarray(32).every((byte) => byte === GUARD));
      },
    },
    {
      name:
        `${name}: RIOReceiveEx takes the sender from a connected socket too`,
      async run(t) {
        const [a, b] = t.udpPair({ family });
        const from = t.room(28);
        t.receive(b, t.room(8), { remote: from });
        t.send(a, t.put("known"));
        await t.succeeds(b.received);
        assertEquals(t.slab.read(from), t.addressOf(a.socket));
      },
    },
    {
      name: `${name}: RIOReceiveEx gives the local address of a bound socket`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const local = t.room(28);
        t.receive(b, t.room(8), { local });
        t.send(a, t.put("here"), { remote: t.put(t.addressOf(b.socket)) });
        await t.succeeds(b.received);
        assertEquals(t.slab.read(local), t.addressOf(b.socket));
      },
    },
    {
      name: `${name}: addresses may lie in another registration than data`,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const other = t.register(4096);
        const from = other.room(28);
        t.receive(b, t.room(8), { remote: from });
        t.send(a, t.put("apart"), {
          remote: other.put(t.addressOf(b.socket)),
        });
        assertEquals(await t.succeeds(b.received), 5);
        assertEquals(other.read(from), t.addressOf(a.socket));
      },
    },
    {
      name: `${name}: an address slice below 28 bytes never succeeds`,
      misuse: true,
      async run(t) {
        const [a, b] = [t.udp({ family }), t.udp({ family })];
        const short = { ...t.put(t.addressOf(b.socket)), length: 12 };
        await fails(t, b, "receive", short);
        await fails(t, a, "send", short);
      },
    },
    {
      name: `${name}: a destination that is no address never succeeds`,
      misuse: true,
      async run(t) {
        const a = t.udp({ family });
        await fails(t, a, "send", t.put(new Uint8Array(28).fill(0x77)));
      },
    },
  ];
}

async function fails(
  t: Harness,
  endpoint: Endpoint,
  direction: "receive" | "send",
  remote: { bufferId: number; offset: number; length: number },
): Promise<void> {
  const error = direction === "receive"
    ? t.tryReceive(endpoint, t.room(8), { remote })
    : t.trySend(endpoint, t.put("x"), { remote });
  if (error !== 0) return;
  assertEquals(direction, "send", "a receive was accepted");
  assertNotEquals((await t.next(endpoint.sent)).status, 0);
}

function dualStack(t: Harness): Endpoint {
  const socket = t.udpSocket(IPV6);
  t.done(
    t.rio.sockets.setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, number(0)),
    "setsockopt",
  );
  t.done(t.rio.sockets.bind(socket, t.address(IPV6.any, 0)), "bind");
  return t.endpoint(socket);
}

function number(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}
