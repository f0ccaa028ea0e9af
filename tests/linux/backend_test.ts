import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE, readAddress, writeAddress } from "../../ffi/address.ts";
import * as winsock from "../../ffi/constants.ts";
import type { RioHandle } from "../../ffi/contract.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { openLinux } from "../../ffi/linux/backend.ts";
import { pin } from "../../ffi/memory.ts";
import { linuxTest, OFF, ON, results, Rig, SIZE } from "./rig.ts";

linuxTest(
  "a receive completes with 10014 when its memory was detached",
  (rig) => {
    const { rio } = rig;
    const queue = rig.queue(32);
    const [a, b] = [rig.udp(queue), rig.udp(queue)];
    assertEquals(rio.sockets.connect(a.socket, b.address, 0), 1);
    const bytes = new Uint8Array(64);
    const bufferId = rio.rings.registerBuffer(pin(bytes));
    const slice = { bufferId, offset: 0, length: 64 };
    assertEquals(rio.rings.receive(b.posts, slice, 0, 1), 0);
    assertEquals(rio.rings.receive(b.posts, rig.slice(0, 64), 0, 2), 0);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    assertEquals(rio.rings.send(a.posts, rig.slice(64, 10), 0, 3), 0);
    assertEquals(
      rig.dequeue(queue).map(({ context, status }) => [context, status]),
      [[3, 0], [1, wsa.WSAEFAULT], [2, 0]],
    );
    assertEquals(rio.rings.receive(b.posts, slice, 0, 4), wsa.WSAEFAULT);
  },
);

linuxTest(
  "a deferred send completes with 10014 when its memory was detached",
  (rig) => {
    const { rio } = rig;
    const queue = rig.queue(32);
    const [a, b] = [rig.udp(queue), rig.udp(queue)];
    assertEquals(rio.sockets.connect(a.socket, b.address, 0), 1);
    const bytes = new Uint8Array(64);
    const bufferId = rio.rings.registerBuffer(pin(bytes));
    const slice = { bufferId, offset: 0, length: 64 };
    assertEquals(rio.rings.send(a.posts, slice, winsock.RIO_MSG_DEFER, 1), 0);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    assertEquals(
      rio.rings.send(a.posts, null, winsock.RIO_MSG_COMMIT_ONLY, 0),
      0,
    );
    assertEquals(rig.dequeue(queue)[0]?.status, wsa.WSAEFAULT);
  },
);

linuxTest("registerBuffer() refuses no bytes and no address", ({ rio }) => {
  const bytes = new Uint8Array(8);
  assertEquals(
    rio.rings.registerBuffer({ bytes: bytes.subarray(8), address: 4096n }),
    -wsa.WSAEINVAL,
  );
  assertEquals(
    rio.rings.registerBuffer({ bytes, address: 0n }),
    -wsa.WSAEFAULT,
  );
});

linuxTest(
  "a slice that is no range of whole bytes is refused with 10014",
  (rig) => {
    const queue = rig.queue(16);
    const { posts } = rig.udp(queue);
    for (
      const [offset, length] of [
        [SIZE, 1],
        [0, SIZE + 1],
        [SIZE - 1, 2],
        [-1, 1],
        [0, -1],
        [0.5, 1],
        [NaN, 1],
        [0xFFFFFFFF, 0xFFFFFFFF],
        [2 ** 32, 1],
      ]
    ) {
      assertEquals(
        rig.rio.rings.receive(posts, rig.slice(offset!, length!), 0, 0),
        wsa.WSAEFAULT,
        `${offset} ${length}`,
      );
    }
  },
);

linuxTest("a send's destination is the one at the time of the post", (rig) => {
  const { rio, memory } = rig;
  const queue = rig.queue(48);
  const [a, b, c] = [rig.udp(queue), rig.udp(queue), rig.udp(queue)];
  memory.bytes.set(b.address, 128);
  rio.rings.receive(b.posts, rig.slice(0, 64), 0, 1);
  rio.rings.receive(c.posts, rig.slice(64, 64), 0, 2);
  const remote = rig.slice(128, ADDRESS_SIZE);
  const defer = winsock.RIO_MSG_DEFER;
  const data = rig.slice(256, 8);
  assertEquals(
    rio.rings.sendEx(a.posts, data, remote, null, defer, 3),
    0,
  );
  memory.bytes.set(c.address, 128);
  assertEquals(
    rio.rings.send(a.posts, null, winsock.RIO_MSG_COMMIT_ONLY, 0),
    0,
  );
  assertEquals(rig.dequeue(queue).map(({ context }) => context), [3, 1]);
});

/** The context of a send: no socket has this handle. */
const SEND = 0;

for (const sockets of [2, 8, 9, 60]) {
  linuxTest(
    `${sockets} sockets on one queue all get through, polled`,
    (rig) => {
      const { rio } = rig;
      const queue = rig.queue(16 * sockets + 16);
      const sender = rig.udp(queue);
      const all = Array.from({ length: sockets }, () => rig.udp(queue));
      const seen = new Map<number, number>();
      for (let round = 0; round < 3; round++) {
        for (const { posts, socket } of all) {
          rio.rings.receive(posts, rig.slice(0, 64), 0, socket);
        }
        // Nothing is there yet: epoll has to tell when there is.
        assertEquals(rig.dequeue(queue), []);
        for (const { address } of all) {
          rig.memory.bytes.set(address, 128);
          const remote = rig.slice(128, ADDRESS_SIZE);
          const data = rig.slice(64, 8);
          rio.rings.sendEx(sender.posts, data, remote, null, 0, SEND);
          for (const { context, status } of rig.dequeue(queue)) {
            assertEquals(status, 0);
            if (context === SEND) continue;
            seen.set(context, (seen.get(context) ?? 0) + 1);
          }
        }
      }
      assertEquals(seen.size, sockets);
      assert([...seen.values()].every((count) => count === 3));
    },
  );

  linuxTest(
    `${sockets} sockets on one queue all get through, waiting`,
    async (rig) => {
      const { rio } = rig;
      const queue = rig.queue(16 * sockets, 5);
      const sends = rig.queue(16 * sockets + 16);
      const sender = rig.udp(sends);
      const all = Array.from({ length: sockets }, () => rig.udp(queue));
      for (const { posts, socket } of all) {
        rio.rings.receive(posts, rig.slice(0, 64), 0, socket);
      }
      assertEquals(rig.dequeue(queue), []);
      for (const { address, socket } of all) {
        assertEquals(rio.rings.notify(queue), 0);
        const wait = rio.waits.wait();
        rig.memory.bytes.set(address, 128);
        const remote = rig.slice(128, ADDRESS_SIZE);
        const data = rig.slice(64, 8);
        rio.rings.sendEx(sender.posts, data, remote, null, 0, 2);
        let fired = await wait;
        while (fired === 0) fired = await rio.waits.wait();
        assertEquals([...rio.waits.fired.subarray(0, fired)], [5]);
        assertEquals(rig.dequeue(queue).map((done) => done.context), [socket]);
        rig.dequeue(sends);
      }
    },
  );
}

linuxTest("accept() refuses a datagram socket, and comes back", ({ rio }) => {
  const socket = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
  assertEquals(rio.sockets.accept(socket, 1), -wsa.WSAEOPNOTSUPP);
  assertEquals(rio.sockets.close(socket), 0);
});

linuxTest("one busy socket does not keep another one waiting", (rig) => {
  const { rio } = rig;
  const queue = rig.queue(64);
  const sends = rig.queue(64);
  const sender = rig.udp(sends);
  const [busy, quiet] = [rig.udp(queue), rig.udp(queue)];
  const post = ({ posts, socket }: { posts: RioHandle; socket: RioHandle }) => {
    while (rio.rings.receive(posts, rig.slice(0, 64), 0, socket) === 0);
  };
  const send = (address: Uint8Array) => {
    rig.memory.bytes.set(address, 128);
    const remote = rig.slice(128, ADDRESS_SIZE);
    const data = rig.slice(64, 8);
    rio.rings.sendEx(sender.posts, data, remote, null, 0, 2);
    rig.dequeue(sends);
  };
  post(busy);
  post(quiet);
  send(quiet.address);
  const order: number[] = [];
  for (let i = 0; i < 40 && !order.includes(quiet.socket); i++) {
    for (let k = 0; k < 8; k++) send(busy.address);
    order.push(...rig.dequeue(queue, 8).map(({ context }) => context));
    post(busy);
  }
  assert(order.includes(quiet.socket), `${order.length} of the busy one`);
});

linuxTest(
  "sends that wait for room go on when another queue is looked at",
  async (rig) => {
    const { rio } = rig;
    const [receives, sends] = [rig.queue(32), rig.queue(32)];
    const [a, b] = await rig.tcp(receives, sends);
    for (let i = 0; i < 8; i++) {
      assertEquals(rio.rings.send(a!.posts, rig.slice(0, SIZE), 0, i), 0);
    }
    assert(rig.dequeue(sends).length < 8, "the socket buffers took 8 MiB");
    let bytes = 0;
    for (let look = 0; bytes < 8 * SIZE && look < 100_000; look++) {
      rio.rings.receive(b!.posts, rig.slice(0, SIZE), 0, 9);
      for (const done of rig.dequeue(receives)) bytes += done.bytes;
    }
    assertEquals(bytes, 8 * SIZE);
  },
);

linuxTest(
  "sends that wait for room go on while somebody waits",
  async (rig) => {
    const { rio } = rig;
    const [receives, sends] = [rig.queue(32, 6), rig.queue(32)];
    const [a, b] = await rig.tcp(receives, sends);
    for (let i = 0; i < 8; i++) {
      assertEquals(rio.rings.send(a!.posts, rig.slice(0, SIZE), 0, i), 0);
    }
    let bytes = 0;
    while (bytes < 8 * SIZE) {
      rio.rings.receive(b!.posts, rig.slice(0, SIZE), 0, 9);
      assertEquals(rio.rings.notify(receives), 0);
      assertEquals(await rig.keys(), [6]);
      for (const done of rig.dequeue(receives)) bytes += done.bytes;
    }
    assertEquals(bytes, 8 * SIZE);
  },
);

linuxTest(
  "the end of a stream that came with its last data ends a wait",
  async (rig) => {
    const { rio } = rig;
    const [receives, sends] = [rig.queue(32, 6), rig.queue(32)];
    const [a, b] = await rig.tcp(receives, sends);
    const next = async () => {
      assertEquals(rio.rings.notify(receives), 0);
      assertEquals(await rig.keys(), [6]);
      return rig.dequeue(receives).map(({ bytes }) => bytes);
    };
    rio.rings.receive(b!.posts, rig.slice(0, 64), 0, 1);
    assertEquals(rig.dequeue(receives), []);
    assertEquals(rio.rings.notify(receives), 0);
    rio.rings.send(a!.posts, rig.slice(64, 10), 0, 2);
    assertEquals(rio.sockets.close(a!.socket), 0);
    assertEquals(await rig.keys(), [6]);
    assertEquals(rig.dequeue(receives).map(({ bytes }) => bytes), [10]);
    rio.rings.receive(b!.posts, rig.slice(0, 64), 0, 3);
    assertEquals(await next(), [0]);
  },
);

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

linuxTest(
  "createRequestQueue() fails with 10055 when memory has no room for the rings",
  (rig) => {
    const { rio } = rig;
    const { socket } = rig.udp(rig.queue(16));
    assertEquals(rio.sockets.close(socket), 0);
    const queue = rig.queue(winsock.RIO_MAX_CQ_SIZE);
    const other = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
    const make = (receives: number) =>
      rio.rings.createRequestQueue(other, receives, 1, queue, queue);
    assertEquals(make(winsock.RIO_MAX_CQ_SIZE - 1), -wsa.WSAENOBUFS);
    // What was reserved for it is free again.
    assertEquals(rio.rings.resizeCompletionQueue(queue, 2), 0);
    assert(make(1) > 0);
  },
);

linuxTest("wake() ends the next wait when none goes on", async ({ rio }) => {
  rio.waits.wake();
  assertEquals(await rio.waits.wait(), 0);
});

linuxTest("wake() ends the wait that goes on", async ({ rio }) => {
  const wait = rio.waits.wait();
  rio.waits.wake();
  rio.waits.wake();
  assertEquals(await wait, 0);
});

linuxTest("close() ends the wait that goes on", async ({ rio }) => {
  const wait = rio.waits.wait();
  rio.close(false);
  assertEquals(await wait, 0);
  assertEquals(await rio.waits.wait(), 0);
});

linuxTest("close() closes what was left open", (rig) => {
  const queue = rig.queue(64, 1);
  for (let i = 0; i < 4; i++) {
    const { posts } = rig.udp(queue);
    rig.rio.rings.receive(posts, rig.slice(0, 64), 0, 0);
  }
  assertEquals(rig.rio.rings.notify(queue), 0);
  rig.rio.close(false);
  rig.rio.close(false);
  assertEquals(
    rig.rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17),
    -10093,
  );
  assertEquals(rig.rio.rings.dequeueCompletion(queue, results, 1), -0xFFFFFFFF);
});

linuxTest("two backends of a thread do not disturb each other", async (rig) => {
  const other = new Rig(openLinux());
  const [mine, theirs] = [rig.queue(32, 1), other.queue(32, 2)];
  const [a, b] = [rig.udp(mine), other.udp(theirs)];
  assertEquals(rig.rio.sockets.connect(a.socket, b.address, 0), 1);
  other.rio.rings.receive(b.posts, other.slice(0, 64), 0, 1);
  assertEquals(other.rio.rings.notify(theirs), 0);
  const keys = other.keys();
  rig.rio.rings.send(a.posts, rig.slice(0, 8), 0, 2);
  assertEquals(await keys, [2]);
  other.rio.close(false);
  assertEquals(rig.dequeue(mine).length, 1);
});

Deno.test({
  name: "openLinux() throws NotCapable without --allow-ffi",
  ignore: Deno.build.os !== "linux",
  permissions: { ffi: false },
  fn() {
    let name = "";
    try {
      openLinux();
    } catch (error) {
      if (error instanceof Error) name = error.name;
    }
    assertEquals(name, "NotCapable");
  },
});
