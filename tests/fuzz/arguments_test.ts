/** The public API takes any arguments: it works, or throws a documented error. */
import { assert, assertEquals } from "@std/assert";
import { openLinux } from "../../ffi/linux/backend.ts";
import { openSession } from "../../ffi/mod.ts";
import { createWinsockBackend } from "../../ffi/winsock/open.ts";
import {
  listenDatagram,
  RioBufferInUseError,
  RioClosedError,
  RioError,
  type RioSession,
} from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { Random } from "../model/random.ts";
import { descriptors, until, within } from "../session/harness.ts";
import { Hostile, hostileOptions, hostileValue } from "./values.ts";

const SESSIONS = 150;
const CALLS = 60;
const SEED = Number(Deno.env.get("RIO_FUZZ_SEED") ?? Date.now() >>> 0);

const ALLOWED = [
  TypeError,
  RangeError,
  RioError,
  RioClosedError,
  RioBufferInUseError,
  Hostile,
  // What is no hostname, as Deno tells it.
  URIError,
  Deno.errors.BadResource,
  Deno.errors.NotSupported,
  Deno.errors.Interrupted,
  Deno.errors.AddrInUse,
  Deno.errors.AddrNotAvailable,
];

function assertAllowed(error: unknown): void {
  const cause = error instanceof Error ? error.cause : undefined;
  assert(
    ALLOWED.some((known) => error instanceof known || cause instanceof known) ||
      error instanceof Error && /^Cannot listen on/.test(error.message),
    `not a documented error: ${error}`,
  );
}

/** Calls whatever there is with whatever there is. */
async function attack(session: RioSession, random: Random): Promise<void> {
  const buffer = session.registerBuffer(4096);
  const queue = session.createCompletionQueue({ capacity: 4096 });
  const open = () =>
    session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
      completions: queue,
    });
  const [first, second] = [open(), open()];
  // Half of the sessions are never closed in the middle of a call.
  const violent = random.oneIn(2);
  const acts = () => {
    if (!violent || !random.oneIn(6)) return;
    random.pick([
      () => session[Symbol.dispose](),
      () => void session.close(),
      () => buffer[Symbol.dispose](),
      () => first.close(),
      () => second[Symbol.dispose](),
      () => queue.close(),
    ])!();
  };
  const value = () => hostileValue(random, acts) as never;
  const options = (sound: Record<string, unknown>) =>
    hostileOptions(random, sound, acts) as never;
  const slice = () => buffer.slice(random.below(2048), random.below(2048));
  const request = () =>
    options({
      remote: slice(),
      local: slice(),
      control: slice(),
      messageFlags: slice(),
      flags: 0,
      defer: false,
      dontNotify: true,
      waitAll: false,
      context: 1,
    });
  const calls: (() => unknown)[] = [
    () => {
      const source = value();
      // That one works, and a machine may not have so much.
      if (source !== 2 ** 31) session.registerBuffer(source);
    },
    () =>
      session.createCompletionQueue(
        options({ capacity: 16, notification: "event" }),
      ),
    () =>
      session.openSocket(options({
        transport: random.pick(["udp", "tcp"]),
        hostname: "127.0.0.1",
        port: 0,
        backlog: 1,
        ipv6Only: false,
        reuseAddress: false,
        receives: 2,
        sends: 2,
        completions: random.oneIn(2) ? queue : { receive: queue, send: queue },
        notification: "none",
      })),
    () => buffer.slice(value(), value()),
    () => buffer.slice(random.below(100), value()),
    () => first.receive(random.oneIn(3) ? value() : slice(), request()),
    () => first.receive(slice(), request()),
    () => second.send(random.oneIn(3) ? value() : slice(), request()),
    () => second.send(slice(), request()),
    () => first.commit(value()),
    () => first.resize(options({ receives: 64, sends: 64 })),
    () => first.connect(options({ hostname: "127.0.0.1", port: 9 })),
    () => first.accept(options({ receives: 1, sends: 1 })),
    () => first.shutdown(value()),
    () => first.setOption(value(), value()),
    () => first.setOption("timeToLive", value()),
    () => first.getOption(value()),
    () => first.setRawOption(random.oneIn(2) ? [1, value()] : value(), value()),
    () => first.setRawOption([random.below(50), random.below(50)], value()),
    () => first.writeAddress(random.oneIn(2) ? value() : slice(), value()),
    () =>
      first.writeAddress(slice(), options({ hostname: "127.0.0.1", port: 1 })),
    () => first.readAddress(random.oneIn(2) ? value() : slice()),
    () => queue.dequeue(value()),
    () => queue.walk(value(), value()),
    () => queue.walk(acts),
    () => queue.resize(value()),
    () =>
      listenDatagram(options({
        hostname: "127.0.0.1",
        port: 0,
        receives: 2,
        sends: 2,
        datagramSize: 100,
        session,
      }))[Symbol.dispose](),
    () => session.stats(),
  ];
  for (let i = 0; i < CALLS; i++) {
    try {
      const given = random.pick(calls)!();
      // Nobody listens where it connects to, and nobody connects.
      if (given instanceof Promise) given.catch(assertAllowed);
    } catch (error) {
      assertAllowed(error);
    }
    if (random.oneIn(20)) await new Promise((next) => setImmediate(next));
  }
  await within(session.close());
  const stats = session.stats();
  assertEquals(
    {
      outstanding: stats.outstanding,
      buffers: stats.buffers,
      queues: stats.completionQueues,
      sockets: stats.sockets,
      abandoned: stats.abandoned,
      registered: stats.registered - stats.deregistered,
    },
    {
      outstanding: 0,
      buffers: 0,
      queues: 0,
      sockets: 0,
      abandoned: 0,
      registered: 0,
    },
  );
}

async function attackAll(open: () => RioSession): Promise<void> {
  // Much is dropped without being disposed.
  using _quiet = silenceWarnings();
  for (let i = 0; i < SESSIONS; i++) {
    const seed = SEED + i >>> 0;
    try {
      await attack(open(), new Random(seed));
    } catch (cause) {
      throw new Error(`Replay with RIO_FUZZ_SEED=${seed}`, { cause });
    }
  }
  console.log(`${SESSIONS * CALLS} calls from seed ${SEED}`);
}

function silenceWarnings(): Disposable {
  const { warn } = console;
  console.warn = () => {};
  return { [Symbol.dispose]: () => console.warn = warn };
}

Deno.test({
  name: "linux: any arguments give a result or a documented error",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using _kept = openSession(openLinux());
    const before = descriptors();
    await attackAll(() => openSession(openLinux()));
    await until(() => descriptors() <= before, "descriptors to be closed");
  },
});

Deno.test("fake: any arguments give a result or a documented error", async () => {
  using fake = createFakeWindows();
  await attackAll(() => openSession(createWinsockBackend(fake.symbols)));
  await until(() => fake.waiting === 0, "the fake's waits to end");
  // Which bytes requests share is up to the caller.
  const wrong = fake.violations
    .filter((one) => !/overlaps|bytes were changed/.test(one));
  assertEquals(wrong, []);
  assertEquals(fake.leftovers(), {});
});
