/** Every native call fails once: nothing is left, and nothing is misused. */
import { assert, assertEquals } from "@std/assert";
import type { RioHandle } from "../../ffi/contract.ts";
import { allocate } from "../../ffi/memory.ts";
import { RioError } from "../../ffi/errors.ts";
import { RioResults } from "../../ffi/layout.ts";
import { createWinsockBackend } from "../../ffi/winsock/open.ts";
import { turn } from "./open.ts";
import { createFakeWindows, type FakeWindows } from "../fake/mod.ts";
import { address } from "./open.ts";

const KEY = 3;

/** A step of the scenario failed. */
class StepError extends Error {}

function step(value: number): number {
  if (value < 0) throw new StepError(`step failed with ${value}`);
  return value;
}

function done(errno: number): void {
  step(-errno);
}

/**
 * Opens everything, exchanges a datagram and a connection, closes everything:
 * what a careful caller does, whatever fails.
 */
async function scenario(fake: FakeWindows): Promise<void> {
  const backend = createWinsockBackend(fake.symbols);
  const sockets: RioHandle[] = [];
  const queues: RioHandle[] = [];
  const notifications: number[] = [];
  const buffers: RioHandle[] = [];
  const results = new RioResults(8);
  let outstanding = 0;

  function open(family: number, type: number, protocol: number): RioHandle {
    const socket = step(backend.sockets.open(family, type, protocol));
    sockets.push(socket);
    return socket;
  }
  function collect(): void {
    for (let poll = 0; poll < 30 && outstanding > 0; poll++) {
      for (const queue of queues) {
        const count = backend.rings.dequeueCompletion(queue, results, 8);
        if (count > 0) outstanding -= count;
      }
    }
  }
  async function fired(key: number): Promise<void> {
    for (let i = 0; i < 30; i++) {
      const count = step(await backend.waits.wait());
      if (backend.waits.fired.subarray(0, count).includes(key)) return;
    }
    throw new StepError("nothing fired");
  }

  try {
    for (const [i, kind] of (["iocp", "event"] as const).entries()) {
      const key = 10 + i;
      done(backend.waits.createNotification(kind, key));
      notifications.push(key);
      const memory = allocate(4096);
      const buffer = step(backend.rings.registerBuffer(memory));
      buffers.push(buffer);
      const cq = step(backend.rings.createCompletionQueue(8, key));
      queues.push(cq);
      const socket = open(2, 2, 17);
      done(backend.sockets.bind(socket, address(0)));
      const rq = step(
        backend.rings.createRequestQueue(socket, 2, 2, cq, cq),
      );
      const name = new Uint8Array(28);
      done(backend.sockets.localAddress(socket, name));
      step(backend.sockets.connect(socket, name, KEY));
      const data = { bufferId: buffer, offset: 0, length: 8 };
      const into = { bufferId: buffer, offset: 64, length: 8 };
      const from = { bufferId: buffer, offset: 128, length: 28 };
      done(backend.rings.receiveEx(rq, into, null, from, null, null, 0, 1));
      outstanding++;
      done(backend.rings.sendEx(rq, data, null, null, 0, 2));
      outstanding++;
      done(backend.rings.resizeCompletionQueue(cq, 10));
      done(backend.rings.resizeRequestQueue(rq, 3, 3));
      done(backend.rings.notify(cq));
      await fired(key);
      collect();
      done(backend.rings.receive(rq, into, 0, 3));
      outstanding++;
      done(backend.rings.send(rq, data, 0, 4));
      outstanding++;
      await turn(fake);
    }
    const listener = open(2, 1, 6);
    const peer = new Uint8Array(28);
    done(backend.sockets.bind(listener, address(0)));
    done(backend.sockets.listen(listener, 2));
    done(backend.sockets.localAddress(listener, peer));
    assertPending(backend.sockets.accept(listener, KEY));
    const client = open(2, 1, 6);
    assertPending(backend.sockets.connect(client, peer, KEY + 1));
    await fired(KEY);
    const server = step(backend.sockets.accept(listener, KEY));
    sockets.push(server);
    while (backend.sockets.connected(client) === 0) await fired(KEY + 1);
    done(backend.sockets.shutdown(server, 1));
    assertPending(backend.sockets.accept(listener, KEY));
    const wait = backend.waits.wait();
    backend.waits.wake();
    step(await wait);
  } finally {
    // A close that fails is tried again: the socket is still there.
    for (const socket of sockets) {
      if (backend.sockets.close(socket) !== 0) backend.sockets.close(socket);
    }
    collect();
    for (const queue of queues) backend.rings.closeCompletionQueue(queue);
    for (const made of notifications) backend.waits.closeNotification(made);
    for (const buffer of buffers) backend.rings.deregisterBuffer(buffer);
    backend.close(false);
    for (let i = 0; i < 4; i++) await turn(fake);
  }
}

function assertPending(outcome: number): void {
  if (outcome !== 0) throw new StepError(`not pending: ${outcome}`);
}

/** Releases cannot fail in a way that anything could be done about. */
const RELEASES = new Set([
  "CloseHandle",
  "WSACleanup",
  "closesocket",
  "RIOCloseCompletionQueue",
  "RIODeregisterBuffer",
]);

/** The calls of a scenario in which nothing fails. */
async function countCalls(): Promise<Record<string, number>> {
  using fake = createFakeWindows();
  await scenario(fake);
  assertEquals(fake.violations, []);
  assertEquals(fake.leftovers(), {});
  return fake.counts;
}

Deno.test("nothing is left when nothing fails", async () => {
  const counts = await countCalls();
  assert(Object.keys(counts).length > 30, JSON.stringify(counts));
});

Deno.test("nothing is left when any native call fails once", async (test) => {
  const counts = await countCalls();
  for (const [name, calls] of Object.entries(counts)) {
    if (RELEASES.has(name)) continue;
    await test.step(name, async () => {
      for (let nth = 1; nth <= Math.min(calls, 12); nth++) {
        using fake = createFakeWindows();
        fake.fail(name, 10055, { nth });
        try {
          await scenario(fake);
        } catch (error) {
          const expected = error instanceof StepError ||
            error instanceof RioError ||
            error instanceof Deno.errors.NotSupported ||
            name === "DispCallFunc";
          if (!expected) throw error;
        }
        const label = `call ${nth} of ${name}`;
        assertEquals(fake.violations, [], label);
        assertEquals(fake.leftovers(), {}, label);
      }
    });
  }
});
