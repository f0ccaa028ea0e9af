/** The provider keeps the limits of the contract, and fails when it is told to. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { UNTIL_LOWERED } from "./provider.ts";
import { closeAll, pair, sendTo, test } from "./setup.ts";

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
