/** What programs may not make, and what the objects that they hold show. */
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as rio from "../../mod.ts";
import { collect, openSelf, openUdp, put, sessionTest } from "./harness.ts";

/** Classes that programs get from elsewhere, and from where. */
const MADE_ELSEWHERE = {
  RioSession: "RioSession.open()",
  RioBuffer: "RioSession.registerBuffer()",
  RioSlice: "RioBuffer.slice()",
  RioCompletionQueue: "RioSession.createCompletionQueue()",
  RioSocket: "RioSession.openSocket()",
  RioListener: "RioSession.openSocket()",
} as const;

for (const [name, instead] of Object.entries(MADE_ELSEWHERE)) {
  const Class = rio[name as keyof typeof MADE_ELSEWHERE] as unknown as new (
    ...args: unknown[]
  ) => object;
  Deno.test(`new ${name}() throws TypeError, whatever is given`, () => {
    const message = `Illegal constructor: use ${instead}`;
    const guesses = [
      undefined,
      Symbol("@winsock/rio"),
      Symbol.for("@winsock/rio"),
    ];
    for (const key of guesses) {
      assertThrows(() => new Class(key, {}, {}, {}), TypeError, message);
    }
    class Mine extends Class {}
    assertThrows(() => new Mine(), TypeError, message);
  });
}

sessionTest(
  "a completion that was spread has all that it had",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = await openSelf(session);
    socket.receive(buffer.slice(0, 32), { context: "here" });
    socket.send(put(buffer.slice(32), "hi"));
    const all = await collect(socket.completions, 2);
    const received = all.find(({ kind }) => kind === "receive")!;
    const { slice, socket: of, ...rest } = { ...received };
    assertEquals([slice, of], [received.slice, socket]);
    assertEquals(rest, {
      kind: "receive",
      status: 0,
      error: null,
      bytesTransferred: 2,
      remote: null,
      local: null,
      control: null,
      context: "here",
    });
  },
);

sessionTest("a completion that failed shows its error", async (open) => {
  using session = open();
  using buffer = session.registerBuffer(64);
  using queue = session.createCompletionQueue();
  const socket = await openSelf(session, { completions: queue });
  socket.receive(buffer.slice());
  socket.close();
  const [aborted] = await collect(queue, 1);
  const { error } = { ...aborted! };
  assert(error instanceof rio.RioError);
  assertEquals([error.code, error.syscall], [
    "WSA_OPERATION_ABORTED",
    "RIOReceive",
  ]);
});

sessionTest(
  "buffers and slices show their data as properties of their own",
  (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    const { id, byteLength, bytes } = { ...buffer };
    assertEquals([id, byteLength, bytes], [buffer.id, 64, buffer.bytes]);
    const slice = buffer.slice(8, 16);
    const { offset, length, bufferId } = { ...slice };
    assertEquals([offset, length, bufferId], [8, 16, id]);
  },
);

sessionTest("memory that is never shared is typed so", (open) => {
  using session = open();
  using buffer = session.registerBuffer(64);
  // These are refused at compile time if the memory might be shared.
  const bytes: Uint8Array<ArrayBuffer> = buffer.bytes;
  const part: Uint8Array<ArrayBuffer> = buffer.slice(8).bytes;
  const own: Uint8Array<ArrayBuffer> =
    session.registerBuffer(new Uint8Array(8)).bytes;
  const shared: Uint8Array<SharedArrayBuffer> =
    session.registerBuffer(new Uint8Array(new SharedArrayBuffer(8))).bytes;
  assertEquals([bytes, part, own].map(({ length }) => length), [64, 56, 8]);
  assert(shared.buffer instanceof SharedArrayBuffer);
});

sessionTest("what a session opens shows its live values in a log", (open) => {
  using session = open();
  using buffer = session.registerBuffer(1 << 20);
  using socket = openUdp(session);
  using listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 1,
  });
  const shown = (value: unknown) =>
    Deno.inspect(value, { breakLength: Infinity, compact: true });
  const { port } = socket.address;
  assertEquals(
    shown(session),
    `RioSession { backend: "${session.backend}", closed: false }`,
  );
  assertEquals(
    shown(buffer),
    `RioBuffer { id: ${buffer.id}, byteLength: 1048576, inFlight: 0, closed: false }`,
  );
  assertEquals(
    shown(buffer.slice(8, 16)),
    `RioSlice { bufferId: ${buffer.id}, offset: 8, length: 16 }`,
  );
  assertStringIncludes(
    shown(socket),
    `address: { transport: "udp", hostname: "127.0.0.1", port: ${port} }`,
  );
  assertStringIncludes(shown(socket), "outstanding: 0");
  assertStringIncludes(shown(listener), 'RioListener { transport: "tcp"');
  assertEquals(
    shown(socket.completions),
    'RioCompletionQueue { notification: "iocp", capacity: 128, reserved: 128, closed: false }',
  );
});

sessionTest("a completion that is serialised holds no memory", async (open) => {
  using session = open();
  using buffer = session.registerBuffer(1 << 20);
  using socket = await openSelf(session);
  socket.send(put(buffer.slice(), "hi"));
  const [sent] = await collect(socket.completions, 1);
  const text = JSON.stringify(sent);
  assert(text.length < 1000, text);
  const { slice, socket: of } = JSON.parse(text);
  assertEquals(slice, { bufferId: buffer.id, offset: 0, length: 2 });
  assertEquals(of.address, socket.address);
});
