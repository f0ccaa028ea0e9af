/** Error routes of the calls of sockets over the fake. */
import { assertEquals } from "@std/assert";
import {
  FIONBIO,
  SIO_UDP_CONNRESET,
  SO_RCVBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { address, slice, withRig } from "./open.ts";

Deno.test("ioctl() turns off that an unreachable port fails a receive", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    rig.backend.sockets.connect(bound.socket, address(9), 0);
    const statuses = [1, 0].map((reported) => {
      const input = new Uint8Array([reported, 0, 0, 0]);
      const { socket, rq, cq } = bound;
      assertEquals(
        rig.backend.sockets.ioctl(socket, SIO_UDP_CONNRESET, input),
        0,
      );
      rig.backend.rings.receive(rq, slice(buffer, 32, 4), 0, 1);
      rig.backend.rings.send(rq, slice(buffer, 0, 8), 0, 2);
      return rig.dequeue(cq, 2).map((result) => result.status).sort();
    });
    assertEquals(statuses, [[0, 10054], [0]]);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("ioctl() passes on that a RIO socket refuses to be non-blocking", () =>
  withRig({}, (rig) => {
    const socket = rig.tcp();
    const input = new Uint8Array([1, 0, 0, 0]);
    assertEquals(rig.backend.sockets.ioctl(socket, FIONBIO, input), 10045);
    rig.backend.sockets.close(socket);
  }));

Deno.test("setOption() and getOption() pass the value and its length", () =>
  withRig({}, ({ backend }) => {
    const socket = backend.sockets.open(2, SOCK_DGRAM, 17);
    const value = new Uint8Array([0, 0, 4, 0]);
    assertEquals(
      backend.sockets.setOption(socket, SOL_SOCKET, SO_RCVBUF, value),
      0,
    );
    const read = new Uint8Array(8);
    assertEquals(
      backend.sockets.getOption(socket, SOL_SOCKET, SO_RCVBUF, read),
      4,
    );
    assertEquals([...read], [0, 0, 4, 0, 0, 0, 0, 0]);
    assertEquals(
      backend.sockets.getOption(
        socket,
        SOL_SOCKET,
        SO_RCVBUF,
        new Uint8Array(2),
      ),
      -10014,
    );
    backend.sockets.close(socket);
  }));

Deno.test("a post on a request queue whose socket was closed is 10038 without a native call", () =>
  withRig({}, (rig) => {
    const { backend, fake } = rig;
    const bound = rig.udp();
    const other = rig.udp();
    assertEquals(backend.sockets.close(bound.socket), 0);
    const { counts } = fake;
    const before = counts.DispCallFunc;
    const { rq } = bound;
    assertEquals(backend.rings.receive(rq, null, 0, 1), 10038);
    assertEquals(
      backend.rings.receiveEx(rq, null, null, null, null, null, 0, 1),
      10038,
    );
    assertEquals(backend.rings.send(rq, null, 0, 1), 10038);
    assertEquals(backend.rings.sendEx(rq, null, null, null, 0, 1), 10038);
    assertEquals(backend.rings.resizeRequestQueue(rq, 1, 1), 10038);
    assertEquals(backend.rings.send(0, null, 0, 1), 10022);
    assertEquals(counts.DispCallFunc, before);
    assertEquals(
      backend.rings.receive(other.rq, null, 0, 1),
      0,
      "another socket still posts",
    );
    rig.tearDown([bound, other]);
  }));

Deno.test("every socket call on a closed socket is 10038", () =>
  withRig({}, ({ backend }) => {
    const socket = backend.sockets.open(2, SOCK_DGRAM, 17);
    assertEquals(backend.sockets.close(socket), 0);
    const bytes = address(0);
    assertEquals(backend.sockets.close(socket), 10038);
    assertEquals(backend.sockets.bind(socket, bytes), 10038);
    assertEquals(backend.sockets.listen(socket, 1), 10038);
    assertEquals(backend.sockets.connect(socket, bytes, 1), -10038);
    assertEquals(backend.sockets.connected(socket), -10038);
    assertEquals(backend.sockets.accept(socket, 1), -10038);
    assertEquals(backend.sockets.shutdown(socket, 1), 10038);
    assertEquals(backend.sockets.localAddress(socket, bytes), 10038);
    assertEquals(backend.sockets.remoteAddress(socket, bytes), 10038);
    assertEquals(backend.sockets.setOption(socket, 1, 1, bytes), 10038);
    assertEquals(backend.sockets.getOption(socket, 1, 1, bytes), -10038);
    assertEquals(backend.sockets.ioctl(socket, 1, bytes), 10038);
  }));

Deno.test("localAddress() and remoteAddress() leave nothing of an address that was there before", () =>
  withRig({}, (rig) => {
    const { sockets } = rig.backend;
    const bound = rig.udp();
    assertEquals(sockets.connect(bound.socket, bound.name, 0), 1);
    for (const call of ["localAddress", "remoteAddress"] as const) {
      const name = address(443, "2001:db8::1").fill(255, 24);
      assertEquals(sockets[call](bound.socket, name), 0);
      assertEquals(name, bound.name);
    }
    rig.tearDown([bound]);
  }));

Deno.test("close() tries again where the socket is still open, but not for ever", () =>
  withRig({}, ({ backend: { sockets }, fake }) => {
    const tries = 8;
    for (const errno of [10004, 10035, 10036]) {
      const socket = sockets.open(2, SOCK_DGRAM, 17);
      fake.fail("closesocket", errno, { times: tries });
      assertEquals([sockets.close(socket), fake.failing], [errno, false]);
      fake.fail("closesocket", errno, { times: tries - 1 });
      assertEquals([sockets.close(socket), fake.failing], [0, false]);
    }
  }));

Deno.test("open() tells why there is no socket, and asks each kind once for its functions", () =>
  withRig({}, ({ backend, fake }) => {
    const open = () => backend.sockets.open(2, SOCK_DGRAM, 17);
    fake.fail("WSASocketW", 10024);
    assertEquals(open(), -10024);
    const first = open();
    // Would be asked for with the second one.
    fake.fail("WSAIoctl", 10022);
    const second = open();
    assertEquals([first > 0, second > 0], [true, true]);
    for (const socket of [first, second]) backend.sockets.close(socket);
  }));
