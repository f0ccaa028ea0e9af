/** The provider does what the contract says, so that what runs on it is tested by something true. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { library, Provider, UNTIL_LOWERED } from "./provider.ts";
import { GET_TABLE, loopback, NAMES, Raw, RIO_GUID } from "./raw.ts";

const ignore = library === undefined;
if (ignore) {
  console.log("skip: RIO_LIBRARY is not set, so there is no provider to test");
}

interface Bench {
  raw: Raw;
  provider: Provider;
  /** A registration of 64 KiB and its address. */
  memory: { at: number; id: number };
}

/** Runs a test that must leave nothing and break nothing. */
function test(
  name: string,
  body: (bench: Bench) => void | Promise<void>,
): void {
  Deno.test({
    name: `the provider ${name}`,
    ignore,
    async fn() {
      using provider = new Provider(library ?? "");
      provider.reset();
      provider.tolerateRefused(true);
      {
        using raw = new Raw(library ?? "");
        const at = raw.pages(65536);
        const id = raw.rio("RIORegisterBuffer", at, 65536);
        await body({ raw, provider, memory: { at, id } });
        raw.rio("RIODeregisterBuffer", id);
      }
      provider.tolerateRefused(false);
      assertEquals(provider.violations(), []);
    },
  });
}

/** A pair of UDP sockets that use one completion queue. */
function pair(raw: Raw, cq: number, family: 2 | 23 = 2, slots = 8): {
  sockets: [bigint, bigint];
  queues: [number, number];
  ports: [number, number];
} {
  const sockets: [bigint, bigint] = [
    raw.socket(2, { family }),
    raw.socket(2, { family }),
  ];
  const queues = sockets.map((socket, index) =>
    raw.rio(
      "RIOCreateRequestQueue",
      socket,
      slots,
      1,
      slots,
      1,
      cq,
      cq,
      index + 1,
    )
  );
  assert(
    queues[0] && queues[1],
    `RIOCreateRequestQueue failed with ${raw.ws.WSAGetLastError()}`,
  );
  return {
    sockets,
    queues: [queues[0], queues[1]],
    ports: [raw.port(sockets[0]), raw.port(sockets[1])],
  };
}

async function closeAll(
  raw: Raw,
  cq: number,
  sockets: bigint[],
  outstanding = 0,
): Promise<void> {
  for (const socket of sockets) assertEquals(raw.ws.closesocket(socket), 0);
  for (const { status } of await raw.results(cq, outstanding)) {
    assertEquals(status, 995);
  }
  raw.rio("RIOCloseCompletionQueue", cq);
}

function text(raw: Raw, at: number, value?: string): string {
  if (value !== undefined) {
    raw.bytes(at, value.length).set(new TextEncoder().encode(value));
  }
  return new TextDecoder().decode(raw.bytes(at, 5));
}

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

/** Sends `length` bytes from queue 0 to socket 1 of a pair. */
function sendTo(
  { raw, memory }: Bench,
  queue: number,
  port: number,
  options: {
    length?: number;
    flags?: number;
    context?: number;
    offset?: number;
  } = {},
): number {
  const { length = 5, flags = 0, context = 0, offset = 32768 } = options;
  raw.bytes(memory.at + 61440, 28).set(loopback({ family: 2, port }));
  const data = raw.buf(memory.id, offset, length, 0);
  const remote = raw.buf(memory.id, 61440, 28, 1);
  return raw.rio("RIOSendEx", queue, data, 1, 0, remote, 0, 0, flags, context);
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

test("keeps limits: outstanding, reservation and both resizes", async (bench) => {
  const { raw, memory } = bench;
  const refuses = (code: number, result: number) =>
    assertEquals([result, result || raw.ws.WSAGetLastError()], [0, code]);
  refuses(10022, raw.rio("RIOCreateCompletionQueue", 0, 0));
  refuses(10022, raw.rio("RIOCreateCompletionQueue", 0x8000001, 0));
  const cq = raw.queue(4);
  const socket = raw.socket(2);
  const create = (
    receives: number,
    receiveBuffers: number,
    sends: number,
    sendBuffers: number,
  ) =>
    raw.rio(
      "RIOCreateRequestQueue",
      socket,
      receives,
      receiveBuffers,
      sends,
      sendBuffers,
      cq,
      cq,
      0,
    );
  refuses(10055, create(4, 1, 1, 1));
  refuses(10022, create(0, 1, 0, 1));
  refuses(10022, create(1, 2, 1, 1));
  refuses(10022, create(1, 1, 1, 0));
  const plain = raw.socket(2, { flags: 1 });
  refuses(
    10045,
    raw.rio("RIOCreateRequestQueue", plain, 1, 1, 1, 1, cq, cq, 0),
  );
  raw.ws.closesocket(plain);
  refuses(
    10038,
    raw.rio("RIOCreateRequestQueue", plain, 1, 1, 1, 1, cq, cq, 0),
  );
  const rq = create(2, 1, 2, 1);
  assert(rq);
  refuses(10022, create(0, 1, 0, 1));
  for (const context of [1, 2]) {
    assertEquals(
      raw.rio(
        "RIOReceive",
        rq,
        raw.buf(memory.id, 64 * context, 64),
        1,
        0,
        context,
      ),
      1,
    );
  }
  refuses(
    10055,
    raw.rio("RIOReceive", rq, raw.buf(memory.id, 512, 64), 1, 0, 3),
  );
  refuses(10059, raw.rio("RIOResizeRequestQueue", rq, 1, 2));
  refuses(10055, raw.rio("RIOResizeRequestQueue", rq, 3, 2));
  refuses(10059, raw.rio("RIOResizeCompletionQueue", cq, 3));
  refuses(10022, raw.rio("RIOResizeCompletionQueue", cq, 0));
  assertEquals(raw.rio("RIOResizeCompletionQueue", cq, 8), 1);
  assertEquals(raw.rio("RIOResizeRequestQueue", rq, 3, 2), 1);
  assertEquals(
    raw.rio("RIOReceive", rq, raw.buf(memory.id, 512, 64), 1, 0, 3),
    1,
  );
  refuses(
    10055,
    raw.rio("RIOReceive", rq, raw.buf(memory.id, 1024, 64), 1, 0, 4),
  );
  raw.ws.closesocket(socket);
  const other = raw.socket(2);
  refuses(
    10055,
    raw.rio("RIOCreateRequestQueue", other, 4, 1, 4, 1, cq, cq, 0),
  );
  assertEquals((await raw.results(cq, 3)).map((it) => it.status), [
    995,
    995,
    995,
  ]);
  assert(raw.rio("RIOCreateRequestQueue", other, 4, 1, 4, 1, cq, cq, 0));
  await closeAll(raw, cq, [other]);
});

/** A connected pair of TCP sockets. */
function connection(
  raw: Raw,
  cq: number,
): { sockets: [bigint, bigint]; queues: [number, number] } {
  const listener = raw.socket(1);
  raw.ok(raw.ws.listen(listener, 1), "listen");
  const client = raw.socket(1);
  raw.ok(
    raw.ws.connect(
      client,
      loopback({ family: 2, port: raw.port(listener) }),
      16,
    ),
    "connect",
  );
  const server = raw.ws.accept(listener, null, null);
  raw.ws.closesocket(listener);
  const queues = [client, server].map((socket, index) =>
    raw.rio("RIOCreateRequestQueue", socket, 8, 1, 8, 1, cq, cq, index + 1)
  );
  assert(
    queues[0] && queues[1],
    `RIOCreateRequestQueue failed with ${raw.ws.WSAGetLastError()}`,
  );
  return { sockets: [client, server], queues: [queues[0], queues[1]] };
}

test("fills stream receives in order, WAITALL fully, and ends with 0 bytes", async (bench) => {
  const { raw, memory } = bench;
  const cq = raw.queue(32);
  const { sockets, queues } = connection(raw, cq);
  const receive = (
    offset: number,
    length: number,
    flags: number,
    context: number,
  ) =>
    raw.rio(
      "RIOReceive",
      queues[1],
      raw.buf(memory.id, offset, length),
      1,
      flags,
      context,
    );
  text(raw, memory.at, "abcdefghij");
  assertEquals(receive(1024, 3, 0, 11), 1);
  assertEquals(
    raw.rio("RIOSend", queues[0], raw.buf(memory.id, 0, 5), 1, 0, 1),
    1,
  );
  await raw.results(cq, 2);
  assertEquals(receive(1027, 7, 4, 12), 1);
  assertEquals(
    (await new Promise((resolve) => setTimeout(resolve, 20)), raw.dequeue(cq)),
    [],
  );
  assertEquals(
    raw.rio("RIOSend", queues[0], raw.buf(memory.id, 5, 5), 1, 0, 2),
    1,
  );
  const full = (await raw.results(cq, 2)).find((it) => it.context === 12n);
  assertEquals([full?.status, full?.bytes], [0, 7]);
  assertEquals(
    text(raw, memory.at + 1024) + text(raw, memory.at + 1029),
    "abcdefghij",
  );
  assertEquals(receive(2048, 8, 0, 13), 1);
  raw.ws.shutdown(sockets[0], 1);
  assertEquals(await raw.results(cq, 1), [
    { status: 0, bytes: 0, socketContext: 2n, context: 13n },
  ]);
  await closeAll(raw, cq, sockets);
});

test("completes a receive with WSAECONNRESET when the peer resets", async (bench) => {
  const { raw, memory } = bench;
  const cq = raw.queue(32);
  const { sockets, queues } = connection(raw, cq);
  assertEquals(
    raw.rio("RIOReceive", queues[1], raw.buf(memory.id, 0, 8), 1, 0, 1),
    1,
  );
  raw.ok(
    raw.ws.setsockopt(sockets[0], 0xFFFF, 128, new Uint8Array([1, 0, 0, 0]), 4),
    "linger",
  );
  raw.ws.closesocket(sockets[0]);
  const [result] = await raw.results(cq, 1);
  assertEquals([result?.status, result?.bytes], [10054, 0]);
  await closeAll(raw, cq, [sockets[1]]);
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

test("refuses FIONBIO on RIO sockets and takes it on others", ({ raw }) => {
  const [rio, plain] = [raw.socket(2), raw.socket(2, { flags: 1 })];
  const on = new Uint8Array([1, 0, 0, 0]);
  const code = 0x8004667E;
  assertEquals(raw.ws.ioctlsocket(rio, code | 0, on), -1);
  assertEquals(raw.ws.WSAGetLastError(), 10045);
  const none = new Uint8Array(4);
  assertEquals(
    raw.ws.WSAIoctl(rio, code, on, 4, none, 0, none, null, null),
    -1,
  );
  assertEquals(raw.ws.WSAGetLastError(), 10045);
  assertEquals(raw.ws.ioctlsocket(plain, code | 0, on), 0);
  raw.ws.closesocket(rio);
  raw.ws.closesocket(plain);
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

test("makes the call it is told to fail with the code it is told", async (bench) => {
  const { raw, provider, memory } = bench;
  provider.fail("RIORegisterBuffer", 2, 10055);
  const id = raw.rio("RIORegisterBuffer", memory.at, 4096);
  assert(id !== 0xFFFFFFFF);
  assertEquals(raw.rio("RIORegisterBuffer", memory.at, 4096), 0xFFFFFFFF);
  assertEquals(raw.ws.WSAGetLastError(), 10055);
  raw.rio("RIODeregisterBuffer", id);
  provider.fail("WSASocketW", 1, 10024);
  assertEquals(raw.ws.WSASocketW(2, 2, 17, null, 0, 1), 0xFFFFFFFFFFFFFFFFn);
  assertEquals(raw.ws.WSAGetLastError(), 10024);
  const cq = raw.queue(8);
  provider.corrupt(1);
  assertThrows(() => raw.dequeue(cq), Error, "RIO_CORRUPT_CQ");
  assertThrows(() => raw.dequeue(cq), Error, "RIO_CORRUPT_CQ");
  await closeAll(raw, cq, []);
});

test("holds completions until the delay is lowered", async (bench) => {
  const { raw, provider } = bench;
  const cq = raw.queue(32);
  const { sockets, queues, ports } = pair(raw, cq);
  provider.delay(UNTIL_LOWERED);
  assertEquals(sendTo(bench, queues[0], ports[1]), 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(raw.dequeue(cq), []);
  provider.delay(0);
  await raw.results(cq, 1);
  await closeAll(raw, cq, sockets);
});

test("completes requests inside the call when asked to", async (bench) => {
  const { raw, provider, memory } = bench;
  const cq = raw.queue(32);
  const { sockets, queues } = pair(raw, cq);
  provider.instant(true);
  assertEquals(
    raw.rio("RIOReceive", queues[0], raw.buf(memory.id, 0, 64), 1, 0, 5),
    1,
  );
  assertEquals(raw.dequeue(cq), [{
    status: 0,
    bytes: 64,
    socketContext: 1n,
    context: 5n,
  }]);
  provider.instant(false);
  await closeAll(raw, cq, sockets);
});
