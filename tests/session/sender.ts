/**
 * Ways to make completions arrive.
 *
 * @module
 */
import type {
  RioBuffer,
  RioCompletionQueue,
  RioSession,
  RioSocket,
} from "../../mod.ts";
import { openSelf, openUdp, put, until } from "./harness.ts";

/** Sends so many numbered datagrams from a socket to itself. */
export function sendNumbers(
  session: RioSession,
  socket: RioSocket,
  count: number,
): RioBuffer {
  const buffer = session.registerBuffer(count * 8);
  for (let i = 0; i < count; i++) {
    socket.send(put(buffer.slice(8 * i, 8), `${i}`), { context: i });
  }
  return buffer;
}

/** A socket whose sends complete in a queue of their own. */
export async function openSender(
  session: RioSession,
  count: number,
): Promise<{ queue: RioCompletionQueue; socket: RioSocket }> {
  const queue = session.createCompletionQueue({ capacity: 2 * count });
  const socket = await openSelf(session, {
    sends: count,
    receives: 1,
    completions: queue,
  });
  return { queue, socket };
}

/** Lets the session dequeue by itself, until everything has completed. */
export async function settle(session: RioSession): Promise<void> {
  using socket = openUdp(session, { receives: 8192, sends: 0 });
  await until(() => {
    const buffer = session.registerBuffer(1);
    socket.receive(buffer.slice());
    // Disposing a buffer in use dequeues whatever has arrived.
    buffer[Symbol.dispose]();
    return session.stats().outstanding === socket.outstanding;
  }, "requests to complete");
}
