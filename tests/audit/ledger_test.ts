/** The audit finds what is wrong, and nothing where nothing is. */
import { assertEquals, assertThrows } from "@std/assert";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { recordOf } from "../../ffi/session/buffer.ts";
import type { BufferRecord, Ledger } from "../../ffi/session/ledger.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { audit, faultsOf } from "./ledger.ts";

/** A session with one buffer and one socket that has a receive in flight. */
function withReceive(test: (ledger: Ledger, buffer: BufferRecord) => void) {
  using fake = createFakeWindows();
  using session = openSession(createWinsockBackend(fake.symbols));
  using buffer = session.registerBuffer(4096);
  using socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
  });
  socket.receive(buffer.slice());
  const record = recordOf(buffer);
  test(record.ledger, record);
}

Deno.test("audit() finds nothing wrong with a receive in flight", () =>
  withReceive((ledger) => audit(ledger)));

Deno.test("audit() lets a system give back early what a closed socket had", () =>
  withReceive((ledger) => {
    const [queue] = ledger.queues;
    const [socket] = ledger.sockets;
    socket!.closed = true;
    queue!.capacity--;
    try {
      audit(ledger);
    } finally {
      queue!.capacity++;
      socket!.closed = false;
    }
  }));

/** Each makes an account wrong and puts it right again. */
const WRONG: readonly (readonly [
  what: string,
  told: RegExp,
  change: (ledger: Ledger, buffer: BufferRecord, by: number) => void,
])[] = [
  [
    "a use too many",
    /^buffer \d+ says 2 uses, 1 are in flight$/,
    (_, buffer, by) => buffer.inFlight += by,
  ],
  [
    "a receive too many",
    /^socket \d+ says 2 receives, 1 are in flight$/,
    (ledger, _, by) => [...ledger.sockets][0]!.receives.outstanding += by,
  ],
  [
    "a request that has ended with its buffer",
    /^a request that has ended keeps a buffer$/,
    ({ requests }, _, by) =>
      by > 0
        ? requests.push({ ...requests[0]!, socket: null, clear() {} })
        : requests.pop(),
  ],
  [
    "a post too many",
    /^2 requests outstanding, 1 in flight$/,
    (ledger, _, by) => ledger.posted += by,
  ],
  [
    "an entry too many",
    /^queue \d+ says 129 entries reserved, sockets have 128$/,
    (ledger, _, by) => [...ledger.queues][0]!.reserved += by,
  ],
  [
    "an entry more than there is",
    /^queue \d+ has 128 of 127 entries reserved$/,
    (ledger, _, by) => [...ledger.queues][0]!.capacity -= by,
  ],
  [
    "a user too many of a queue",
    /^queue \d+ says 3 directions of sockets, it has 2$/,
    (ledger, _, by) => [...ledger.queues][0]!.users += by,
  ],
  [
    "a deregistration too many",
    /^1 buffers of 1 registered and 1 deregistered$/,
    (ledger, _, by) => ledger.deregistered += by,
  ],
];

for (const [what, told, change] of WRONG) {
  Deno.test(`audit() tells of ${what}`, () =>
    withReceive((ledger, buffer) => {
      change(ledger, buffer, 1);
      try {
        const faults = [...faultsOf(ledger)];
        assertEquals(faults.filter((fault) => told.test(fault)).length, 1);
        assertThrows(() => audit(ledger));
      } finally {
        change(ledger, buffer, -1);
      }
    }));
}
