/** Connecting, listening and accepting. @module */
import { assert, assertEquals } from "@std/assert";
import { readAddress } from "../../../ffi/address.ts";
import { IPPROTO_IPV6, IPV6_V6ONLY } from "../../../ffi/constants.ts";
import {
  WSAECONNREFUSED,
  WSAEINVAL,
  WSAEOPNOTSUPP,
} from "../../../ffi/error_numbers.ts";
import { FAMILIES, type Family, IPV4, IPV6 } from "../families.ts";
import type { Harness, Statement } from "../harness.ts";
import { pause } from "../waits.ts";

/** Every statement about connections. */
export const connections: readonly Statement[] = [
  ...FAMILIES.flatMap(statementsFor),
  {
    name: "connect of a UDP socket is over at once",
    run(t) {
      const [a, b] = [t.udp(), t.udp()];
      assertEquals(
        t.rio.sockets.connect(a.socket, t.addressOf(b.socket), t.key()),
        1,
      );
    },
  },
  {
    name: "connect binds a UDP socket that has no address",
    async run(t) {
      const b = t.udp();
      const socket = t.udpSocket();
      const a = t.endpoint(socket);
      t.made(
        t.rio.sockets.connect(socket, t.addressOf(b.socket), t.key()),
        "connect",
      );
      assertEquals(
        readAddress(t.addressOf(socket), "udp").hostname,
        "127.0.0.1",
      );
      const from = t.room(28);
      t.receive(b, t.room(8), { remote: from });
      t.send(a, t.put("bound"));
      assertEquals(await t.succeeds(b.received), 5);
      assertEquals(t.slab.read(from), t.addressOf(socket));
    },
  },
  {
    name: "listen fails with 10045 on a UDP socket",
    misuse: true,
    run(t) {
      assertEquals(t.rio.sockets.listen(t.udp().socket, 1), WSAEOPNOTSUPP);
    },
  },
  {
    name: "accept never gives a socket when the socket does not listen",
    misuse: true,
    async run(t) {
      const socket = t.tcpSocket();
      t.bindLoopback(socket);
      const key = t.key();
      if (t.rio.sockets.accept(socket, key) === 0) {
        await t.fires(key, "the key of the accept");
      }
      assertEquals(t.rio.sockets.accept(socket, key), -WSAEINVAL);
    },
  },
  {
    name: "accept reports its key when a connection comes later",
    async run(t) {
      const listener = t.listener();
      const key = t.key();
      assertEquals(t.rio.sockets.accept(listener, key), 0);
      assertEquals((await t.firedInAMoment()).has(key), false);
      const accepted = t.accept(listener, key);
      await pause(5);
      const client = t.tcpSocket();
      const [outcome, server] = await Promise.all([
        t.connect(client, t.addressOf(listener)),
        accepted,
      ]);
      t.made(outcome, "connect");
      assertEquals(remotePort(t, server), t.portOf(client));
    },
  },
  {
    name: "a connection waits in the backlog until it is accepted",
    async run(t) {
      const listener = t.listener();
      const client = t.tcpSocket();
      t.made(await t.connect(client, t.addressOf(listener)), "connect");
      const a = t.endpoint(client);
      t.send(a, t.put("waiting"));
      await t.succeeds(a.sent);
      const b = t.endpoint(await t.accept(listener));
      const inbox = t.room(8);
      t.receive(b, inbox);
      assertEquals(await t.succeeds(b.received), 7);
      assertEquals(t.text(inbox, 7), "waiting");
    },
  },
  {
    name: "20 connections are accepted, each one once",
    async run(t) {
      const listener = t.listener();
      const address = t.addressOf(listener);
      const clients: number[] = [];
      const key = t.key();
      const servers: number[] = [];
      for (let i = 0; i < 20; i++) {
        const client = t.tcpSocket();
        t.made(await t.connect(client, address), "connect");
        clients.push(client);
      }
      while (servers.length < 20) servers.push(await t.accept(listener, key));
      assertEquals(t.rio.sockets.accept(listener, key), 0);
      assertEquals(new Set(servers).size, 20);
      const ports = (sockets: number[]) => sockets.map((s) => t.portOf(s));
      assertEquals(
        servers.map((server) => remotePort(t, server)).sort(),
        ports(clients).sort(),
      );
    },
  },
  {
    name: "closing a listener reports the key of an accept that waits",
    async run(t) {
      const listener = t.listener();
      const key = t.key();
      assertEquals(t.rio.sockets.accept(listener, key), 0);
      const fired = t.fires(key, "the end of a listener");
      await pause(5);
      t.done(t.rio.sockets.close(listener), "closesocket");
      await fired;
    },
  },
  {
    name: "a listener is closed with an accept that waits and no wait",
    run(t) {
      const listener = t.listener();
      assertEquals(t.rio.sockets.accept(listener, t.key()), 0);
      t.done(t.rio.sockets.close(listener), "closesocket");
    },
  },
  {
    name: "a listener stays open with an accept that waits until close()",
    run(t) {
      assertEquals(
        t.rio.sockets.accept(t.listener(), t.key()),
        0,
      );
    },
  },
  {
    name: "nothing listens on the port of a listener that was closed",
    async run(t) {
      const listener = t.listener();
      const address = t.addressOf(listener);
      t.done(t.rio.sockets.close(listener), "closesocket");
      assertEquals(await t.connect(t.tcpSocket(), address), -WSAECONNREFUSED);
    },
  },
  {
    name: "a dual-stack listener accepts IPv4 and IPv6",
    async run(t) {
      const listener = t.tcpSocket(IPV6);
      t.done(
        t.rio.sockets.setOption(
          listener,
          IPPROTO_IPV6,
          IPV6_V6ONLY,
          new Uint8Array(4),
        ),
        "setsockopt",
      );
      t.done(t.rio.sockets.bind(listener, t.address(IPV6.any, 0)), "bind");
      t.done(t.rio.sockets.listen(listener, 4), "listen");
      const port = t.portOf(listener);
      for (const family of [IPV4, IPV6]) {
        const client = t.tcpSocket(family);
        const address = t.address(family.loopback, port);
        t.made(await t.connect(client, address), "connect");
        const server = await t.accept(listener);
        const bytes = new Uint8Array(28);
        t.done(t.rio.sockets.remoteAddress(server, bytes), "getpeername");
        assertEquals(
          bytes,
          t.address(family.loopback, t.portOf(client), { mapped: true }),
        );
      }
    },
  },
  {
    name: "a socket that connects is closed before it is connected",
    async run(t) {
      const listener = t.listener();
      for (let i = 0; i < 5; i++) {
        const client = t.tcpSocket();
        t.rio.sockets.connect(client, t.addressOf(listener), t.key());
        t.done(t.rio.sockets.close(client), "closesocket");
      }
      // Another connection is not disturbed.
      const client = t.tcpSocket();
      t.made(await t.connect(client, t.addressOf(listener)), "connect");
    },
  },
  {
    name: "connect works again with a new socket after a refusal",
    async run(t) {
      const closed = t.tcpSocket();
      t.bindLoopback(closed);
      const address = t.addressOf(closed);
      t.done(t.rio.sockets.close(closed), "closesocket");
      assert(await t.connect(t.tcpSocket(), address) < 0);
      const listener = t.listener();
      t.made(
        await t.connect(t.tcpSocket(), t.addressOf(listener)),
        "connect",
      );
    },
  },
];

function statementsFor(family: Family): Statement[] {
  const { name } = family;
  return [
    {
      name: `${name}: connect and accept give two ends of one connection`,
      async run(t) {
        const listener = t.listener(family);
        const client = t.tcpSocket(family);
        t.made(await t.connect(client, t.addressOf(listener)), "connect");
        const server = await t.accept(listener);
        const [clientPeer, serverPeer] = [
          new Uint8Array(28),
          new Uint8Array(28),
        ];
        t.done(t.rio.sockets.remoteAddress(client, clientPeer), "getpeername");
        t.done(t.rio.sockets.remoteAddress(server, serverPeer), "getpeername");
        assertEquals(clientPeer, t.addressOf(listener));
        assertEquals(t.addressOf(server), t.addressOf(listener));
        assertEquals(serverPeer, t.addressOf(client));
      },
    },
    {
      name: `${name}: connect from a socket that was bound keeps its port`,
      async run(t) {
        const listener = t.listener(family);
        const client = t.tcpSocket(family);
        t.bindLoopback(client, family);
        const before = t.addressOf(client);
        t.made(await t.connect(client, t.addressOf(listener)), "connect");
        assertEquals(t.addressOf(client), before);
      },
    },
    {
      name: `${name}: connect fails with 10061 where nothing listens`,
      async run(t) {
        const closed = t.tcpSocket(family);
        t.bindLoopback(closed, family);
        const address = t.addressOf(closed);
        t.done(t.rio.sockets.close(closed), "closesocket");
        assertEquals(
          await t.connect(t.tcpSocket(family), address),
          -WSAECONNREFUSED,
        );
      },
    },
    {
      name: `${name}: an accepted socket carries data in both directions`,
      async run(t) {
        const [a, b] = await t.tcpPair({ family });
        const inbox = t.room(16);
        t.receive(a, inbox);
        t.send(b, t.put("accepted"));
        assertEquals(await t.succeeds(a.received), 8);
        assertEquals(t.text(inbox, 8), "accepted");
        assert(t.portOf(a.socket) > 0);
      },
    },
  ];
}

function remotePort(t: Harness, socket: number): number {
  const bytes = new Uint8Array(28);
  t.done(t.rio.sockets.remoteAddress(socket, bytes), "getpeername");
  return readAddress(bytes, "tcp").port;
}
