/** How function pointers are called: frames, and the fallback. */
import { assertEquals, assertThrows } from "@std/assert";
import { CallMemory, NativeFunction } from "../../ffi/winsock/call.ts";
import { RioError } from "../../ffi/errors.ts";
import { createFakeWindows, type FakeWindows } from "../fake/mod.ts";
import { Rig, slice, withRig } from "./open.ts";

const CONTEXT = 2 ** 52 + 2 ** 33 + 5;

/** Sends a datagram and returns everything that came of it. */
async function exchange(rig: Rig): Promise<unknown[]> {
  const { backend } = rig;
  const buffer = rig.register(8192);
  const receiver = rig.udp();
  const sender = rig.udp();
  buffer.bytes.set([9, 8, 7]);
  buffer.bytes.set(receiver.name, 64);
  const posted = [
    backend.rings.receiveEx(
      receiver.rq,
      slice(buffer, 1024, 100),
      slice(buffer, 2048, 28),
      slice(buffer, 2176, 28),
      null,
      null,
      0,
      CONTEXT + 1,
    ),
    backend.rings.receive(receiver.rq, slice(buffer, 3072, 100), 0, 1),
    backend.rings.sendEx(
      sender.rq,
      slice(buffer, 0, 3),
      slice(buffer, 64, 28),
      null,
      0,
      CONTEXT + 2,
    ),
    backend.sockets.connect(sender.socket, receiver.name, 0),
    backend.rings.send(sender.rq, slice(buffer, 1, 1), 0, 4),
    backend.rings.resizeCompletionQueue(sender.cq, 16),
    backend.rings.resizeRequestQueue(sender.rq, 2, 6),
    backend.rings.notify(sender.cq),
  ];
  await rig.turn();
  const results = [rig.dequeue(receiver.cq, 2), rig.dequeue(sender.cq, 2)];
  const bytes = [...buffer.bytes.slice(1024, 1028)];
  const remote = [...buffer.bytes.slice(2176, 2204)];
  assertEquals(remote, [...sender.name]);
  assertEquals([...buffer.bytes.slice(2048, 2076)], [...receiver.name]);
  for (const { socket, cq } of [receiver, sender]) {
    backend.sockets.close(socket);
    rig.dequeue(cq);
    backend.rings.closeCompletionQueue(cq);
  }
  backend.rings.deregisterBuffer(buffer.id);
  return [posted, results, bytes, remote.slice(4)];
}

Deno.test("NativeFunction gives the same results through frames and through UnsafeFnPointer", async () => {
  const seen: unknown[][] = [];
  const counts: (number | undefined)[] = [];
  for (const dispatch of [true, false]) {
    await withRig({ call: { dispatch } }, async (rig) => {
      seen.push(await exchange(rig));
      counts.push(rig.fake.counts.DispCallFunc);
    });
  }
  assertEquals(seen[0], seen[1]);
  assertEquals(counts[0]! > 20, true);
  assertEquals(counts[1], undefined);
  const [posted, [received, sent], bytes] = seen[0] as [
    number[],
    { requestContext: number }[][],
    number[],
  ];
  // The queue of a queue without notification cannot be armed.
  assertEquals(posted, [0, 0, 0, 1, 0, 0, 0, 10022]);
  assertEquals(bytes, [9, 8, 7, 0]);
  assertEquals(received!.map((result) => result.requestContext), [
    CONTEXT + 1,
    1,
  ]);
  assertEquals(sent!.map((result) => result.requestContext), [CONTEXT + 2, 4]);
});

Deno.test("createWinsockBackend() calls without DispCallFunc where there is none", () =>
  withRig({ dispatch: false }, async (rig) => {
    assertEquals(rig.fake.symbols.DispCallFunc, null);
    await exchange(rig);
  }));

Deno.test("handles keep the words above the lower 32 bits", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(4096);
    const { socket, cq, rq } = rig.udp();
    for (const handle of [buffer.id, socket, cq, rq]) {
      assertEquals(handle > 0xFFFFFFFF, true);
    }
    rig.backend.sockets.close(socket);
    rig.backend.rings.closeCompletionQueue(cq);
    rig.backend.rings.deregisterBuffer(buffer.id);
  }));

Deno.test("NativeFunction calls nothing twice when DispCallFunc refuses a frame that it took before", () =>
  withRig({}, (rig) => {
    const { socket, cq, rq } = rig.udp();
    for (const accept of [false, true]) {
      rig.fake.fail("DispCallFunc", 0, { accept });
      const error = assertThrows(
        () => rig.backend.rings.send(rq, null, 8, 0),
        RioError,
      );
      assertEquals(error.syscall, "DispCallFunc");
      assertEquals(rig.fake.counts.RIOSend ?? 0, accept ? 1 : 0);
    }
    assertEquals(rig.backend.rings.send(rq, null, 8, 0), 0);
    assertEquals(rig.fake.counts.RIOSend, 2);
    rig.backend.sockets.close(socket);
    rig.backend.rings.closeCompletionQueue(cq);
  }));

/** What may be wrong about `DispCallFunc`, and which call path follows. */
const DOUBTFUL: Readonly<Record<string, (fake: FakeWindows) => void>> = {
  "refuses to call": ({ fail }) => fail("DispCallFunc", 0),
  "refuses a result of 64 bits": ({ fail }) =>
    fail("DispCallFunc", 0, { nth: 4 }),
  "gives another result": ({ fail }) => fail("VerSetConditionMask", 0),
  "has nothing to prove itself with": ({ fail }) => fail("GetProcAddress", 0),
  "has no library to prove itself with": ({ fail }) =>
    fail("GetModuleHandleW", 0),
};

for (const [what, spoil] of Object.entries(DOUBTFUL)) {
  Deno.test(`createWinsockBackend() calls without DispCallFunc where it ${what}`, async () => {
    const fake = createFakeWindows();
    spoil(fake);
    using rig = new Rig({}, fake);
    assertEquals(rig.backend.calls, "UnsafeFnPointer");
    const before = fake.counts.DispCallFunc;
    await exchange(rig);
    assertEquals(fake.counts.DispCallFunc, before);
    assertEquals(fake.violations, []);
  });
}

Deno.test("createWinsockBackend() tries DispCallFunc once with known functions, and then calls through it", () =>
  withRig({}, (rig) => {
    assertEquals(rig.backend.calls, "DispCallFunc");
    const { counts } = rig.fake;
    assertEquals([counts.DispCallFunc, counts.VerSetConditionMask], [4, 2]);
    rig.another().backend.close(false);
    assertEquals([counts.DispCallFunc, counts.VerSetConditionMask], [4, 2]);
  }));

Deno.test("NativeFunction reads signed, unsigned and 64-bit results", () => {
  const cases = [
    ["i32", -2, (call: NativeFunction) => call.int32],
    ["u32", 0xFFFFFFFE, (call: NativeFunction) => call.uint32],
    ["u64", 2 ** 52 + 1, (call: NativeFunction) => call.pointer],
  ] as const;
  for (const [type, value, read] of cases) {
    const callback = new Deno.UnsafeCallback(
      { parameters: ["i32", "u64"], result: type } as const,
      ((sign: number, wide: bigint) => {
        assertEquals([sign, wide], [-1, 2n ** 52n + 7n]);
        return type === "u64" ? BigInt(value) : value;
      }) as never,
    );
    const call = new NativeFunction(
      Deno.UnsafePointer.value(callback.pointer),
      { parameters: ["i32", "u64"], result: type },
      { memory: new CallMemory(), dispCallFunc: null },
    );
    call.set(0, 0xFFFFFFFF);
    call.set(1, 2 ** 52 + 7);
    call.call();
    assertEquals(read(call), value);
    callback.close();
  }
});

Deno.test("CallMemory refuses more than one block", () => {
  const memory = new CallMemory();
  memory.take(16000);
  assertThrows(() => memory.take(1000), RangeError, "too few");
});

Deno.test("receive() is one native call", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(4096);
    const { socket, cq, rq } = rig.udp();
    const total = () => Object.values(rig.fake.counts).reduce((a, b) => a + b);
    const before = total();
    assertEquals(rig.backend.rings.receive(rq, slice(buffer, 0, 8), 0, 1), 0);
    // DispCallFunc, and the function that it called.
    assertEquals(total() - before, 2);
    rig.backend.sockets.close(socket);
    assertEquals(rig.dequeue(cq), [{
      status: 995,
      bytesTransferred: 0,
      requestContext: 1,
    }]);
    rig.backend.rings.closeCompletionQueue(cq);
    rig.backend.rings.deregisterBuffer(buffer.id);
  }));
