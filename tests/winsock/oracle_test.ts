/** The fake Windows notices misuse, so that tests over it can rely on it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Bound, type Registered, Rig, slice } from "./open.ts";

/** What the oracle says of a body; the rig is left as the body leaves it. */
function violations(
  body: (rig: Rig, bound: Bound, buffer: Registered) => void,
): string[] {
  const rig = new Rig();
  rig.backend.waits.createNotification("iocp", 1);
  const bound = rig.udp(1);
  const buffer = rig.register(256);
  rig.backend.sockets.connect(bound.socket, bound.name, 0);
  body(rig, bound, buffer);
  const said = rig.fake.takeViolations();
  rig.fake[Symbol.dispose]();
  return said;
}

Deno.test("the oracle notices a deregistration while a request is outstanding", () => {
  const said = violations(({ backend }, { rq }, buffer) => {
    backend.rings.receive(rq, slice(buffer, 0, 8), 0, 1);
    backend.rings.deregisterBuffer(buffer.id);
  });
  assertEquals(said, ["RIODeregisterBuffer: 1 slices are in use"]);
});

Deno.test("the oracle notices a deregistration between completion and dequeue", () => {
  const said = violations(({ backend, fake }, { rq }, buffer) => {
    backend.rings.send(rq, slice(buffer, 0, 8), 0, 1);
    fake.pump(3);
    backend.rings.deregisterBuffer(buffer.id);
  });
  assertEquals(said.length, 1);
});

Deno.test("the oracle allows a deregistration after the dequeue", () => {
  const said = violations((rig, { rq, cq }, buffer) => {
    rig.backend.rings.send(rq, slice(buffer, 0, 8), 0, 1);
    rig.dequeue(cq, 1);
    rig.backend.rings.deregisterBuffer(buffer.id);
  });
  assertEquals(said, []);
});

Deno.test("the oracle notices a completion queue closed with a request outstanding", () => {
  const said = violations(({ backend }, { rq, cq }, buffer) => {
    backend.rings.receive(rq, slice(buffer, 0, 8), 0, 1);
    backend.rings.closeCompletionQueue(cq);
  });
  assertEquals(said, ["RIOCloseCompletionQueue: 1 requests are outstanding"]);
});

Deno.test("the oracle notices slices that overlap where one is received into", () => {
  const said = violations(({ backend }, { rq }, buffer) => {
    backend.rings.receive(rq, slice(buffer, 0, 8), 0, 1);
    backend.rings.send(rq, slice(buffer, 7, 8), 0, 2);
    backend.rings.receive(rq, slice(buffer, 16, 8), 0, 3);
  });
  assertEquals(said, ["RIOSend: a slice overlaps one that is in use"]);
});

Deno.test("the oracle allows sends that share their bytes", () => {
  const said = violations(({ backend }, { rq }, buffer) => {
    backend.rings.send(rq, slice(buffer, 0, 8), 0, 1);
    backend.rings.send(rq, slice(buffer, 0, 8), 0, 2);
  });
  assertEquals(said, []);
});

Deno.test("the oracle notices bytes that change while they are sent", () => {
  const said = violations(({ backend, fake }, { rq }, buffer) => {
    backend.rings.send(rq, slice(buffer, 0, 8), 0, 1);
    buffer.bytes[3] = 1;
    fake.pump(2);
  });
  assertEquals(said, ["RIOSend: the bytes were changed before the completion"]);
});

Deno.test("the oracle notices a port closed under a queue that notifies through it", () => {
  const said = violations((rig, { rq, cq }, buffer) => {
    rig.backend.rings.notify(cq);
    rig.backend.rings.send(rq, slice(buffer, 0, 8), 0, 1);
    rig.backend.close(false);
    rig.fake.pump(3);
  });
  assertStringIncludes(said.join(), "a queue notifies through a closed handle");
});

Deno.test("the oracle names what is left at the last WSACleanup", () => {
  const said = violations(({ backend }) => backend.close(false));
  assertEquals(said, [
    "WSACleanup: 1 buffers are left",
    "WSACleanup: 1 completionQueues are left",
    "WSACleanup: 1 sockets are left",
  ]);
});

Deno.test("a fake system that holds completes nothing, not even for a closed socket", () => {
  const said = violations((rig, { rq, cq, socket }, buffer) => {
    rig.fake.hold();
    rig.backend.rings.receive(rq, slice(buffer, 0, 8), 0, 1);
    rig.backend.sockets.close(socket);
    assertEquals(rig.dequeue(cq), []);
    rig.fake.resume();
    assertEquals(rig.dequeue(cq, 1)[0]!.status, 995);
  });
  assertEquals(said, []);
});

Deno.test("a fake system completes nothing inside the call that posts", () => {
  violations((rig, { rq, cq }, buffer) => {
    rig.fake.pump();
    rig.backend.rings.send(rq, slice(buffer, 0, 8), 0, 1);
    const count = rig.backend.rings.dequeueCompletion(cq, rig.results, 16);
    assertEquals(count, 0);
    assertEquals(rig.dequeue(cq, 1).length, 1);
  });
});
