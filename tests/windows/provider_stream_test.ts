/** The provider does what the contract says of streams and their sockets. */

import { assert, assertEquals } from "@std/assert";
import { closeAll, test, text } from "./setup.ts";
import { loopback, type Raw } from "./raw.ts";

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

/** One of the functions that Winsock gives out by GUID. */
function extension<const P extends Deno.NativeType[]>(
  raw: Raw,
  socket: bigint,
  guid: string,
  parameters: P,
) {
  const out = new BigUint64Array(1);
  const size = new Uint8Array(4);
  const id = Uint8Array.fromHex(guid);
  const code = 0xC8000006;
  const bytes = new Uint8Array(out.buffer);
  const { WSAIoctl } = raw.ws;
  raw.ok(WSAIoctl(socket, code, id, 16, bytes, 8, size, null, null), guid);
  const pointer = Deno.UnsafePointer.create(out[0] ?? 0n);
  assert(pointer);
  const prototype = { parameters, result: "i32" } as const;
  return new Deno.UnsafeFnPointer(
    pointer as Deno.PointerObject<typeof prototype>,
    prototype,
  );
}

test("serves sockets that AcceptEx and ConnectEx have connected", async (bench) => {
  const { raw, memory, provider } = bench;
  const cq = raw.queue(32);
  const listener = raw.socket(1);
  raw.ok(raw.ws.listen(listener, 1), "listen");
  const [client, child] = [raw.socket(1), raw.socket(1, { bound: false })];
  const acceptEx = extension(
    raw,
    listener,
    "f17d36b5accbcf1195ca00805f48a192",
    ["usize", "usize", "usize", "u32", "u32", "u32", "buffer", "usize"],
  );
  const connectEx = extension(
    raw,
    client,
    "b907a225f3dd60468ee976e58c74063e",
    ["usize", "buffer", "i32", "usize", "u32", "buffer", "usize"],
  );
  const events = [0, 1].map(() => raw.os.CreateEventW(null, 1, 0, null));
  const overlapped = events.map((event, index) => {
    const at = memory.at + 1024 + 32 * index;
    new DataView(raw.bytes(at, 32).buffer).setBigUint64(24, event, true);
    return BigInt(at);
  });
  const [accepted = 0n, connected = 0n] = overlapped;
  const none = new Uint8Array(4);
  const area = BigInt(memory.at);
  const address = loopback({ family: 2, port: raw.port(listener) });
  const start = () => [
    acceptEx.call(listener, child, area, 0, 32, 32, none, accepted),
    raw.ws.WSAGetLastError(),
    connectEx.call(client, address, 16, 0n, 0, none, connected),
    raw.ws.WSAGetLastError(),
  ];
  provider.fail("AcceptEx", 1, 10024);
  provider.fail("ConnectEx", 1, 10055);
  assertEquals(start(), [0, 10024, 0, 10055]);
  assertEquals(start(), [0, 997, 0, 997]);
  for (const event of events) {
    assertEquals(raw.os.WaitForSingleObject(event, 5000), 0);
    raw.os.CloseHandle(event);
  }
  const context = new Uint8Array(new BigUint64Array([listener]).buffer);
  raw.ok(raw.ws.setsockopt(child, 0xFFFF, 0x700B, context, 8), "accepted");
  raw.ok(raw.ws.setsockopt(client, 0xFFFF, 0x7010, none, 0), "connected");
  const create = (socket: bigint) =>
    raw.rio("RIOCreateRequestQueue", socket, 4, 1, 4, 1, cq, cq, 0);
  const [sender, receiver] = [create(client), create(child)];
  text(raw, memory.at + 4096, "hello");
  const [from, to] = [4096, 8192].map((at, place) =>
    raw.buf(memory.id, at, 5, place)
  );
  assertEquals(raw.rio("RIOReceive", receiver, to ?? 0, 1, 0, 0), 1);
  assertEquals(raw.rio("RIOSend", sender, from ?? 0, 1, 0, 0), 1);
  await raw.results(cq, 2);
  assertEquals(text(raw, memory.at + 8192), "hello");
  raw.ws.closesocket(listener);
  await closeAll(raw, cq, [client, child]);
});
