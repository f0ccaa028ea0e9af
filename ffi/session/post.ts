/**
 * Posting a request: the hot path from a caller's arguments to the kernel.
 *
 * @module
 */
import {
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
} from "../constants.ts";
import { RioClosedError, RioError } from "../errors.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertInteger } from "./arguments.ts";
import { isSlice, recordOf, type RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import {
  type BufferRecord,
  CALL,
  type QueueRecord,
  type SocketRecord,
} from "./ledger.ts";
import type { RioSocket } from "./socket.ts";

/** Options of {@linkcode RioSocket.send}. */
export interface RioSendOptions {
  /**
   * Holds the destination, 28 bytes as `writeAddress()` makes them; needed
   * where the socket is not connected.
   */
  remote?: RioSlice;
  /** Holds control messages to send with the datagram. */
  control?: RioSlice;
  /**
   * `RIO_MSG_*` bits, for those who have them already.
   *
   * @default {0}
   */
  flags?: number;
  /**
   * Queue the request, and start it with the next commit at the latest.
   *
   * @default {false}
   */
  defer?: boolean;
  /**
   * The completion arms no notification; it is there for whoever polls.
   *
   * @default {false}
   */
  dontNotify?: boolean;
  /** Any value; handed back with the completion. */
  context?: unknown;
}

/** Options of {@linkcode RioSocket.receive}. */
export interface RioReceiveOptions extends RioSendOptions {
  /** Receives the address of the sender; at least 28 bytes. */
  remote?: RioSlice;
  /** Receives the address that the datagram was sent to; at least 28 bytes. */
  local?: RioSlice;
  /** Receives control messages. */
  control?: RioSlice;
  /** Receives the flags of the message; at least 4 bytes. */
  messageFlags?: RioSlice;
  /**
   * Complete only when the slice is full, or the connection ends; TCP only.
   *
   * @default {false}
   */
  waitAll?: boolean;
}

const ALL_FLAGS = RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER | RIO_MSG_WAITALL;

/**
 * Posts one request.
 *
 * From an accepted post until the completion is dequeued, the memory of every
 * slice given belongs to the kernel.
 */
export function post(
  core: SessionCore,
  socket: RioSocket,
  record: SocketRecord,
  isSend: boolean,
  slice: RioSlice | null,
  options: RioReceiveOptions | undefined,
): void {
  let remote: RioSlice | undefined;
  let local: RioSlice | undefined;
  let control: RioSlice | undefined;
  let messageFlags: RioSlice | undefined;
  let context: unknown;
  let flags = 0;
  if (options !== undefined) {
    // Read once and before any check: a getter may throw, close the socket or
    // give another value the next time.
    ({ remote, local, control, messageFlags, context } = options);
    flags = readFlags(options, isSend, socket.transport === "tcp");
  }
  if (record.closed) {
    throw new RioClosedError(
      `Cannot ${isSend ? "send" : "receive"}: the socket was closed`,
    );
  }
  const queue = isSend ? record.sendQueue : record.receiveQueue;
  if (queue === null || queue.closing) refuseQueue(queue, isSend);
  const { requests, ledger, backend } = core;
  const buffer = slice === null
    ? requireDatagram(socket)
    : bufferOf(core, "slice", slice, 0);
  const extended = remote !== undefined || control !== undefined ||
    local !== undefined || messageFlags !== undefined;
  if (extended) {
    if (isSend && (local !== undefined || messageFlags !== undefined)) {
      refuseOutput(local !== undefined ? "local" : "messageFlags");
    }
    const size = SOCKADDR_INET.size;
    if (local !== undefined) bufferOf(core, "local slice", local, size);
    if (control !== undefined) bufferOf(core, "control slice", control, 8);
    if (messageFlags !== undefined) {
      bufferOf(core, "messageFlags slice", messageFlags, 4);
    }
    if (remote !== undefined) {
      bufferOf(core, "remote slice", remote, size);
      if (isSend && !core.permissions.everything) {
        core.permissions.requireDestination(remote.bytes);
      }
    }
  }
  const request = requests.take();
  request.isSend = isSend;
  request.socket = socket;
  request.record = record;
  request.slice = slice;
  request.buffer = buffer;
  let call: number;
  let errno: number;
  if (extended) {
    request.extended = true;
    request.remote = remote ?? null;
    request.local = local ?? null;
    request.control = control ?? null;
    const { extraBuffers } = request;
    if (remote) extraBuffers[0] = recordOf(remote.buffer);
    if (local) extraBuffers[1] = recordOf(local.buffer);
    if (control) extraBuffers[2] = recordOf(control.buffer);
    if (messageFlags) extraBuffers[3] = recordOf(messageFlags.buffer);
    const { index } = request;
    const { requestQueue } = record;
    if (isSend) {
      call = CALL.sendEx;
      errno = backend.rings.sendEx(
        requestQueue,
        slice,
        request.remote,
        request.control,
        flags,
        index,
      );
    } else {
      call = CALL.receiveEx;
      errno = backend.rings.receiveEx(
        requestQueue,
        slice,
        request.local,
        request.remote,
        request.control,
        messageFlags ?? null,
        flags,
        index,
      );
    }
  } else if (isSend) {
    call = CALL.send;
    errno = backend.rings.send(
      record.requestQueue,
      slice,
      flags,
      request.index,
    );
  } else {
    call = CALL.receive;
    errno = backend.rings.receive(
      record.requestQueue,
      slice,
      flags,
      request.index,
    );
  }
  ledger.calls[call]!++;
  if (errno !== 0) {
    requests.give(request);
    refuse(record, isSend, extended, slice, errno);
  }
  request.context = context;
  requests.posted(request);
}

/** Nobody could dequeue the completion. */
function refuseQueue(queue: QueueRecord | null, isSend: boolean): never {
  const verb = isSend ? "send" : "receive";
  if (queue === null) {
    throw new TypeError(`Cannot ${verb} on a listener: accept() a socket`);
  }
  throw new RioClosedError(`Cannot ${verb}: the completion queue was closed`);
}

function requireDatagram(socket: RioSocket): null {
  if (socket.transport === "tcp") {
    throw new TypeError(
      `Invalid slice null: a TCP request needs one, only a datagram can be empty`,
    );
  }
  return null;
}

/** The record of the buffer behind a slice, checked to be usable here. */
function bufferOf(
  core: SessionCore,
  name: string,
  slice: RioSlice,
  size: number,
): BufferRecord {
  if (!isSlice(slice)) {
    throw new TypeError(
      `Invalid ${name} ${
        String(slice)
      }: give a RioSlice, made by RioBuffer.slice()`,
    );
  }
  const buffer = recordOf(slice.buffer);
  if (buffer.ledger !== core.ledger) {
    throw new TypeError(
      `Invalid ${name}: its buffer ${buffer.id} is registered in another session`,
    );
  }
  if (buffer.closing) {
    throw new RioClosedError(
      `Cannot use the ${name}: its buffer ${buffer.id} was deregistered`,
    );
  }
  if (slice.length < size) {
    throw new RangeError(
      `Invalid ${name} of ${slice.length} bytes: it takes at least ${size}`,
    );
  }
  return buffer;
}

function refuseOutput(name: string): never {
  throw new TypeError(
    `Invalid ${name}: it is an output of receive(), a send has none`,
  );
}

function readFlags(
  options: RioReceiveOptions,
  isSend: boolean,
  isStream: boolean,
): number {
  const { flags: bits, defer, dontNotify, waitAll } = options;
  let flags = 0;
  if (bits !== undefined) {
    flags = bits;
    assertInteger("flags", flags, 0, 0xF);
    if ((flags & ~ALL_FLAGS) !== 0) {
      throw new TypeError(
        `Invalid flags ${flags}: RIO_MSG_COMMIT_ONLY (${RIO_MSG_COMMIT_ONLY}) posts nothing, call commit() for it`,
      );
    }
  }
  if (defer) flags |= RIO_MSG_DEFER;
  if (dontNotify) flags |= RIO_MSG_DONT_NOTIFY;
  if (waitAll) flags |= RIO_MSG_WAITALL;
  if ((flags & RIO_MSG_WAITALL) !== 0 && (isSend || !isStream)) {
    throw new TypeError(
      `Invalid waitAll: it goes with a TCP receive, not with a ${
        isStream ? "TCP" : "UDP"
      } ${isSend ? "send" : "receive"}`,
    );
  }
  return flags;
}

function refuse(
  record: SocketRecord,
  isSend: boolean,
  extended: boolean,
  slice: RioSlice | null,
  errno: number,
): never {
  const verb = isSend ? "send" : "receive";
  const [outstanding, limit] = isSend
    ? [record.outstandingSends, record.sends]
    : [record.outstandingReceives, record.receives];
  throw new RioError({
    errno,
    syscall: `RIO${isSend ? "Send" : "Receive"}${extended ? "Ex" : ""}`,
    attempt: `${verb} ${
      slice?.length ?? 0
    } bytes with ${outstanding} of ${limit} ${verb}s outstanding`,
  });
}
