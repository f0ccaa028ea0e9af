import { assertEquals, assertNotEquals } from "@std/assert";
import { Operations } from "../../ffi/winsock/operations.ts";
import { slice, withRig } from "./open.ts";

Deno.test("Operations.release() keeps a slot until the packet of its call arrived", () => {
  const operations = new Operations();
  const first = operations.begin(1);
  operations.release(first);
  const second = operations.begin(2);
  assertNotEquals(second.slot.address, first.slot.address);
  assertEquals(operations.arrive(first.slot.address)?.key, 1);
  const third = operations.begin(3);
  assertEquals(third.slot.address, first.slot.address);
});

Deno.test("Operations.release() frees a slot once when called again", () => {
  const operations = new Operations();
  const operation = operations.begin(1);
  operations.arrive(operation.slot.address);
  operations.release(operation);
  operations.release(operation);
  const slots = [1, 2].map((key) => operations.begin(key).slot.address);
  assertEquals(new Set(slots).size, 2);
});

Deno.test("Operations.arrive() knows no packet of a call that failed at once", () => {
  const operations = new Operations();
  const operation = operations.begin(1);
  operations.cancel(operation);
  assertEquals(operations.arrive(operation.slot.address), undefined);
  assertEquals(operations.pending, 0);
});

Deno.test("a post on the request queue used last is 10038 without a native call when its socket was closed", () =>
  withRig({}, (rig) => {
    const { backend, fake } = rig;
    const bound = rig.udp();
    const buffer = rig.register(64);
    assertEquals(
      backend.rings.receive(bound.rq, slice(buffer, 0, 64), 0, 1),
      0,
    );
    assertEquals(backend.sockets.close(bound.socket), 0);
    const before = fake.counts.DispCallFunc;
    assertEquals(
      backend.rings.receive(bound.rq, slice(buffer, 0, 64), 0, 2),
      10038,
    );
    assertEquals(fake.counts.DispCallFunc, before);
    assertEquals(rig.dequeue(bound.cq).length, 1);
    backend.rings.closeCompletionQueue(bound.cq);
    backend.rings.deregisterBuffer(buffer.id);
  }));
