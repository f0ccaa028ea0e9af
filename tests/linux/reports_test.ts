/** Errors that the kernel queues on a datagram socket for an earlier datagram. */
import { assertEquals } from "@std/assert";
import { SIO_UDP_CONNRESET } from "../../ffi/constants.ts";
import { winsockError } from "../../ffi/linux/errno.ts";
import { linuxTest, type Raw } from "./raw.ts";

/** What the kernel can queue on a datagram socket, and what Winsock tells. */
const REPORTS = [
  ["ECONNREFUSED", 111, 10054],
  ["ENOPROTOOPT", 92, 10054],
  ["ENETUNREACH", 101, 10051],
  ["EHOSTUNREACH", 113, 10065],
  ["EHOSTDOWN", 112, 10065],
  ["ENONET", 64, 10065],
  ["EACCES", 13, 10065],
  ["EOPNOTSUPP", 95, 10065],
  ["EPROTO", 71, 10065],
] as const;
const TOO_BIG = ["EMSGSIZE", 90, 0] as const;

/** Turns `SIO_UDP_CONNRESET` off. */
function ignoreReports({ backend }: Raw, socket: number): void {
  const off = new Uint8Array(4);
  assertEquals(backend.sockets.ioctl(socket, SIO_UDP_CONNRESET, off), 0);
}

for (const [name, errno, status] of REPORTS) {
  linuxTest(`a receive tells ${name} as Winsock does`, (raw) => {
    const { requests } = raw.udp();
    raw.system.fail("recvmmsg", { name, errno }, 1);
    assertEquals(raw.backend.rings.receive(requests, raw.slice(0, 8), 0, 1), 0);
    assertEquals(raw.statuses(), [status]);
  });
}

for (const [name, errno, status] of [...REPORTS, TOO_BIG]) {
  linuxTest(`${name} of an earlier datagram ends no receive`, (raw) => {
    const { requests, socket, address } = raw.udp();
    ignoreReports(raw, socket);
    assertEquals(raw.backend.sockets.connect(socket, address, 1), 1);
    assertEquals(raw.backend.rings.receive(requests, raw.slice(0, 8), 0, 1), 0);
    raw.system.fail("recvmmsg", { name, errno }, 1);
    assertEquals(raw.backend.rings.send(requests, raw.slice(8, 8), 0, 2), 0);
    // Both: the receive has got the datagram, not the error.
    assertEquals(raw.statuses(), [0, 0]);
  });

  linuxTest(`a send goes after ${name} of an earlier datagram`, (raw) => {
    const { requests, socket, address } = raw.udp();
    assertEquals(raw.backend.sockets.connect(socket, address, 1), 1);
    raw.system.fail("sendmmsg", { name, errno }, 1);
    assertEquals(raw.backend.rings.send(requests, raw.slice(0, 8), 0, 1), 0);
    assertEquals(raw.backend.rings.receive(requests, raw.slice(8, 8), 0, 2), 0);
    // The receive that comes next is told, where Winsock tells of it.
    assertEquals(raw.statuses(), [0, status]);
  });

  linuxTest(`a send whose own error is ${name} is told, once`, (raw) => {
    const { requests, socket, address } = raw.udp();
    assertEquals(raw.backend.sockets.connect(socket, address, 1), 1);
    for (let nth = 1; nth <= 8; nth++) {
      raw.system.fail("sendmmsg", { name, errno }, nth);
    }
    assertEquals(raw.backend.rings.send(requests, raw.slice(0, 8), 0, 1), 0);
    assertEquals(raw.statuses(), [winsockError(errno)]);
    // The next one goes, and nothing is left to tell.
    assertEquals(raw.backend.rings.send(requests, raw.slice(0, 8), 0, 1), 0);
    assertEquals(raw.backend.rings.receive(requests, raw.slice(8, 8), 0, 2), 0);
    assertEquals(raw.statuses(), [0, 0]);
  });
}

linuxTest("a receive never tells that a datagram was too long", (raw) => {
  const { requests, socket, address } = raw.udp();
  assertEquals(raw.backend.sockets.connect(socket, address, 1), 1);
  assertEquals(raw.backend.rings.receive(requests, raw.slice(0, 8), 0, 1), 0);
  raw.system.fail("recvmmsg", { name: "EMSGSIZE", errno: 90 }, 1);
  assertEquals(raw.backend.rings.send(requests, raw.slice(8, 8), 0, 2), 0);
  assertEquals(raw.statuses(), [0, 0]);
});
