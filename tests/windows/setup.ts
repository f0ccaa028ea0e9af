/**
 * What the tests of the provider share: a registration, sockets on a completion
 * queue, and the end of both.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { library, Provider } from "./provider.ts";
import { loopback, Raw } from "./raw.ts";
import { skipped } from "../skip.ts";

/** Without the rig there is no provider. */
export const ignore: boolean = skipped(
  "the provider",
  library === undefined ? "RIO_LIBRARY is not set" : undefined,
);

/** What one test works with. */
export interface Bench {
  raw: Raw;
  provider: Provider;
  /** A registration of 64 KiB and its address. */
  memory: { at: number; id: number };
}

/** Runs a test that must leave nothing and break nothing. */
export function test(
  name: string,
  body: (bench: Bench) => void | Promise<void>,
): void {
  Deno.test({
    name: `the provider ${name}`,
    ignore,
    async fn() {
      using provider = new Provider(library ?? "");
      provider.tolerateRefused(true);
      {
        using raw = new Raw(library ?? "");
        const at = raw.pages(65536);
        const id = raw.rio("RIORegisterBuffer", at, 65536);
        await body({ raw, provider, memory: { at, id } });
        raw.rio("RIODeregisterBuffer", id);
      }
      assertEquals(provider.violations(), []);
    },
  });
}

/** A pair of UDP sockets that use one completion queue. */
export function pair(raw: Raw, cq: number, family: 2 | 23 = 2, slots = 8): {
  sockets: [bigint, bigint];
  queues: [number, number];
  ports: [number, number];
} {
  const sockets: [bigint, bigint] = [
    raw.socket(2, { family }),
    raw.socket(2, { family }),
  ];
  const queues = sockets.map((socket, index) =>
    raw.rio(
      "RIOCreateRequestQueue",
      socket,
      slots,
      1,
      slots,
      1,
      cq,
      cq,
      index + 1,
    )
  );
  assert(
    queues[0] && queues[1],
    `RIOCreateRequestQueue failed with ${raw.ws.WSAGetLastError()}`,
  );
  return {
    sockets,
    queues: [queues[0], queues[1]],
    ports: [raw.port(sockets[0]), raw.port(sockets[1])],
  };
}

/** Closes the sockets, takes what that aborts, and closes the queue. */
export async function closeAll(
  raw: Raw,
  cq: number,
  sockets: bigint[],
  outstanding = 0,
): Promise<void> {
  for (const socket of sockets) assertEquals(raw.ws.closesocket(socket), 0);
  for (const { status } of await raw.results(cq, outstanding)) {
    assertEquals(status, 995);
  }
  raw.rio("RIOCloseCompletionQueue", cq);
}

/** Five characters at an address, after writing them when they are given. */
export function text(raw: Raw, at: number, value?: string): string {
  if (value !== undefined) {
    raw.bytes(at, value.length).set(new TextEncoder().encode(value));
  }
  return new TextDecoder().decode(raw.bytes(at, 5));
}

/** Sends `length` bytes from queue 0 to socket 1 of a pair. */
export function sendTo(
  { raw, memory }: Bench,
  queue: number,
  port: number,
  options: {
    length?: number;
    flags?: number;
    context?: number;
    offset?: number;
  } = {},
): number {
  const { length = 5, flags = 0, context = 0, offset = 32768 } = options;
  raw.bytes(memory.at + 61440, 28).set(loopback({ family: 2, port }));
  const data = raw.buf(memory.id, offset, length, 0);
  const remote = raw.buf(memory.id, 61440, 28, 1);
  return raw.rio("RIOSendEx", queue, data, 1, 0, remote, 0, 0, flags, context);
}
