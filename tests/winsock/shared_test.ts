/** What backends share that call the same functions, and what each closes. */
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { MAXIMUM_WAIT_OBJECTS } from "../../ffi/constants.ts";
import type { RioHandle } from "../../ffi/contract.ts";
import { RioError } from "../../ffi/errors.ts";
import type { WinsockWaits } from "../../ffi/winsock/waits.ts";
import { address, Rig, slice, withRig } from "./open.ts";
import { notification, send, tearDown, watched } from "./watched.ts";

/** A TCP socket with an accept under way, whose packets have a key. */
function accepting(rig: Rig, key: number): RioHandle {
  const { sockets } = rig.backend;
  const listener = rig.tcp();
  assertEquals(sockets.bind(listener, address(0)), 0);
  assertEquals(sockets.listen(listener, 1), 0);
  assertEquals(sockets.accept(listener, key), 0);
  return listener;
}

/** How many overlapped calls go on. */
function pending(rig: Rig): number {
  return (rig.backend.waits as WinsockWaits).operations.pending;
}

Deno.test("backends share a wait that call the same functions, as long as one is open", () =>
  withRig({}, (rig) => {
    const { waits } = rig.backend;
    const other = rig.another();
    assertStrictEquals(other.backend.waits, waits);
    using elsewhere = new Rig();
    assertNotStrictEquals(elsewhere.backend.waits, waits);
    other.backend.close(false);
    const third = rig.another();
    assertStrictEquals(third.backend.waits, waits);
    third.backend.close(false);
    rig.backend.close(false);
    const last = rig.another();
    assertNotStrictEquals(last.backend.waits, waits);
    last.backend.close(false);
  }));

Deno.test("Winsock is started for the first backend and given up with the last", () =>
  withRig({}, ({ fake, backend }) => {
    const { counts } = fake;
    const others = [1, 2].map(() => new Rig({}, fake).backend);
    assertEquals(counts.WSAStartup, 1);
    backend.close(false);
    others[0]!.close(false);
    assertEquals(counts.WSACleanup, undefined);
    others[1]!.close(false);
    assertEquals(counts.WSACleanup, 1);
    new Rig({}, fake).backend.close(false);
    assertEquals([counts.WSAStartup, counts.WSACleanup], [2, 2]);
  }));

Deno.test("a backend that does not open leaves Winsock to the others", () =>
  withRig({}, (rig) => {
    const { fake } = rig;
    fake.fail("WSASocketW", 10055);
    assertThrows(() => rig.another(), RioError);
    assertEquals(fake.counts.WSACleanup, undefined);
    assertEquals(rig.backend.sockets.close(rig.tcp()), 0);
  }));

Deno.test("close() twice gives up one use of what is shared", () =>
  withRig({}, (rig) => {
    const { backend } = rig.another();
    backend.close(false);
    backend.close(false);
    assertEquals(rig.fake.counts.WSACleanup, undefined);
    assertEquals(rig.backend.sockets.close(rig.tcp()), 0);
  }));

for (const kind of ["iocp", "event"] as const) {
  Deno.test(`close() leaves the wait of another alone, which goes on for ${kind}`, () =>
    withRig({}, async (rig) => {
      const other = rig.another();
      const buffer = rig.register(64);
      const goes = watched(other, kind, 1);
      const stays = watched(rig, kind, 2);
      assertEquals(rig.backend.rings.notify(stays.cq), 0);
      let ended = false;
      const wait = rig.backend.waits.wait().finally(() => ended = true);
      tearDown(other, [goes]);
      other.backend.close(false);
      for (let i = 0; i < 4; i++) await rig.turn();
      assertEquals([ended, rig.fake.waiting], [false, 1]);
      send(rig, stays, buffer);
      assertEquals(await wait, 1);
      assertEquals(rig.backend.waits.fired[0], 2);
      tearDown(rig, [stays], buffer);
    }));

  Deno.test(`close() of the last backend ends the wait for ${kind}, and then releases everything`, () =>
    withRig({}, async (rig) => {
      const other = rig.another();
      const all = [watched(other, kind, 1), watched(rig, kind, 2)] as const;
      const wait = rig.backend.waits.wait();
      tearDown(other, [all[0]]);
      other.backend.close(false);
      tearDown(rig, [all[1]]);
      rig.backend.close(false);
      assert(rig.fake.leftovers().handles! > 0, "closed under a wait");
      assertEquals(rig.fake.counts.WSACleanup, undefined);
      assertEquals(await wait, 0);
      await rig.turn();
      assertEquals(rig.fake.leftovers(), {});
    }));
}

Deno.test("a backend that is opened while the last one closes waits at a port of its own", () =>
  withRig({}, async (rig) => {
    const wait = rig.backend.waits.wait();
    rig.backend.close(false);
    const next = rig.another();
    const buffer = next.register(64);
    const bound = watched(next, "iocp", 1);
    assertEquals(next.backend.rings.notify(bound.cq), 0);
    send(next, bound, buffer);
    await next.fired(1);
    assertEquals(await wait, 0);
    tearDown(next, [bound], buffer);
    next.backend.close(false);
  }));

Deno.test("calls that a closed backend had under way give their memory back when their packets come", () =>
  withRig({}, async (rig) => {
    const other = rig.another();
    const listeners = [11, 12, 13].map((key) => accepting(other, key));
    for (const listener of listeners) other.backend.sockets.close(listener);
    other.backend.close(false);
    // Nobody has taken the packets: the system may still write to the memory.
    assertEquals(pending(rig), 3);
    const stays = accepting(rig, 2);
    const { sockets } = rig.backend;
    const client = rig.tcp();
    const name = new Uint8Array(28);
    sockets.localAddress(stays, name);
    assertEquals(sockets.connect(client, name, 3), 0);
    await rig.fired(2);
    assertEquals(pending(rig), 0);
    const server = sockets.accept(stays, 2);
    for (const socket of [stays, client, server]) sockets.close(socket);
  }));

Deno.test("close() takes the packets of calls that backends closed before had under way", () =>
  withRig({}, (rig) => {
    const other = rig.another();
    other.backend.sockets.close(accepting(other, 1));
    other.backend.close(false);
    assertEquals(pending(rig), 1);
    rig.backend.close(false);
    assertEquals(pending(rig), 0);
    assertEquals(rig.fake.leftovers(), {});
  }));

Deno.test("events are limited for all backends together", () =>
  withRig({}, (rig) => {
    const most = MAXIMUM_WAIT_OBJECTS - 1;
    const other = rig.another();
    for (let key = 1; key <= most; key++) {
      notification(key % 2 === 0 ? rig : other, "event", key);
    }
    // More notify through the port.
    for (const [i, { backend }] of [rig, other].entries()) {
      const before = rig.fake.counts.CreateEventW;
      assertEquals(backend.waits.createNotification("event", 997 + i), 0);
      backend.waits.closeNotification(997 + i);
      assertEquals(rig.fake.counts.CreateEventW, before);
    }
    for (let key = 1; key <= most; key += 2) {
      other.backend.waits.closeNotification(key);
    }
    other.backend.close(false);
    notification(rig, "event", 999);
    rig.backend.waits.closeNotification(999);
    for (let key = 2; key <= most; key += 2) {
      rig.backend.waits.closeNotification(key);
    }
  }));

Deno.test("close(true) keeps Winsock and the port, and the others go on", async () => {
  using rig = new Rig();
  const kept = rig.another();
  const memory = kept.register(64);
  const stuck = watched(kept, "iocp", 1);
  assertEquals(kept.backend.rings.notify(stuck.cq), 0);
  const into = slice(memory, 16, 8);
  assertEquals(kept.backend.rings.receive(stuck.rq, into, 0, 1), 0);
  send(kept, stuck, memory);
  // What it has under way goes on, and notifies.
  kept.backend.close(true);

  const buffer = rig.register(64);
  const stays = watched(rig, "iocp", 2);
  for (let i = 0; i < 2; i++) {
    assertEquals(rig.backend.rings.notify(stays.cq), 0);
    send(rig, stays, buffer);
    await rig.fired(2);
    rig.dequeue(stays.cq, 1);
  }
  tearDown(rig, [stays], buffer);
  rig.backend.close(false);
  for (let i = 0; i < 4; i++) await rig.turn();
  assertEquals(rig.fake.leftovers(), {
    buffers: 1,
    completionQueues: 1,
    sockets: 1,
    handles: 1,
    startups: 1,
  });
  assertEquals(rig.fake.waiting, 0);

  // Whoever is opened after that has nothing to do with what is kept.
  const { fake } = rig;
  const next = rig.another();
  assertEquals(fake.counts.WSAStartup, 2);
  next.backend.close(false);
  assertEquals([fake.counts.WSACleanup, fake.leftovers().startups], [1, 1]);
  assertEquals(fake.violations, []);
});
