/** Notifications, waiting and waking over the fake. */
import { assert, assertEquals } from "@std/assert";
import { MAXIMUM_WAIT_OBJECTS } from "../../ffi/constants.ts";
import { RIO_NOTIFICATION_COMPLETION } from "../../ffi/layout.ts";
import type { WinsockWaits } from "../../ffi/winsock/waits.ts";
import { bytesAt } from "../fake/memory.ts";
import { address, Rig, slice, withRig } from "./open.ts";
import {
  notification,
  send,
  tearDown,
  type Watched,
  watched,
} from "./watched.ts";

for (const kind of ["iocp", "event"] as const) {
  Deno.test(`wait() reports the key of a queue that notifies through ${kind}`, () =>
    withRig({}, async (rig) => {
      const buffer = rig.register(64);
      const bound = watched(rig, kind, 77);
      assertEquals(rig.backend.rings.notify(bound.cq), 0);
      send(rig, bound, buffer);
      assertEquals(await rig.backend.waits.wait(), 1);
      assertEquals(rig.backend.waits.fired[0], 77);
      assertEquals(rig.dequeue(bound.cq, 1).length, 1);
      tearDown(rig, [bound], buffer);
    }));

  Deno.test(`notify() on ${kind} fires at once when something is queued already`, () =>
    withRig({}, async (rig) => {
      const buffer = rig.register(64);
      const bound = watched(rig, kind, 5);
      send(rig, bound, buffer);
      rig.fake.pump(3);
      assertEquals(rig.backend.rings.notify(bound.cq), 0);
      await rig.fired(5);
      tearDown(rig, [bound], buffer);
    }));

  Deno.test(`one notify() on ${kind} buys one notification`, () =>
    withRig({}, async (rig) => {
      const buffer = rig.register(64);
      const bound = watched(rig, kind, 5);
      assertEquals(rig.backend.rings.notify(bound.cq), 0);
      send(rig, bound, buffer);
      await rig.fired(5);
      send(rig, bound, buffer);
      const second = rig.backend.waits.wait();
      rig.fake.pump(3);
      await rig.turn();
      rig.backend.waits.wake();
      assertEquals(await second, 0);
      tearDown(rig, [bound], buffer);
    }));

  Deno.test(`a completion with DONT_NOTIFY does not end a wait on ${kind}`, () =>
    withRig({}, async (rig) => {
      const buffer = rig.register(64);
      const bound = watched(rig, kind, 5);
      assertEquals(rig.backend.rings.notify(bound.cq), 0);
      send(rig, bound, buffer, 1);
      const wait = rig.backend.waits.wait();
      rig.fake.pump(3);
      await rig.turn();
      rig.backend.waits.wake();
      assertEquals(await wait, 0);
      assertEquals(rig.dequeue(bound.cq, 1).length, 1);
      tearDown(rig, [bound], buffer);
    }));

  Deno.test(`wake() ends the wait that goes on for ${kind}`, () =>
    withRig({}, async (rig) => {
      const bound = watched(rig, kind, 5);
      const wait = rig.backend.waits.wait();
      rig.backend.waits.wake();
      assertEquals(await wait, 0);
      tearDown(rig, [bound]);
    }));

  Deno.test(`close() ends the wait that goes on for ${kind}, and then closes its handles`, () =>
    withRig({}, async (rig) => {
      const bound = watched(rig, kind, 5);
      const wait = rig.backend.waits.wait();
      tearDown(rig, [bound]);
      rig.backend.close(false);
      assert(rig.fake.leftovers().handles! > 0, "closed under a wait");
      assertEquals(await wait, 0);
      await rig.turn();
      assertEquals(rig.fake.leftovers(), {});
    }));

  Deno.test(`wait() resolves to minus an error number when the wait for ${kind} fails`, () =>
    withRig({}, async (rig) => {
      const bound = watched(rig, kind, 5);
      const call = kind === "iocp"
        ? "GetQueuedCompletionStatusEx"
        : "WaitForMultipleObjects";
      rig.fake.fail(call, 6);
      assertEquals(await rig.backend.waits.wait(), -10107);
      assertEquals(rig.fake.counts[call], 1);
      tearDown(rig, [bound]);
    }));

  Deno.test(`wake() ends a wait for ${kind} even if waking fails`, () =>
    withRig({}, async (rig) => {
      const bound = watched(rig, kind, 5);
      const wait = rig.backend.waits.wait();
      const name = kind === "iocp" ? "PostQueuedCompletionStatus" : "SetEvent";
      rig.fake.fail(name, 6);
      rig.backend.waits.wake();
      assertEquals(await wait, 0);
      // The native wait was left over, and the next wait takes it over.
      const calls = () =>
        (rig.fake.counts.GetQueuedCompletionStatusEx ?? 0) +
        (rig.fake.counts.WaitForMultipleObjects ?? 0);
      const before = calls();
      const next = rig.backend.waits.wait();
      rig.backend.waits.wake();
      assertEquals(await next, 0);
      assertEquals(calls(), before);
      tearDown(rig, [bound]);
    }));
}

Deno.test("wake() without a wait ends the next one without a native call", () =>
  withRig({}, async (rig) => {
    rig.backend.waits.wake();
    assertEquals(await rig.backend.waits.wait(), 0);
    assertEquals(rig.fake.counts.GetQueuedCompletionStatusEx, undefined);
  }));

Deno.test("wait() can be woken when there is nothing to wait for", () =>
  withRig({}, async (rig) => {
    const wait = rig.backend.waits.wait();
    rig.backend.waits.wake();
    assertEquals(await wait, 0);
  }));

Deno.test("wait() reports queues of both kinds, and leaves one native wait for the next", () =>
  withRig({}, async (rig) => {
    const buffer = rig.register(64);
    const port = watched(rig, "iocp", 1);
    const event = watched(rig, "event", 2);
    const { counts } = rig.fake;
    for (let i = 0; i < 3; i++) {
      assertEquals(rig.backend.rings.notify(port.cq), 0);
      send(rig, port, buffer);
      await rig.fired(1);
      rig.dequeue(port.cq, 1);
    }
    assertEquals(counts.WaitForMultipleObjects, 1);
    assertEquals(rig.backend.rings.notify(event.cq), 0);
    send(rig, event, buffer);
    await rig.fired(2);
    tearDown(rig, [port, event], buffer);
  }));

Deno.test("wait() reports several events at once, each once", () =>
  withRig({}, async (rig) => {
    const buffer = rig.register(64);
    const all = [1, 2, 3].map((key) => watched(rig, "event", key));
    for (const bound of all) {
      rig.backend.rings.notify(bound.cq);
      send(rig, bound, buffer);
    }
    rig.fake.pump(3);
    assertEquals(await rig.backend.waits.wait(), 3);
    assertEquals([...rig.backend.waits.fired.subarray(0, 3)], [1, 2, 3]);
    const next = rig.backend.waits.wait();
    rig.backend.waits.wake();
    assertEquals(await next, 0);
    tearDown(rig, all, buffer);
  }));

Deno.test("a notification made during a wait is waited for", () =>
  withRig({}, async (rig) => {
    const buffer = rig.register(64);
    const kinds = ["iocp", "event", "event", "iocp"] as const;
    const all: Watched[] = [];
    const first = watched(rig, "event", 100);
    for (const [i, kind] of kinds.entries()) {
      const fired = rig.fired(i + 1);
      const bound = watched(rig, kind, i + 1);
      all.push(bound);
      rig.backend.rings.notify(bound.cq);
      send(rig, bound, buffer);
      await fired;
    }
    tearDown(rig, [first, ...all], buffer);
  }));

Deno.test("wait() covers an event that was made after a wait which left its native call behind", () =>
  withRig({}, async (rig) => {
    const buffer = rig.register(64);
    const port = watched(rig, "iocp", 1);
    const first = watched(rig, "event", 2);
    assertEquals(rig.backend.rings.notify(port.cq), 0);
    send(rig, port, buffer);
    // The wait for the events goes on after this one.
    await rig.fired(1);
    const second = watched(rig, "event", 3);
    assertEquals(rig.backend.rings.notify(second.cq), 0);
    send(rig, second, buffer);
    await rig.fired(3);
    tearDown(rig, [port, first, second], buffer);
  }));

Deno.test("closeNotification() during a wait keeps the event until the native call returned", () =>
  withRig({}, async (rig) => {
    const stays = watched(rig, "event", 1);
    const goes = watched(rig, "event", 2);
    const wait = rig.backend.waits.wait();
    const before = rig.fake.leftovers().handles;
    tearDown(rig, [goes]);
    assertEquals(rig.fake.leftovers().handles, before);
    await rig.turn();
    assertEquals(rig.fake.leftovers().handles, before! - 1);
    assertEquals(rig.fake.waiting, 1);
    rig.backend.waits.wake();
    assertEquals(await wait, 0);
    tearDown(rig, [stays]);
  }));

Deno.test("a wait whose last event was closed goes on, and can be woken", () =>
  withRig({}, async (rig) => {
    const only = watched(rig, "event", 1);
    const wait = rig.backend.waits.wait();
    tearDown(rig, [only]);
    await rig.turn();
    rig.backend.waits.wake();
    assertEquals(await wait, 0);
  }));

Deno.test("a wait whose last event was closed fails when there can be no port", () =>
  withRig({}, async (rig) => {
    const only = watched(rig, "event", 1);
    const wait = rig.backend.waits.wait();
    rig.fake.fail("CreateIoCompletionPort", 1450);
    tearDown(rig, [only]);
    assertEquals(await wait, -1450);
  }));

Deno.test("wait() reports queues for which there was no room among the events", () =>
  withRig({}, async (rig) => {
    const buffer = rig.register(64);
    const most = MAXIMUM_WAIT_OBJECTS - 1;
    const keys = Array.from({ length: most + 2 }, (_, i) => i + 1);
    const all = keys.map((key) => watched(rig, "event", key));
    assertEquals(rig.fake.counts.CreateEventW, 1 + most);
    for (const at of [0, most, most + 1]) {
      const bound = all[at]!;
      assertEquals(rig.backend.rings.notify(bound.cq), 0);
      send(rig, bound, buffer);
      await rig.fired(keys[at]!);
    }
    tearDown(rig, all, buffer);
  }));

Deno.test("wait() reports a queue once where its event could not be reset", () =>
  withRig({}, async (rig) => {
    const { rings, waits } = rig.backend;
    const buffer = rig.register(64);
    const bound = watched(rig, "event", 9);
    assertEquals(rings.notify(bound.cq), 0);
    send(rig, bound, buffer);
    // The first one is about the event that wakes.
    rig.fake.fail("ResetEvent", 6, { nth: 2 });
    await rig.fired(9);
    const wait = waits.wait();
    for (let i = 0; i < 3; i++) await rig.turn();
    waits.wake();
    assertEquals(await wait, 0);
    tearDown(rig, [bound], buffer);
  }));

Deno.test("a packet of a queue that was closed is no key, and ends no wait", () =>
  withRig({}, async (rig) => {
    const buffer = rig.register(64);
    const bound = watched(rig, "iocp", 9);
    assertEquals(rig.backend.rings.notify(bound.cq), 0);
    send(rig, bound, buffer);
    rig.fake.pump(3);
    tearDown(rig, [bound], buffer);
    const wait = rig.backend.waits.wait();
    for (let i = 0; i < 3; i++) await rig.turn();
    assertEquals(rig.fake.counts.GetQueuedCompletionStatusEx, 2);
    rig.backend.waits.wake();
    assertEquals(await wait, 0);
  }));

Deno.test("a packet of a queue that was closed does not pass for the end of a call", () =>
  withRig({}, async (rig) => {
    const { sockets, waits } = rig.backend;
    const buffer = rig.register(64);
    const bound = watched(rig, "iocp", 9);
    assertEquals(rig.backend.rings.notify(bound.cq), 0);
    send(rig, bound, buffer);
    rig.fake.pump(3);
    tearDown(rig, [bound], buffer);
    const listener = rig.tcp();
    assertEquals(sockets.bind(listener, address(0)), 0);
    assertEquals(sockets.listen(listener, 1), 0);
    assertEquals(sockets.accept(listener, 7), 0);
    const wait = waits.wait();
    for (let i = 0; i < 3; i++) await rig.turn();
    assertEquals(sockets.accept(listener, 7), 0);
    waits.wake();
    assertEquals(await wait, 0);
    assertEquals(sockets.close(listener), 0);
  }));

Deno.test("queues that come and go while others wait take no more memory", () =>
  withRig({}, (rig) => {
    const waits = rig.backend.waits as WinsockWaits;
    const places = new Set<number>();
    for (let key = 1; key <= 100; key++) {
      notification(rig, "iocp", key);
      const descriptor = BigInt(waits.describe(key));
      const { buffer } = bytesAt(descriptor, RIO_NOTIFICATION_COMPLETION.size);
      const at = RIO_NOTIFICATION_COMPLETION.overlapped;
      places.add(Number(new DataView(buffer).getBigUint64(at, true)));
      waits.closeNotification(key);
    }
    assertEquals(places.size, 1);
  }));

Deno.test("close(true) keeps Winsock and what notifications use", async () => {
  const rig = new Rig();
  const buffer = rig.register(64);
  const bound = watched(rig, "iocp", 9);
  assertEquals(rig.backend.rings.notify(bound.cq), 0);
  assertEquals(
    rig.backend.rings.receive(bound.rq, slice(buffer, 0, 8), 0, 1),
    0,
  );
  const wait = rig.backend.waits.wait();
  rig.backend.close(true);
  assertEquals(await wait, 0);
  assertEquals(rig.fake.leftovers(), {
    buffers: 1,
    completionQueues: 1,
    sockets: 1,
    handles: 1,
    startups: 1,
  });
  assertEquals(rig.fake.counts.WSACleanup, undefined);
  rig.fake[Symbol.dispose]();
});

Deno.test("close() twice cleans up once", () =>
  withRig({}, (rig) => {
    rig.backend.close(false);
    rig.backend.close(false);
    assertEquals(rig.fake.counts.WSACleanup, 1);
  }));

Deno.test("wait() after close() resolves at once", () =>
  withRig({}, async (rig) => {
    rig.backend.close(false);
    assertEquals(await rig.backend.waits.wait(), 0);
  }));

Deno.test("wait() after close() reports nothing that closing has found", () =>
  withRig({}, async (rig) => {
    const { sockets, waits } = rig.backend;
    const listener = rig.tcp();
    assertEquals(sockets.bind(listener, address(0)), 0);
    assertEquals(sockets.listen(listener, 1), 0);
    assertEquals(sockets.accept(listener, 7), 0);
    assertEquals(sockets.close(listener), 0);
    rig.backend.close(false);
    for (let i = 0; i < 4; i++) await rig.turn();
    assertEquals(await waits.wait(), 0);
  }));
