/**
 * Datagrams of random sizes between two sockets, whose receiver is closed at
 * random with requests in flight.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { RioCompletion, RioSession, RioSlice } from "../../mod.ts";
import { ABORTED, Account } from "./account.ts";
import { type Part, turn } from "./part.ts";

const SIZE = 1472;
const SLOTS = 64;
/** So many fit into what the system keeps for a socket: none is dropped. */
const WINDOW = 48;

/** Sends and receives so many datagrams, and accounts for each. */
export async function soakDatagrams(
  session: RioSession,
  { goal, random, hostname }: Part,
): Promise<void> {
  const account = new Account("datagrams", goal);
  using buffer = session.registerBuffer(2 * SLOTS * SIZE);
  using queue = session.createCompletionQueue({ capacity: 1024 });
  const inbox = slots(0);
  const outbox = slots(SLOTS);
  const open = () =>
    session.openSocket({
      transport: "udp",
      hostname,
      completions: queue,
      receives: SLOTS,
      sends: SLOTS,
    });
  let receiver = open();
  const sender = open();
  await sender.connect(receiver.address);
  let sent = 0;
  let expected = 0;
  let closing = false;

  function slots(first: number): RioSlice[] {
    return Array.from(
      { length: SLOTS },
      (_, i) => buffer.slice((first + i) * SIZE, SIZE),
    );
  }
  function receive(): void {
    if (closing) return;
    let posted = false;
    while (inbox.length > 0) {
      receiver.receive(inbox.pop()!, { defer: true });
      posted = true;
    }
    if (posted) receiver.commit("receive");
  }
  function send(): void {
    let posted = false;
    while (!closing && outbox.length > 0 && sent - expected < WINDOW) {
      const slot = outbox.pop()!;
      const length = 8 + random.below(SIZE - 8);
      write(slot.bytes, sent++, length);
      sender.send(buffer.slice(slot.offset, length), {
        defer: true,
        context: slot,
      });
      posted = true;
    }
    if (posted) sender.commit("send");
  }
  function visit(completion: RioCompletion): void {
    account.count(completion);
    const { kind, status, slice, bytesTransferred } = completion;
    if (kind === "send") {
      assertEquals(status, 0);
      outbox.push(completion.context as RioSlice);
      return;
    }
    inbox.push(slice!);
    if (status === ABORTED) return;
    assertEquals(status, 0);
    assertEquals(read(slice!.bytes, bytesTransferred), expected);
    expected++;
    account.done++;
  }

  for (let round = 1; !account.isOver; round++) {
    receive();
    send();
    while (queue.walk(visit) > 0);
    if (round % 2 === 0) {
      account.sample();
      await turn();
    }
    if (!random.oneIn(400)) continue;
    account.cancellations++;
    closing = true;
    receiver.close();
    while (receiver.outstanding + sender.outstanding > 0) {
      if (queue.walk(visit) === 0) await turn();
    }
    // What was on its way is gone with its receiver.
    expected = sent;
    receiver = open();
    await sender.connect(receiver.address);
    closing = false;
  }
  closing = true;
  sender.close();
  receiver.close();
  while (receiver.outstanding + sender.outstanding > 0) {
    if (queue.walk(visit) === 0) await turn();
  }
  assert(inbox.length === SLOTS && outbox.length === SLOTS);
  account.close(session);
}

/** Writes number, length and a byte that follows from them at the end. */
function write(bytes: Uint8Array, number: number, length: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  view.setUint32(0, number);
  view.setUint16(4, length);
  bytes[length - 1] = number + length;
}

/** The number of a datagram that arrived whole. */
function read(bytes: Uint8Array, length: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const number = view.getUint32(0);
  assertEquals(view.getUint16(4), length);
  assertEquals(bytes[length - 1], number + length & 0xFF);
  return number;
}
