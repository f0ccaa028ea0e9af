/**
 * Runs a test of the session on every system that is here, and sees to it that
 * each leaves nothing behind: no registration, no request, no descriptor, no
 * misuse.
 *
 * @module
 */
import { assert, assertEquals, fail } from "@std/assert";
import {
  createWinsockBackend,
  openBackend,
  openSession,
} from "../../ffi/mod.ts";
import {
  type RioCompletion,
  type RioCompletionQueue,
  RioSession,
  type RioSlice,
  type RioSocket,
  type RioSocketOptions,
} from "../../mod.ts";
import { createFakeWindows, type FakeWindows } from "../fake/mod.ts";
import { until, within } from "../patience.ts";
import { requestsOnly } from "../requests_only.ts";
import { Provider } from "../windows/provider.ts";
import { isWine } from "../windows/wine.ts";

export { until, within };

/** Opens a session on the system under test. */
export interface Open {
  (): RioSession;
  /** Opens one that the test drops: nothing here holds it. */
  forget(): RioSession;
  /** The system, as tests are named. */
  readonly system: "linux" | "windows" | "fake";
  /** The fake Windows; `null` on a real system. */
  readonly fake: FakeWindows | null;
}

/** What a test does on purpose. */
export interface Intent {
  /** Sessions that give up requests which never end. */
  abandons?: boolean;
  /** Calls that the system refuses, and a verifier would report. */
  misuse?: boolean;
  /** All data is moved by requests, on systems with a direct way, too. */
  requests?: boolean;
  /** The only systems that the test is about. */
  only?: readonly Open["system"][];
}

/** What sends control messages, which Wine does not take. */
export const WITH_CONTROL: Intent = isWine() ? { only: ["linux", "fake"] } : {};

type Body = (open: Open) => void | Promise<void>;

const library = Deno.build.os === "windows"
  ? Deno.env.get("RIO_LIBRARY")
  : undefined;

/** The systems that can be tested here. */
export const SYSTEMS: readonly Open["system"][] = Deno.build.os === "linux"
  ? ["linux", "fake"]
  : Deno.build.os === "windows"
  ? ["windows"]
  : ["fake"];

// Libraries stay open once they were: the sanitizers count from here.
for (const system of SYSTEMS) {
  if (system !== "fake") openReal().close();
}

function openReal(requests: boolean = false): RioSession {
  const options = library === undefined ? {} : { library };
  return requests
    ? openSession(requestsOnly(openBackend(options)))
    : RioSession.open(options);
}

/** Registers a test, once for each system. */
export function sessionTest(
  name: string,
  body: Body,
  intent: Intent = {},
): void {
  for (const system of intent.only ?? SYSTEMS) {
    if (!SYSTEMS.includes(system)) continue;
    Deno.test({
      name: `${system}: ${name}`,
      fn: () => run(system, body, intent),
    });
  }
}

async function run(
  system: Open["system"],
  body: Body,
  intent: Intent,
): Promise<void> {
  const sessions: RioSession[] = [];
  const fake = system === "fake" ? createFakeWindows() : null;
  using provider = fake || library === undefined ? null : new Provider(library);
  provider?.tolerateRefused(intent.misuse ?? false);
  const before = descriptors();
  const forget = () =>
    fake
      ? openSession(createWinsockBackend(fake.symbols))
      : openReal(intent.requests);
  const open: Open = Object.assign(() => {
    const session = forget();
    sessions.push(session);
    return session;
  }, { system, fake, forget });
  try {
    await body(open);
    for (const session of sessions) {
      if (!session.closed) fail("The test left a session open");
      await session.close();
      const { stats } = accountOf(session);
      if (!intent.abandons) assertEquals(stats, CLEAN);
    }
    if (fake) {
      await until(() => fake.waiting === 0, "the fake's waits to end");
      if (!intent.misuse) assertEquals(fake.violations, []);
      if (!intent.abandons) assertEquals(fake.leftovers(), {});
    } else if (!intent.abandons) {
      assertEquals(provider?.violations() ?? [], []);
      await until(() => descriptors() <= before, "descriptors to be closed");
    }
  } finally {
    for (const session of sessions) await session.close();
    fake?.[Symbol.dispose]();
  }
}

const CLEAN = {
  leaked: 0,
  buffers: 0,
  completionQueues: 0,
  sockets: 0,
  outstanding: 0,
  abandoned: 0,
};

function accountOf(session: RioSession) {
  const {
    registered,
    deregistered,
    buffers,
    completionQueues,
    sockets,
    outstanding,
    abandoned,
  } = session.stats();
  return {
    stats: {
      leaked: registered - deregistered,
      buffers,
      completionQueues,
      sockets,
      outstanding,
      abandoned,
    },
  };
}

/** How many descriptors this process has open; 0 where that cannot be seen. */
export function descriptors(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Dequeues until so many completions came, for a bounded time. */
export async function collect(
  queue: RioCompletionQueue,
  count: number,
): Promise<RioCompletion[]> {
  const all: RioCompletion[] = [];
  await until(() => {
    all.push(...queue.dequeue());
    return all.length >= count;
  }, `${count} completions`);
  assertEquals(all.length, count);
  return all;
}

/** Opens a UDP socket on the loopback address. */
export function openUdp(
  session: RioSession,
  options: Partial<RioSocketOptions> = {},
): RioSocket {
  return session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    ...options,
  });
}

/** Opens a UDP socket that is connected to itself. */
export async function openSelf(
  session: RioSession,
  options: Partial<RioSocketOptions> = {},
): Promise<RioSocket> {
  const socket = openUdp(session, options);
  await socket.connect(socket.address);
  return socket;
}

/** Opens a connected pair of TCP sockets. */
export async function openPair(
  session: RioSession,
  options: Partial<RioSocketOptions> = {},
): Promise<[client: RioSocket, server: RioSocket]> {
  const { hostname = "127.0.0.1", ...queues } = options;
  using listener = session.openSocket({
    transport: "tcp",
    hostname,
    backlog: 8,
  });
  const client = session.openSocket({
    ...queues,
    transport: "tcp",
    ...(hostname.includes(":") ? { hostname: "::" } : {}),
  });
  const accepted = listener.accept(queues);
  await within(client.connect({ ...listener.address, hostname }));
  return [client, await within(accepted)];
}

/** Fills a slice with text; returns the part that holds it. */
export function put<T extends ArrayBufferLike>(
  slice: RioSlice<T>,
  text: string,
): RioSlice<T> {
  const bytes = new TextEncoder().encode(text);
  slice.bytes.set(bytes);
  return slice.buffer.slice(slice.offset, bytes.length);
}

/** The text that a completed request transferred. */
export function textOf({ slice, bytesTransferred }: RioCompletion): string {
  return new TextDecoder().decode(slice?.bytes.subarray(0, bytesTransferred));
}

/** The first receive of some completions. */
export function received(completions: readonly RioCompletion[]): RioCompletion {
  const found = completions.find(({ kind }) => kind === "receive");
  assert(found !== undefined, "there is a receive");
  return found;
}
