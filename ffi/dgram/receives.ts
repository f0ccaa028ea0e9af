/**
 * What a socket receives: all that has arrived is taken at once, and told in
 * order.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import type { BlockList } from "node:net";
import type { RioDatagramConn } from "../net/datagrams/conn.ts";
import { nextTurn } from "../turns.ts";
import type { Family } from "./addresses.ts";
import { systemCode, systemError } from "./errors.ts";
import { guarded } from "./events.ts";
import type { Message, SocketEvents } from "./types.ts";

/** Who is told. */
export interface Receiver {
  /** Tells its listeners of what has arrived. */
  readonly socket: EventEmitter<SocketEvents>;
  /** Whose datagrams are not told. */
  readonly blocks: BlockList | undefined;
  /** Whether it wants to be told nothing any more. */
  isClosed(): boolean;
  /** Whether it has a peer. */
  isConnected(): boolean;
  /** Told that a receive has failed. */
  failed(error: unknown): void;
}

/** Receives until the socket is closed. */
export async function receiveAll(
  conn: RioDatagramConn,
  family: Family,
  receiver: Receiver,
): Promise<void> {
  while (!receiver.isClosed()) {
    let messages: Message[];
    try {
      using batch = await conn.receiveMany();
      messages = Array.from(batch, ({ data, addr }) => ({
        data: ownOf(data),
        rinfo: family.remote(addr, data.byteLength),
      }));
    } catch (error) {
      if (receiver.isClosed()) return;
      const told = receiveError(error, receiver.isConnected());
      if (told !== null) receiver.failed(told);
      // What the system does not say does not pass.
      if (systemCode(error) === undefined) return;
      // What fails again and again must not keep all else from running.
      await nextTurn();
      continue;
    }
    if (!receiver.isClosed()) deliver(messages, receiver);
  }
}

/** What tells that an earlier datagram did not arrive. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETRESET",
  "ENETUNREACH",
]);

/**
 * The error of a receive, as Node tells it.
 *
 * @param connected Whether there is a peer: Windows tells of lost datagrams also
 * where there is none.
 * @returns It; `null` for nobody's matter.
 */
export function receiveError(error: unknown, connected: boolean): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const told = connected || !UNREACHABLE.has(code);
  return told ? systemError(code, "recvmsg") : null;
}

/** The data of a datagram, for listeners to keep. */
function ownOf(data: Uint8Array<ArrayBuffer>): Buffer {
  const { buffer } = data;
  // One that came alone has memory of its own; others view registered memory.
  return buffer.byteLength === data.byteLength
    ? Buffer.from(buffer)
    : Buffer.from(data);
}

/** The messages whose senders are not blocked. */
function allowed(
  messages: Message[],
  blocks: BlockList | undefined,
): Message[] {
  if (blocks === undefined) return messages;
  return messages.filter(({ rinfo }) => !isBlocked(blocks, rinfo.address));
}

/** Whether a block list has an address. */
export function isBlocked(blocks: BlockList, address: string): boolean {
  const [bare = ""] = address.split("%");
  return blocks.check(bare, bare.includes(":") ? "ipv6" : "ipv4");
}

/** Tells all listeners of what has arrived, in order. */
function deliver(arrived: Message[], receiver: Receiver): void {
  const { socket, blocks } = receiver;
  const messages = allowed(arrived, blocks);
  if (socket.listenerCount("messages") > 0) {
    guarded(() => socket.emit("messages", messages));
  }
  if (socket.listenerCount("message") === 0) return;
  for (const { data, rinfo } of messages) {
    if (receiver.isClosed()) return;
    guarded(() => socket.emit("message", data, rinfo));
  }
}
