/** Sockets of a worker that the system closes when its thread ends. */
import { assertEquals } from "@std/assert";
import { forget, hold } from "../../ffi/winsock/thread_end.ts";
import { askWorker } from "../unit/ask_worker.ts";
import { withRig } from "./open.ts";

/** What a worker has called, and whether it knew its socket twice. */
interface Told {
  readonly calls: string[];
  readonly forgotten: boolean[];
  /** What it has closed at `unload`. */
  readonly unloaded: bigint[];
}

const URL_OF_WORKER = new URL("thread_end_worker.ts", import.meta.url);
const inWorker = (fails: string | null): Promise<Told> =>
  askWorker(URL_OF_WORKER, fails);

const OPENED = ["GetCurrentThreadId", "OpenThread 1048576 0 7"];
const PINNED = [...OPENED, "GetModuleHandleExW 5 closesocket"];
const waits = (socket: number) =>
  `RegisterWaitForSingleObject 70 closesocket ${socket} 4294967295 8`;

Deno.test("hold() has the system close a socket of a worker at its end, forget() does not", async () => {
  const { calls, forgotten, unloaded } = await inWorker(null);
  assertEquals(calls, [
    ...PINNED,
    ...[waits(1), waits(2)],
    "UnregisterWait 700",
  ]);
  assertEquals(forgotten, [true, false]);
  // It would be closed twice.
  assertEquals(unloaded, []);
});

for (
  const [fails, calls] of [
    ["kernel32.dll", []],
    ["ws2_32.dll", []],
    ["OpenThread", PINNED],
    ["GetModuleHandleExW", PINNED],
    ["RegisterWaitForSingleObject", [...PINNED, waits(1), waits(2)]],
  ] as const
) {
  Deno.test(`hold() leaves sockets to the end of the process where ${fails} fails`, async () => {
    assertEquals(await inWorker(fails), {
      calls: [...calls],
      forgotten: [true, false],
      unloaded: [],
    });
  });
}

Deno.test("hold() has the sockets of the main thread closed at unload, once", () => {
  const closed: bigint[] = [];
  for (const socket of [1n, 2n]) hold({}, socket, () => closed.push(socket));
  assertEquals(forget(2n), true);
  for (let times = 0; times < 2; times++) {
    dispatchEvent(new Event("unload"));
    assertEquals(closed, [1n]);
  }
  assertEquals(forget(1n), false);
});

Deno.test("unload closes the sockets of a backend, whose request queues are called no more", () =>
  withRig({}, (rig) => {
    const { backend: { rings, sockets }, fake } = rig;
    const bound = rig.udp();
    assertEquals(rings.receive(bound.rq, null, 0, 1), 0);
    dispatchEvent(new Event("unload"));
    assertEquals(fake.leftovers().sockets, undefined);
    const { DispCallFunc, closesocket } = fake.counts;
    assertEquals(rings.receive(bound.rq, null, 0, 2), 10038);
    assertEquals(sockets.close(bound.socket), 0);
    assertEquals(fake.counts.DispCallFunc, DispCallFunc);
    // It would close what has the number by now.
    assertEquals(fake.counts.closesocket, closesocket);
    rig.tearDown([bound]);
  }));
