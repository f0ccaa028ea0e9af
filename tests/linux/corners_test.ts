/** What the Linux backend does in places that little traffic comes to. */
import { assertEquals } from "@std/assert";
import {
  AF_INET,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SIO_UDP_CONNRESET,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { allocate } from "../../ffi/memory.ts";
import {
  CONTROL_SIZE,
  readControl,
  writeAddress,
  writeControl,
} from "../../mod.ts";
import {
  collect,
  openPair,
  openSelf,
  put,
  sessionTest,
  textOf,
  until,
  within,
} from "../session/harness.ts";
import { linuxTest } from "./raw.ts";

const only = ["linux"] as const;

sessionTest(
  "socket.receive() tells addresses and flags of a connection, too",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(512);
    const [client, server] = await openPair(session);
    const [remote, local] = [buffer.slice(64, 28), buffer.slice(96, 28)];
    const control = buffer.slice(128, CONTROL_SIZE);
    const messageFlags = buffer.slice(256, 4);
    messageFlags.bytes.fill(7);
    server.receive(buffer.slice(0, 8), {
      remote,
      local,
      control,
      messageFlags,
    });
    client.send(put(buffer.slice(300, 8), "x"));
    await collect(server.completions, 1);
    assertEquals(server.readAddress(local).port, server.address.port);
    assertEquals(server.readAddress(remote).port, client.address.port);
    assertEquals(readControl(control.bytes), {});
    assertEquals([...messageFlags.bytes], [0, 0, 0, 0]);
  },
  { only },
);

sessionTest(
  "socket.receive() of no bytes tells that there are some, and takes none",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    const [client, server] = await openPair(session);
    server.receive(buffer.slice(0, 0));
    client.send(put(buffer.slice(32), "still there"));
    const [told] = await collect(server.completions, 1);
    assertEquals([told?.status, told?.bytesTransferred], [0, 0]);
    server.receive(buffer.slice(0, 32));
    const [taken] = await collect(server.completions, 1);
    assertEquals(textOf(taken!), "still there");
  },
  { only },
);

sessionTest(
  "socket.resize() keeps the control messages of deferred sends",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(512);
    using socket = await openSelf(session, { receives: 4, sends: 1 });
    socket.completions.resize(64);
    socket.setOption("receiveEcn", true);
    const control = buffer.slice(0, CONTROL_SIZE);
    const length = writeControl(control.bytes, 4, { ecn: 2 });
    const told = buffer.slice(128, CONTROL_SIZE);
    socket.receive(buffer.slice(300, 8), { control: told });
    socket.send(put(buffer.slice(320, 8), "x"), {
      control: buffer.slice(0, length),
      defer: true,
    });
    socket.resize({ sends: 16 });
    socket.commit();
    await collect(socket.completions, 2);
    assertEquals(readControl(told.bytes), { ecn: 2 });
    // The same place in the ring, without control messages.
    socket.receive(buffer.slice(300, 8), { control: told });
    for (let i = 0; i < 16; i++) {
      socket.send(put(buffer.slice(320, 8), "x"));
      const count = i === 0 ? 2 : 1;
      await collect(socket.completions, count);
    }
    assertEquals(readControl(told.bytes), { ecn: 0 });
  },
  { only },
);

sessionTest(
  "a wait tells of more queues than it had room for",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(8);
    const waits: Promise<boolean>[] = [];
    for (let i = 0; i < 150; i++) {
      const socket = await openSelf(session, { receives: 1, sends: 1 });
      waits.push(socket.completions.notify());
      // Completes, and fires, before the event loop has its turn.
      socket.send(buffer.slice());
    }
    const told = await within(Promise.all(waits));
    assertEquals(told.filter((fired) => fired).length, 150);
  },
  { only },
);

linuxTest("a send that can never be resumed fails with 10055", (raw) => {
  const { requests, socket, address } = raw.udp();
  assertEquals(raw.backend.sockets.connect(socket, address, 1), 1);
  raw.system.fail("sendmmsg", { name: "EAGAIN", errno: 11 }, 1);
  raw.system.fail("epoll_ctl", { name: "ENOMEM", errno: 12 }, 1);
  assertEquals(raw.backend.rings.send(requests, raw.slice(0, 8), 0, 1), 0);
  assertEquals(raw.statuses(), [10055]);
});

linuxTest(
  "requests whose further slices were deregistered end with 10014",
  (raw) => {
    const { requests } = raw.udp();
    const other = raw.backend.rings.registerBuffer(allocate(64));
    const remote = { bufferId: other, offset: 0, length: 28 };
    const data = raw.slice(0, 8);
    assertEquals(
      raw.backend
        .rings.receiveEx(requests, data, null, remote, null, null, 0, 1),
      0,
    );
    raw.backend.rings.deregisterBuffer(other);
    assertEquals(raw.statuses(), [10014]);
  },
);

linuxTest(
  "requests of a connection whose memory was deregistered end with 10014",
  async (raw) => {
    const { backend, queue } = raw;
    const listener = backend.sockets.open(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    const address = new Uint8Array(28);
    writeAddress(address, { hostname: "127.0.0.1", port: 0 });
    assertEquals(backend.sockets.bind(listener, address), 0);
    assertEquals(backend.sockets.listen(listener, 1), 0);
    assertEquals(backend.sockets.localAddress(listener, address), 0);
    const client = backend.sockets.open(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    backend.sockets.connect(client, address, 1);
    await until(() => backend.sockets.connected(client) === 1, "a connection");
    const requests = backend
      .rings.createRequestQueue(client, 4, 4, queue, queue);
    assertEquals(backend.rings.receive(requests, raw.slice(0, 8), 0, 1), 0);
    // Deferred: it starts with the commit, when its memory is gone.
    assertEquals(backend.rings.send(requests, raw.slice(8, 8), 2, 2), 0);
    backend.rings.deregisterBuffer(raw.bufferId);
    assertEquals(backend.rings.send(requests, null, 8, 0), 0);
    assertEquals(raw.statuses(), [10014, 10014]);
  },
);

linuxTest(
  "arguments that Winsock refuses are refused with its numbers",
  (raw) => {
    const { backend } = raw;
    const { socket, requests } = raw.udp();
    const stream = backend.sockets.open(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    const short = new Uint8Array(8);
    const unknown = new Uint8Array(28).fill(0xFF);
    assertEquals(backend.sockets.open(99, SOCK_DGRAM, IPPROTO_UDP), -10047);
    assertEquals(backend.sockets.open(AF_INET, 99, 0), -10044);
    assertEquals(backend.sockets.bind(socket, short), 10014);
    assertEquals(backend.sockets.bind(socket, unknown), 10047);
    assertEquals(backend.sockets.connect(socket, short, 1), -10014);
    assertEquals(backend.sockets.connect(socket, unknown, 1), -10047);
    assertEquals(backend.sockets.localAddress(socket, short), 10014);
    assertEquals(backend.sockets.remoteAddress(socket, short), 10014);
    assertEquals(backend.sockets.connected(stream), -10057);
    assertEquals(backend.sockets.getOption(socket, 99, 99, short), -10042);
    assertEquals(backend.sockets.setOption(socket, 99, 99, short), 10042);
    assertEquals(
      backend.sockets.getOption(socket, SOL_SOCKET, 4, new Uint8Array()),
      -10014,
    );
    assertEquals(
      backend.sockets.setOption(socket, SOL_SOCKET, 4, new Uint8Array()),
      10014,
    );
    assertEquals(
      backend.sockets.ioctl(stream, SIO_UDP_CONNRESET, short),
      10045,
    );
    assertEquals(
      backend.sockets.ioctl(socket, SIO_UDP_CONNRESET, new Uint8Array()),
      10014,
    );
    assertEquals(backend.sockets.ioctl(-1, SIO_UDP_CONNRESET, short), 10038);
    assertEquals(backend.sockets.connected(-1), -10038);
    const data = raw.slice(0, 8);
    const gone = { bufferId: 9999, offset: 0, length: 28 };
    assertEquals(backend.rings.sendEx(requests, data, gone, null, 0, 1), 10014);
    assertEquals(backend.rings.sendEx(requests, data, null, gone, 0, 1), 10014);
  },
);

linuxTest(
  "connect() to an address without a family ends an association",
  (raw) => {
    const { backend } = raw;
    const { socket, address } = raw.udp();
    assertEquals(backend.sockets.connect(socket, address, 1), 1);
    assertEquals(backend.sockets.remoteAddress(socket, new Uint8Array(28)), 0);
    assertEquals(backend.sockets.connect(socket, new Uint8Array(28), 1), 1);
    assertEquals(
      backend.sockets.remoteAddress(socket, new Uint8Array(28)),
      10057,
    );
  },
);

linuxTest("a backend that was closed opens nothing", (raw) => {
  const { backend } = raw;
  backend.close(false);
  assertEquals(backend.sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP), -10093);
  assertEquals(backend.rings.createCompletionQueue(1, 0), -10093);
});
