import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { RioBufferInUseError, RioClosedError } from "../../mod.ts";
import {
  collect,
  openSelf,
  openUdp,
  put,
  sessionTest,
  within,
} from "./harness.ts";

sessionTest(
  "session.registerBuffer() registers zeroed memory of a size",
  (open) => {
    using session = open();
    using buffer = session.registerBuffer(100_000);
    assertEquals(buffer.byteLength, 100_000);
    assertEquals(buffer.bytes.byteLength, 100_000);
    assert(buffer.bytes.every((byte) => byte === 0));
    assertEquals([buffer.inFlight, buffer.closed], [0, false]);
    assertEquals(session.stats().buffers, 1);
  },
);

sessionTest(
  "session.registerBuffer() registers a Uint8Array itself",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    const bytes = new Uint8Array(64);
    bytes.set(new TextEncoder().encode("from the array"));
    using buffer = session.registerBuffer(bytes);
    assertStrictEquals(buffer.bytes, bytes);
    socket.receive(buffer.slice(32, 32));
    socket.send(buffer.slice(0, 14));
    await collect(socket.completions, 2);
    assertEquals(
      new TextDecoder().decode(bytes.subarray(32, 46)),
      "from the array",
    );
  },
);

sessionTest(
  "session.registerBuffer() registers a part of an array",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    const whole = new Uint8Array(300).fill(1);
    using buffer = session.registerBuffer(whole.subarray(100, 200));
    buffer.slice(0, 3).bytes.set([7, 8, 9]);
    socket.receive(buffer.slice(50));
    socket.send(buffer.slice(0, 3));
    await collect(socket.completions, 2);
    assertEquals([...whole.subarray(99, 104)], [1, 7, 8, 9, 1]);
    assertEquals([...whole.subarray(149, 154)], [1, 7, 8, 9, 1]);
  },
);

sessionTest(
  "session.registerBuffer() gives every buffer an id of its own",
  (open) => {
    using session = open();
    using a = session.registerBuffer(1);
    using b = session.registerBuffer(1);
    assertNotEquals(a.id, b.id);
    assert(a.id > 0 && b.id > 0);
  },
);

sessionTest(
  "session.registerBuffer() throws RioError when the system refuses",
  (open) => {
    using session = open();
    open.fake!.fail("RIORegisterBuffer", 10055);
    assertThrows(
      () => session.registerBuffer(4096),
      Error,
      "Cannot register 4096 bytes: RIORegisterBuffer failed with WSAENOBUFS (10055)",
    );
    assertEquals(session.stats().registered, 0);
  },
  { only: ["fake"] },
);

sessionTest("buffer.slice() gives the whole buffer by default", (open) => {
  using session = open();
  using buffer = session.registerBuffer(100);
  const slice = buffer.slice();
  assertEquals([slice.offset, slice.length], [0, 100]);
  assertStrictEquals(slice.buffer, buffer);
  assertEquals(slice.bufferId, buffer.id);
});

sessionTest("buffer.slice() gives a view of the same memory", (open) => {
  using session = open();
  using buffer = session.registerBuffer(100);
  const slice = buffer.slice(90, 5);
  assertEquals([slice.offset, slice.length, slice.bytes.length], [90, 5, 5]);
  slice.bytes.fill(3);
  assertEquals([...buffer.bytes.subarray(89, 96)], [0, 3, 3, 3, 3, 3, 0]);
});

sessionTest("buffer.slice() gives an empty slice at the end", (open) => {
  using session = open();
  using buffer = session.registerBuffer(10);
  assertEquals([buffer.slice(10).length, buffer.slice(0, 0).length], [0, 0]);
});

sessionTest("RioSlice cannot be changed", (open) => {
  using session = open();
  using buffer = session.registerBuffer(10);
  const slice = buffer.slice(0, 5) as unknown as Record<string, unknown>;
  for (const name of ["length", "offset", "bufferId", "bytes", "buffer"]) {
    assertThrows(() => slice[name] = 100, TypeError);
  }
});

sessionTest("buffer.deregister() ends the registration", (open) => {
  using session = open();
  const buffer = session.registerBuffer(10);
  buffer.deregister();
  assert(buffer.closed);
  assertEquals(session.stats().deregistered, 1);
});

sessionTest("buffer.deregister() does nothing the second time", (open) => {
  using session = open();
  const buffer = session.registerBuffer(10);
  buffer.deregister();
  buffer.deregister();
  buffer[Symbol.dispose]();
  assertEquals(session.stats().calls.RIODeregisterBuffer, 1);
});

sessionTest(
  "buffer.deregister() throws RioBufferInUseError while requests use it",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using buffer = session.registerBuffer(100);
    socket.receive(buffer.slice(0, 20));
    socket.receive(buffer.slice(20, 20));
    const error = assertThrows(
      () => buffer.deregister(),
      RioBufferInUseError,
      `Cannot deregister buffer ${buffer.id}: 2 uses are in flight`,
    );
    assertEquals(error.inFlight, 2);
    assertEquals([buffer.closed, buffer.inFlight], [false, 2]);
    assertEquals(session.stats().calls.RIODeregisterBuffer, 0);
    socket.send(put(buffer.slice(40, 20), "a"));
    socket.send(put(buffer.slice(60, 20), "b"));
    await collect(socket.completions, 4);
    buffer.deregister();
    assertEquals(session.stats().deregistered, 1);
  },
);

sessionTest("buffer.inFlight counts every slice of a request", async (open) => {
  using session = open();
  using socket = openUdp(session);
  using buffer = session.registerBuffer(200);
  using other = session.registerBuffer(100);
  socket.receive(buffer.slice(0, 50), {
    remote: buffer.slice(50, 28),
    local: other.slice(0, 28),
  });
  assertEquals([buffer.inFlight, other.inFlight], [2, 1]);
  const remote = buffer.slice(100, 28);
  socket.writeAddress(remote, socket.address);
  socket.send(put(buffer.slice(150, 10), "x"), { remote });
  assertEquals(buffer.inFlight, 4);
  await collect(socket.completions, 2);
  assertEquals([buffer.inFlight, other.inFlight], [0, 0]);
});

sessionTest(
  "buffer[Symbol.dispose]() waits for the last completion to deregister",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    const buffer = session.registerBuffer(100);
    using outbox = session.registerBuffer(10);
    socket.receive(buffer.slice(0, 50));
    buffer[Symbol.dispose]();
    assertEquals([buffer.closed, buffer.inFlight], [true, 1]);
    buffer.deregister();
    buffer[Symbol.dispose]();
    assertEquals(session.stats().deregistered, 0);
    assertThrows(() => buffer.slice(), RioClosedError, `buffer ${buffer.id}`);
    socket.send(put(outbox.slice(), "late"));
    await collect(socket.completions, 2);
    assertEquals(buffer.inFlight, 0);
    assertEquals(session.stats().deregistered, 1);
  },
);

sessionTest(
  "buffer[Symbol.dispose]() deregisters at once what has completed and was not dequeued",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    const buffer = session.registerBuffer(100);
    socket.send(put(buffer.slice(0, 50), "arrived"));
    await within(socket.completions.notify());
    buffer[Symbol.dispose]();
    assertEquals(session.stats().deregistered, 1);
    const [sent] = await collect(socket.completions, 1);
    assertEquals([sent?.kind, sent?.bytesTransferred], ["send", 7]);
  },
);

sessionTest("buffer.bytes stay readable after deregistration", (open) => {
  using session = open();
  const buffer = session.registerBuffer(1 << 20);
  const { bytes } = buffer.slice(100, 10);
  bytes.fill(5);
  buffer.deregister();
  assertEquals(bytes[9], 5);
  bytes.fill(6);
  assertEquals(buffer.bytes[109], 6);
});

sessionTest("buffer of a session cannot be transferred away", (open) => {
  using session = open();
  using buffer = session.registerBuffer(4096);
  const { buffer: memory } = buffer.bytes;
  assert(memory instanceof ArrayBuffer);
  assertThrows(() => structuredClone(memory, { transfer: [memory] }));
  assertThrows(() => memory.transfer());
  assertEquals(buffer.byteLength, 4096);
});
