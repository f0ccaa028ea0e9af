/** The provider does what the contract says of datagrams and notifications. */

import { assert, assertEquals } from "@std/assert";
import { closeAll, pair, sendTo, test, text } from "./setup.ts";
import { GET_TABLE, loopback, NAMES, RIO_GUID } from "./raw.ts";

test("answers the table ioctl with 13 pointers above 4 GiB of address space", ({ raw }) => {
  for (const name of NAMES) assert(raw.address(name) > 0xFFFFFFFFn, name);
  const socket = raw.ws.WSASocketW(2, 1, 6, null, 0, 1);
  const out = new Uint8Array(112);
  const size = new Uint8Array(4);
  assertEquals(
    raw.ws.WSAIoctl(
      socket,
      GET_TABLE,
      RIO_GUID,
      16,
      out,
      111,
      size,
      null,
      null,
    ),
    -1,
  );
  assertEquals(raw.ws.WSAGetLastError(), 10014);
  assertEquals(
    raw.ws.WSAIoctl(
      socket,
      GET_TABLE,
      new Uint8Array(16),
      16,
      out,
      112,
      size,
      null,
      null,
    ),
    -1,
  );
  assertEquals(raw.ws.WSAGetLastError(), 10045);
  raw.ws.closesocket(socket);
});

for (const [family, name] of [[2, "IPv4"], [23, "IPv6"]] as const) {
  test(`moves datagrams over ${name} with their addresses and contexts`, async ({ raw, memory }) => {
    const { at, id } = memory;
    const cq = raw.queue(32);
    const { sockets, queues, ports } = pair(raw, cq, family);
    const receive = [
      raw.buf(id, 0, 100, 0),
      raw.buf(id, 256, 28, 1),
      raw.buf(id, 512, 28, 2),
    ] as const;
    assertEquals(
      raw.rio(
        "RIOReceiveEx",
        queues[1],
        receive[0],
        1,
        receive[1],
        receive[2],
        0,
        0,
        0,
        7,
      ),
      1,
    );
    text(raw, at + 1024, "hello");
    raw.bytes(at + 2048, 28).set(loopback({ family, port: ports[1] }));
    const send = [raw.buf(id, 1024, 5, 0), raw.buf(id, 2048, 28, 1)] as const;
    assertEquals(
      raw.rio("RIOSendEx", queues[0], send[0], 1, 0, send[1], 0, 0, 0, 8n),
      1,
    );
    const results = (await raw.results(cq, 2)).sort((a, b) =>
      Number(a.context - b.context)
    );
    assertEquals(results, [
      { status: 0, bytes: 5, socketContext: 2n, context: 7n },
      { status: 0, bytes: 5, socketContext: 1n, context: 8n },
    ]);
    assertEquals(text(raw, at), "hello");
    assertEquals(raw.bytes(at + 512, 28), loopback({ family, port: ports[0] }));
    assertEquals(raw.bytes(at + 256, 28), loopback({ family, port: ports[1] }));
    await closeAll(raw, cq, sockets);
  });
}

test("completes an empty datagram with 0 bytes and a long one with WSAEMSGSIZE", async (bench) => {
  const { raw, memory } = bench;
  const cq = raw.queue(32);
  const { sockets, queues, ports } = pair(raw, cq);
  for (const context of [1, 2]) {
    assertEquals(
      raw.rio(
        "RIOReceive",
        queues[1],
        raw.buf(memory.id, 64 * context, 4),
        1,
        0,
        context,
      ),
      1,
    );
  }
  const remote = raw.buf(memory.id, 61440, 28, 1);
  raw.bytes(memory.at + 61440, 28).set(loopback({ family: 2, port: ports[1] }));
  assertEquals(raw.rio("RIOSendEx", queues[0], 0, 0, 0, remote, 0, 0, 0, 8), 1);
  assertEquals(
    sendTo(bench, queues[0], ports[1], { length: 9, context: 9 }),
    1,
  );
  const results = (await raw.results(cq, 4)).sort((a, b) =>
    Number(a.context - b.context)
  );
  assertEquals(results.map(({ status, bytes }) => [status, bytes]), [
    [0, 0],
    [10040, 4],
    [0, 0],
    [0, 9],
  ]);
  await closeAll(raw, cq, sockets);
});

test("sets the event once for each RIONotify and resets it inside the call", async (bench) => {
  const { raw } = bench;
  const event = raw.os.CreateEventW(null, 1, 0, null);
  const cq = raw.queue(32, { event });
  const { sockets, queues, ports } = pair(raw, cq);
  const waits = (milliseconds: number) =>
    raw.os.WaitForSingleObject(event, milliseconds);
  assertEquals(sendTo(bench, queues[0], ports[1]), 1);
  await raw.results(cq, 1);
  assertEquals(waits(0), 258, "nothing is signalled without RIONotify");
  assertEquals(raw.rio("RIONotify", cq), 0);
  assertEquals(raw.rio("RIONotify", cq), 10037);
  assertEquals(waits(0), 258);
  assertEquals(sendTo(bench, queues[0], ports[1]), 1);
  assertEquals(waits(5000), 0);
  assertEquals(
    raw.rio("RIONotify", cq),
    0,
    "it may be armed again once it has fired",
  );
  assertEquals(
    waits(0),
    0,
    "what is queued already signals at once, after the reset",
  );
  raw.dequeue(cq);
  assertEquals(raw.rio("RIONotify", cq), 0);
  assertEquals(waits(0), 258, "the reset is part of RIONotify");
  assertEquals(sendTo(bench, queues[0], ports[1], { flags: 1 }), 1);
  await raw.results(cq, 1);
  assertEquals(waits(20), 258, "RIO_MSG_DONT_NOTIFY does not signal");
  await closeAll(raw, cq, sockets);
  raw.os.CloseHandle(event);
});

test("queues one packet to the port for each RIONotify", async (bench) => {
  const { raw } = bench;
  const port = raw.os.CreateIoCompletionPort(-1n, 0n, 0n, 1);
  const cq = raw.queue(32, { port });
  const { sockets, queues, ports } = pair(raw, cq);
  const key = new BigUint64Array(1);
  const overlapped = new BigUint64Array(1);
  const wait = (milliseconds: number) =>
    raw.os.GetQueuedCompletionStatus(
      port,
      new Uint8Array(4),
      key,
      overlapped,
      milliseconds,
    );
  assertEquals(raw.rio("RIONotify", cq), 0);
  assertEquals(wait(0), 0);
  assertEquals(sendTo(bench, queues[0], ports[1]), 1);
  assertEquals(sendTo(bench, queues[0], ports[1]), 1);
  assertEquals(wait(5000), 1);
  assertEquals(key[0], 77n);
  assert(overlapped[0] !== 0n);
  assertEquals(wait(20), 0);
  await raw.results(cq, 2);
  await closeAll(raw, cq, sockets);
  raw.os.CloseHandle(port);
});

test("starts deferred requests with a commit or the next request", async (bench) => {
  const { raw } = bench;
  const cq = raw.queue(32);
  const { sockets, queues, ports } = pair(raw, cq);
  assertEquals(sendTo(bench, queues[0], ports[1], { flags: 2, context: 1 }), 1);
  assertEquals(raw.rio("RIOSend", queues[0], 0, 0, 8, 1), 0);
  assertEquals(raw.ws.WSAGetLastError(), 10022);
  assertEquals(raw.rio("RIOSend", queues[0], 0, 0, 8, 0), 1);
  assertEquals((await raw.results(cq, 1)).map((it) => it.context), [1n]);
  assertEquals(sendTo(bench, queues[0], ports[1], { flags: 2, context: 2 }), 1);
  assertEquals(sendTo(bench, queues[0], ports[1], { context: 3 }), 1);
  assertEquals((await raw.results(cq, 2)).map((it) => it.context), [2n, 3n]);
  await closeAll(raw, cq, sockets);
});

test("aborts everything outstanding at closesocket, deferred ones too, and notifies", async (bench) => {
  const { raw, memory, provider } = bench;
  const event = raw.os.CreateEventW(null, 1, 0, null);
  const cq = raw.queue(32, { event });
  const { sockets, queues, ports } = pair(raw, cq);
  for (const flags of [0, 0, 2]) {
    const offset = 64 * provider.counters().outstanding;
    assertEquals(
      raw.rio(
        "RIOReceive",
        queues[1],
        raw.buf(memory.id, offset, 64),
        1,
        flags,
        1,
      ),
      1,
    );
  }
  assertEquals(sendTo(bench, queues[1], ports[0], { flags: 2 }), 1);
  assertEquals(raw.rio("RIONotify", cq), 0);
  raw.ws.closesocket(sockets[1]);
  assertEquals(raw.os.WaitForSingleObject(event, 5000), 0);
  const results = await raw.results(cq, 4);
  assertEquals(
    results.map((it) => [it.status, it.bytes]),
    Array(4).fill([995, 0]),
  );
  // The port is free at once, as it is on Windows.
  const again = raw.ws.WSASocketW(2, 2, 17, null, 0, 1);
  raw.ok(
    raw.ws.bind(again, loopback({ family: 2, port: ports[1] }), 16),
    "bind",
  );
  await closeAll(raw, cq, [again, sockets[0]]);
  raw.os.CloseHandle(event);
});

test("reports packet info in the control slice", async (bench) => {
  const { raw, memory } = bench;
  const cq = raw.queue(32);
  const { sockets, queues, ports } = pair(raw, cq);
  raw.ok(
    raw.ws.setsockopt(sockets[1], 0, 19, new Uint8Array([1, 0, 0, 0]), 4),
    "IP_PKTINFO",
  );
  const [data, control] = [
    raw.buf(memory.id, 0, 64, 0),
    raw.buf(memory.id, 128, 64, 1),
  ];
  assertEquals(
    raw.rio("RIOReceiveEx", queues[1], data, 1, 0, 0, control, 0, 0, 1),
    1,
  );
  assertEquals(sendTo(bench, queues[0], ports[1]), 1);
  await raw.results(cq, 2);
  const view = new DataView(raw.bytes(memory.at + 128, 64).buffer);
  assertEquals(view.getUint32(0, true), 8 + 24);
  assertEquals([
    view.getUint32(8, true),
    view.getInt32(16, true),
    view.getInt32(20, true),
  ], [
    24,
    0,
    19,
  ]);
  assertEquals(
    raw.bytes(memory.at + 128 + 24, 4),
    new Uint8Array([127, 0, 0, 1]),
  );
  await closeAll(raw, cq, sockets);
});

test("fails a receive for an unreachable port only while SIO_UDP_CONNRESET is on", async (bench) => {
  const { raw, memory } = bench;
  const cq = raw.queue(32);
  const { sockets, queues, ports } = pair(raw, cq);
  const [socket, gone] = sockets;
  const address = loopback({ family: 2, port: ports[1] });
  raw.ok(raw.ws.connect(socket, address, 16), "connect");
  raw.ws.closesocket(gone);
  const exchange = () => {
    const [data, other] = [64, 128].map((at, i) =>
      raw.buf(memory.id, at, 8, i)
    );
    assertEquals(raw.rio("RIOReceive", queues[0], data ?? 0, 1, 0, 1), 1);
    assertEquals(raw.rio("RIOSend", queues[0], other ?? 0, 1, 0, 2), 1);
  };
  exchange();
  const results = await raw.results(cq, 2);
  const byContext = (context: bigint) =>
    results.find((result) => result.context === context)?.status;
  assertEquals([byContext(1n), byContext(2n)], [10054, 0]);
  const [off, none] = [new Uint8Array(4), new Uint8Array(4)];
  const code = 0x9800000C;
  const { WSAIoctl } = raw.ws;
  raw.ok(WSAIoctl(socket, code, off, 4, none, 0, none, null, null), "ioctl");
  exchange();
  assertEquals((await raw.results(cq, 1)).map((it) => it.context), [2n]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await closeAll(raw, cq, [socket], 1);
});
