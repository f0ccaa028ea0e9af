/**
 * Sessions that are opened and closed, with buffers that come and go in them,
 * and requests in flight at any time.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type RioBuffer,
  RioBufferInUseError,
  RioSession,
  type RioSocket,
} from "../../mod.ts";
import type { Random } from "../model/random.ts";
import { readDatagram, writeDatagram } from "./content.ts";
import { isReached, type Part } from "./part.ts";

const SIZE = 1400;
/** Buffers of a session, at the most, and the most that each is long. */
const BUFFERS = 6;
const LONGEST = 256 * 1024;
/** The most that passes between two sessions, in milliseconds. */
const PAUSE_MS = 200;

/** Opens so many sessions, one after the other, and accounts for each buffer. */
export async function soakLifetimes(part: Part): Promise<void> {
  const { goal, random } = part;
  let sessions = 0;
  let buffers = 0;
  let aborted = 0;
  while (!isReached(goal, sessions)) {
    const session = RioSession.open();
    await use(session, part, ++sessions);
    const { outstanding } = session.stats();
    aborted += outstanding;
    if (random.oneIn(2)) await session.close();
    else session[Symbol.dispose]();
    const stats = session.stats();
    buffers += stats.registered;
    assertEquals(stats.deregistered, stats.registered);
    assertEquals(
      [stats.buffers, stats.completionQueues, stats.sockets],
      [0, 0, 0],
    );
    assertEquals([stats.outstanding, stats.abandoned], [0, 0]);
    await new Promise((r) => setTimeout(r, random.below(PAUSE_MS)));
  }
  console.log(
    `lifetimes: ${sessions} sessions opened and closed, ${buffers} buffers registered and deregistered, ${aborted} requests in flight when their session was closed`,
  );
}

/** Leaves what it has opened to the session, or to nobody. */
async function use(
  session: RioSession,
  { random, hostname }: Part,
  owner: number,
): Promise<void> {
  const socket = session.openSocket({
    transport: "udp",
    hostname,
    receives: BUFFERS,
    sends: BUFFERS,
  });
  await socket.connect(socket.address);
  const buffers: Set<RioBuffer> = new Set();
  for (let number = 0; number < 8 + random.below(8); number++) {
    if (buffers.size < BUFFERS && random.oneIn(2)) {
      const size = 2 * SIZE + random.below(LONGEST - 2 * SIZE);
      buffers.add(session.registerBuffer(size));
    }
    const buffer = random.pick([...buffers]);
    if (buffer === undefined) continue;
    await roundTrip(socket, buffer, { owner, number, random });
    if (random.oneIn(3)) {
      buffers.delete(buffer);
      buffer.deregister();
    }
  }
  // These receives end with their socket.
  for (const buffer of buffers) {
    socket.receive(buffer.slice(0, SIZE));
    assertThrows(() => buffer.deregister(), RioBufferInUseError);
    if (random.oneIn(2)) buffer[Symbol.dispose]();
  }
}

/** From one half of a buffer to the other. */
async function roundTrip(
  socket: RioSocket,
  buffer: RioBuffer,
  { random, ...mark }: { owner: number; number: number; random: Random },
): Promise<void> {
  const at = random.below(buffer.byteLength - 2 * SIZE);
  const inbox = buffer.slice(at, SIZE);
  const data = writeDatagram(mark, 10 + random.below(SIZE - 10));
  const outbox = buffer.slice(at + SIZE, data.length);
  outbox.bytes.set(data);
  socket.receive(inbox);
  socket.send(outbox);
  let left = 2;
  for await (const batch of socket.completions) {
    for (const { kind, status, bytesTransferred } of batch) {
      assertEquals([status, bytesTransferred], [0, data.length]);
      if (kind !== "receive") continue;
      const { owner, number } = readDatagram(
        inbox.bytes.subarray(0, bytesTransferred),
      );
      assertEquals([owner, number], [mark.owner, mark.number]);
    }
    left -= batch.length;
    if (left === 0) break;
  }
  assert(socket.outstanding === 0);
}
