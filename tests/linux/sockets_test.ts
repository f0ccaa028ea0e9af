/** Sockets and their options, as Winsock has them and Linux does not. */
import { assertEquals } from "@std/assert";
import { ADDRESS_SIZE, readAddress, writeAddress } from "../../ffi/address.ts";
import * as winsock from "../../ffi/constants.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { linuxTest, OFF, ON } from "./rig.ts";

linuxTest("accept() refuses a datagram socket, and comes back", ({ rio }) => {
  const socket = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
  assertEquals(rio.sockets.accept(socket, 1), -wsa.WSAEOPNOTSUPP);
  assertEquals(rio.sockets.close(socket), 0);
});

linuxTest(
  "SIO_UDP_CONNRESET decides whether an unreachable port fails a receive",
  (rig) => {
    const { rio } = rig;
    const queue = rig.queue(64);
    const gone = rig.udp(queue);
    assertEquals(rio.sockets.close(gone.socket), 0);
    for (const reports of [true, false]) {
      const { socket, posts } = rig.udp(queue);
      const code = winsock.SIO_UDP_CONNRESET;
      assertEquals(rio.sockets.ioctl(socket, code, reports ? ON : OFF), 0);
      assertEquals(rio.sockets.connect(socket, gone.address, 0), 1);
      rio.rings.receive(posts, rig.slice(0, 64), 0, 1);
      for (let i = 0; i < 3; i++) rio.rings.send(posts, rig.slice(64, 8), 0, 2);
      const done = rig.dequeue(queue);
      const sent = done.filter(({ context }) => context === 2);
      const received = done.filter(({ context }) => context === 1);
      assertEquals(sent.map(({ status }) => status), [0, 0, 0]);
      assertEquals(
        received.map(({ status }) => status),
        reports ? [wsa.WSAECONNRESET] : [],
      );
    }
  },
);

linuxTest("control() refuses FIONBIO with 10045", (rig) => {
  const { socket } = rig.udp(rig.queue(16));
  assertEquals(
    rig.rio.sockets.ioctl(socket, winsock.FIONBIO, ON),
    wsa.WSAEOPNOTSUPP,
  );
});

linuxTest(
  "the local address slice tells the destination when packet info is on",
  (rig) => {
    const { rio, memory } = rig;
    const queue = rig.queue(32);
    const sender = rig.udp(queue);
    const socket = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
    const address = new Uint8Array(ADDRESS_SIZE);
    writeAddress(address, { hostname: "0.0.0.0", port: 0 });
    assertEquals(rio.sockets.bind(socket, address), 0);
    rio.sockets.localAddress(socket, address);
    const { port } = readAddress(address, "udp");
    const posts = rio.rings.createRequestQueue(socket, 4, 4, queue, queue);
    writeAddress(address, { hostname: "127.0.0.1", port });
    memory.bytes.set(address, 128);
    const [local, remote] = [rig.slice(256, 28), rig.slice(128, 28)];
    const hostnames = [OFF, ON].map((value) => {
      assertEquals(
        rio.sockets.setOption(
          socket,
          winsock.IPPROTO_IP,
          winsock.IP_PKTINFO,
          value,
        ),
        0,
      );
      rio.rings.receiveEx(
        posts,
        rig.slice(0, 64),
        local,
        null,
        null,
        null,
        0,
        1,
      );
      const data = rig.slice(64, 8);
      rio.rings.sendEx(sender.posts, data, remote, null, 0, 2);
      assertEquals(rig.dequeue(queue).length, 2);
      const told = readAddress(memory.bytes.subarray(256), "udp");
      assertEquals(told.port, port);
      return told.hostname;
    });
    assertEquals(hostnames, ["0.0.0.0", "127.0.0.1"]);
  },
);

linuxTest("one kernel option serves IP_RECVTOS and IP_ECN", (rig) => {
  const { rio } = rig;
  const { socket } = rig.udp(rig.queue(16));
  const set = (name: number, value: Uint8Array) =>
    assertEquals(
      rio.sockets.setOption(socket, winsock.IPPROTO_IP, name, value),
      0,
    );
  const get = (name: number) => {
    const value = new Uint8Array(4);
    assertEquals(
      rio.sockets.getOption(socket, winsock.IPPROTO_IP, name, value),
      4,
    );
    return value[0];
  };
  set(winsock.IP_RECVTOS, ON);
  set(winsock.IP_ECN, ON);
  set(winsock.IP_RECVTOS, OFF);
  assertEquals([get(winsock.IP_RECVTOS), get(winsock.IP_ECN)], [0, 1]);
});

linuxTest(
  "openSocket() makes IPv6 sockets that are not dual-stack, as Winsock does",
  (rig) => {
    const { rio } = rig;
    const socket = rio.sockets.open(winsock.AF_INET6, winsock.SOCK_DGRAM, 17);
    if (socket === -wsa.WSAEAFNOSUPPORT) {
      console.log("skipped: this host has no IPv6");
      return;
    }
    const value = new Uint8Array(4);
    rio.sockets.getOption(
      socket,
      winsock.IPPROTO_IPV6,
      winsock.IPV6_V6ONLY,
      value,
    );
    assertEquals(value, ON);
  },
);
