/**
 * What a caller can get wrong: each is refused with an error that names the
 * argument, before any native call, and leaves nothing behind.
 *
 * @module
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type {
  RioBuffer,
  RioCompletionQueue,
  RioListener,
  RioSession,
  RioSocket,
  RioSocketOptions,
} from "../../mod.ts";
import { openPair, openSelf, sessionTest, within } from "./harness.ts";

/** What a mistake can be made with. */
export interface Given {
  session: RioSession;
  /** A UDP socket, connected to itself. */
  socket: RioSocket;
  /** A connected TCP socket. */
  stream: RioSocket;
  listener: RioListener;
  queue: RioCompletionQueue;
  /** 100 bytes. */
  buffer: RioBuffer;
  /** Of another session. */
  foreign: { buffer: RioBuffer; queue: RioCompletionQueue };
}

/** The error that a mistake is answered with. */
type Kind = typeof TypeError | typeof RangeError;
/** One mistake, the argument that the error names, and how it is made. */
export type Case = readonly [
  what: string,
  names: string,
  kind: Kind,
  call: (given: Given) => unknown,
];

/** For values that the types forbid. */
// deno-lint-ignore no-explicit-any
export const wrong = (value: unknown): any => value;

/** Opens a UDP socket with some options. */
export const udp =
  (options: Partial<RioSocketOptions>) => ({ session }: Given): unknown =>
    session.openSocket({ transport: "udp", hostname: "127.0.0.1", ...options });

/** The first size that 32 bits cannot hold. */
export const GiB4 = 2 ** 32;

/** Registers a test for each mistake. */
export function refuses(cases: readonly Case[]): void {
  for (const [what, names, kind, call] of cases) {
    sessionTest(
      `${what} throws ${kind.name} before any native call`,
      async (open) => {
        using session = open();
        using other = open();
        using socket = await openSelf(session);
        using queue = session.createCompletionQueue();
        using buffer = session.registerBuffer(100);
        using foreignBuffer = other.registerBuffer(100);
        using foreignQueue = other.createCompletionQueue();
        using listener = session.openSocket({
          transport: "tcp",
          hostname: "127.0.0.1",
          backlog: 1,
        });
        const [stream] = await openPair(session);
        const before = session.stats();
        const counts = { ...open.fake?.counts };
        const error = await assertRejects(
          async () =>
            await within((async () =>
              await call({
                session,
                socket,
                stream,
                listener,
                queue,
                buffer,
                foreign: { buffer: foreignBuffer, queue: foreignQueue },
              }))()),
          kind,
        );
        assertStringIncludes(error.message, names);
        assertEquals(session.stats(), before);
        assertEquals({ ...open.fake?.counts }, counts);
        assertEquals([buffer.inFlight, foreignBuffer.inFlight], [0, 0]);
      },
    );
  }
}
