/** The verifier notices each thing that must not be done, so that its silence means something. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { library, Provider, UNTIL_LOWERED } from "./provider.ts";
import { loopback, Raw } from "./raw.ts";
import { ignore } from "./setup.ts";

interface Bench {
  raw: Raw;
  provider: Provider;
  /** A registration of 64 KiB and its address. */
  at: number;
  id: number;
  /** A polled completion queue, a UDP socket on it and its request queue. */
  cq: number;
  socket: bigint;
  rq: number;
  /** Posts a receive, by default of 64 bytes at offset 0. */
  receive(offset?: number, length?: number): number;
}

/** Runs a body that does something wrong, and expects exactly what the verifier says of it. */
function records(
  name: string,
  expected: string[],
  body: (bench: Bench) => void | Promise<void>,
): void {
  Deno.test({
    name: `the verifier records ${name}`,
    ignore,
    async fn() {
      using provider = new Provider(library ?? "");
      try {
        const raw = new Raw(library ?? "");
        const at = raw.pages(65536);
        const id = raw.rio("RIORegisterBuffer", at, 65536);
        const cq = raw.queue(16);
        const socket = raw.socket(2);
        const rq = raw.rio(
          "RIOCreateRequestQueue",
          socket,
          8,
          1,
          8,
          1,
          cq,
          cq,
          0,
        );
        const receive = (offset = 0, length = 64) =>
          raw.rio("RIOReceive", rq, raw.buf(id, offset, length), 1, 0, 0);
        try {
          await body({ raw, provider, at, id, cq, socket, rq, receive });
        } finally {
          raw[Symbol.dispose]();
        }
        const seen = provider.violations();
        for (const [index, text] of expected.entries()) {
          assertStringIncludes(seen[index] ?? "nothing", text);
        }
        assertEquals(seen.length, expected.length, seen.join("\n"));
      } finally {
        provider.forget();
      }
    },
  });
}

/** Waits for something that the provider's threads do. */
async function until(done: () => boolean): Promise<void> {
  for (let i = 0; !done() && i < 1000; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The clean end: closes the socket, takes what it aborts, and closes and deregisters the rest. */
async function end({ raw, cq, socket, id, provider }: Bench): Promise<void> {
  raw.ws.closesocket(socket);
  await raw.results(cq, provider.counters().outstanding);
  raw.rio("RIODeregisterBuffer", id);
  raw.rio("RIOCloseCompletionQueue", cq);
}

records("nothing when everything is done in order", [], async (bench) => {
  assertEquals(bench.receive(), 1);
  await end(bench);
});

records("a deregistration while a request uses the buffer", [
  "is in use by 1 slices",
], async (bench) => {
  const { raw, id, cq, socket } = bench;
  bench.receive();
  raw.rio("RIODeregisterBuffer", id);
  raw.ws.closesocket(socket);
  await raw.results(cq, 1);
  raw.rio("RIOCloseCompletionQueue", cq);
});

records(
  "a deregistration between a completion and its dequeue",
  ["is in use by 1 slices"],
  async ({ raw, provider, id, cq, socket, receive }) => {
    const { completed } = provider.counters();
    receive();
    raw.ws.closesocket(socket);
    await until(() => provider.counters().completed > completed);
    raw.rio("RIODeregisterBuffer", id);
    await raw.results(cq, 1);
    raw.rio("RIOCloseCompletionQueue", cq);
  },
);

records(
  "a buffer that is used or deregistered after its deregistration",
  ["is deregistered", "is deregistered already"],
  async (bench) => {
    bench.raw.rio("RIODeregisterBuffer", bench.id);
    assertEquals(bench.receive(), 0);
    assertEquals(bench.raw.ws.WSAGetLastError(), 10014);
    await end(bench);
  },
);

records(
  "a request queue that is used after closesocket",
  ["RIOReceive: request queue", "RIOResizeRequestQueue: request queue"],
  async (bench) => {
    await end(bench);
    assertEquals(bench.receive(), 0);
    assertEquals(bench.raw.rio("RIOResizeRequestQueue", bench.rq, 1, 1), 0);
  },
);

records(
  "slices in flight that overlap when one of them is written",
  ["overlap", "overlap"],
  async (bench) => {
    const { raw, at, id, rq, cq } = bench;
    bench.receive(0, 64);
    bench.receive(63, 64);
    raw.bytes(at + 4096, 28).set(
      loopback({ family: 2, port: raw.port(bench.socket) }),
    );
    const [data, remote] = [raw.buf(id, 1024, 4, 0), raw.buf(id, 4096, 28, 1)];
    for (let send = 0; send < 2; send++) {
      assertEquals(raw.rio("RIOSendEx", rq, data, 1, 0, remote, 0, 0, 0, 0), 1);
    }
    await raw.results(cq, 4);
    const inside = raw.buf(id, 32, 28, 1);
    assertEquals(
      raw.rio("RIOReceiveEx", rq, raw.buf(id, 0, 64), 1, 0, inside, 0, 0, 0, 0),
      1,
    );
    await end(bench);
  },
);

records(
  "a slice that ends outside of its buffer",
  ["are outside buffer"],
  async (bench) => {
    assertEquals(bench.receive(65500, 64), 0);
    await end(bench);
  },
);

records(
  "a completion queue that is closed with requests outstanding",
  ["has 1 requests outstanding"],
  async (bench) => {
    const { raw, provider, id, cq, socket } = bench;
    bench.receive();
    raw.rio("RIOCloseCompletionQueue", cq);
    raw.ws.closesocket(socket);
    await until(() => provider.counters().outstanding === 0);
    raw.rio("RIODeregisterBuffer", id);
  },
);

records("a queue that is armed twice", ["is armed already"], async (bench) => {
  const { raw } = bench;
  const event = raw.os.CreateEventW(null, 1, 0, null);
  const cq = raw.queue(1, { event });
  raw.rio("RIONotify", cq);
  assertEquals(raw.rio("RIONotify", cq), 10037);
  raw.rio("RIOCloseCompletionQueue", cq);
  raw.os.CloseHandle(event);
  await end(bench);
});

records(
  "wrong buffer counts and flags",
  [
    "2 data buffers",
    "0 data buffers",
    "flags 0x4",
    "flags 0x4",
    "flags 0x20",
    "RIO_MSG_COMMIT_ONLY goes with nothing else",
    "both must be 1",
  ],
  async (bench) => {
    const { raw, id, rq, cq, socket } = bench;
    const buf = raw.buf(id, 0, 64);
    assertEquals(raw.rio("RIOReceive", rq, buf, 2, 0, 0), 0);
    assertEquals(raw.rio("RIOReceive", rq, buf, 0, 0, 0), 0);
    assertEquals(raw.rio("RIOReceive", rq, buf, 1, 4, 0), 0);
    assertEquals(raw.rio("RIOSend", rq, buf, 1, 4, 0), 0);
    assertEquals(raw.rio("RIOSend", rq, buf, 1, 0x20, 0), 0);
    assertEquals(raw.rio("RIOSend", rq, buf, 1, 8, 0), 0);
    const other = raw.socket(2);
    assertEquals(
      raw.rio("RIOCreateRequestQueue", other, 1, 2, 1, 1, cq, cq, 0),
      0,
    );
    raw.ws.closesocket(other);
    assert(socket);
    await end(bench);
  },
);

records(
  "address and control slices that are too small",
  [
    "a remote address slice of 16 bytes is below 28",
    "a control slice of 4 bytes is below 8",
  ],
  async (bench) => {
    const { raw, id, rq } = bench;
    const data = raw.buf(id, 0, 64);
    const short = (length: number) => raw.buf(id, 256, length, 1);
    assertEquals(
      raw.rio("RIOReceiveEx", rq, data, 1, 0, short(16), 0, 0, 0, 0),
      0,
    );
    assertEquals(
      raw.rio("RIOReceiveEx", rq, data, 1, 0, 0, short(4), 0, 0, 0),
      0,
    );
    await end(bench);
  },
);

records("two threads in one queue", [
  "is used by another thread at this moment",
], async (bench) => {
  const { raw, provider, cq } = bench;
  provider.dwell(100);
  const prototype = {
    parameters: ["usize", "usize", "u32"],
    result: "u32",
    nonblocking: true,
  } as const;
  const pointer = Deno.UnsafePointer.create(
    raw.address("RIODequeueCompletion"),
  );
  assert(pointer);
  const dequeue = new Deno.UnsafeFnPointer(
    pointer as Deno.PointerObject<typeof prototype>,
    prototype,
  );
  const calls = [1, 2].map(() => dequeue.call(BigInt(cq), 0n, 0));
  await Promise.all(calls);
  provider.dwell(0);
  await end(bench);
});

records(
  "memory that is freed while it is registered",
  ["became unusable before its request completed", "was freed before"],
  async (bench) => {
    const { raw, id, cq, socket, receive, at } = bench;
    receive();
    raw.free(at);
    raw.ws.closesocket(socket);
    await raw.results(cq, 1);
    raw.rio("RIODeregisterBuffer", id);
    raw.rio("RIOCloseCompletionQueue", cq);
  },
);

records("a slice that is written during a receive", [
  "were changed while a receive",
], async (bench) => {
  bench.receive();
  bench.raw.bytes(bench.at + 10, 1)[0] = 1;
  await end(bench);
});

records(
  "a slice that is changed during a send",
  ["were changed while a send"],
  async (bench) => {
    const { raw, at, id, rq, cq, provider, socket } = bench;
    raw.bytes(at + 4096, 28).set(
      loopback({ family: 2, port: raw.port(socket) }),
    );
    const [data, remote] = [raw.buf(id, 0, 64, 0), raw.buf(id, 4096, 28, 1)];
    provider.delay(UNTIL_LOWERED);
    assertEquals(raw.rio("RIOSendEx", rq, data, 1, 0, remote, 0, 0, 0, 0), 1);
    raw.bytes(at + 10, 1)[0] = 1;
    provider.delay(0);
    await raw.results(cq, 1);
    await end(bench);
  },
);

records(
  "an event that is closed before its queue, and one that is left",
  ["was closed before RIONotify", "is still open at the last WSACleanup"],
  async (bench) => {
    const { raw } = bench;
    const [first, second] = [1, 2].map(() =>
      raw.os.CreateEventW(null, 1, 0, null)
    );
    const early = raw.queue(1, { event: first ?? 0n });
    raw.os.CloseHandle(first ?? 0n);
    raw.rio("RIONotify", early);
    raw.rio("RIOCloseCompletionQueue", early);
    const left = raw.queue(1, { event: second ?? 0n });
    raw.rio("RIOCloseCompletionQueue", left);
    await end(bench);
  },
);

records(
  "a buffer, a queue and a socket that are left at the last WSACleanup",
  [
    "of 65536 bytes is still registered",
    "completion queue",
    "1 sockets are still open",
  ],
  () => {},
);

records(
  "a WSACleanup too many",
  ["no WSAStartup reference left"],
  async (bench) => {
    await end(bench);
    bench.raw.ws.WSACleanup();
  },
);

records(
  "a RIO socket accepted from a listener without the flag",
  ["from a listener without the RIO flag"],
  async (bench) => {
    const { raw } = bench;
    const [listener, child] = [raw.socket(1, { flags: 1 }), raw.socket(1)];
    const value = new Uint8Array(new BigUint64Array([listener]).buffer);
    raw.ws.setsockopt(child, 0xFFFF, 0x700B, value, 8);
    raw.ws.closesocket(listener);
    raw.ws.closesocket(child);
    await end(bench);
  },
);
