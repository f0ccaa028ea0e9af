/**
 * Posting a request: from the arguments of a program to the native call. Every
 * request takes this path, so nothing here may allocate.
 *
 * @module
 */
import { isIpv4 } from "../address.ts";
import {
  AF_INET,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
} from "../constants.ts";
import type { RioBuf, RioHandle } from "../contract.ts";
import { followDestination } from "../control.ts";
import { refuseClosed, RioClosedError, RioError } from "../errors.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertInteger, refuseType } from "../arguments.ts";
import { isSlice, recordOf, type RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import { partsOf, type RioEndpoint } from "./endpoint.ts";
import type { BufferRecord, SocketRecord } from "./ledger.ts";
import { isPermitted } from "./permissions.ts";
import { nameOf, type Request } from "./requests.ts";

/** Options of {@linkcode RioSocket.send}. */
export interface RioSendOptions {
  /**
   * Holds the destination: 28 bytes that `writeAddress()` wrote. A socket that
   * is not connected needs one.
   */
  remote?: RioSlice<ArrayBufferLike>;
  /**
   * Holds control messages to send with the datagram, as `writeControl()` writes
   * them; those of the other IP version are put into the destination's form.
   */
  control?: RioSlice<ArrayBufferLike>;
  /**
   * `RIO_MSG_*` bits, in addition to the flags below.
   *
   * @default {0}
   */
  flags?: number;
  /**
   * Only queue the request; the next `commit()` or a later request starts it.
   *
   * @default {false}
   */
  defer?: boolean;
  /**
   * The completion does not notify; `dequeue()` finds it all the same.
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
  remote?: RioSlice<ArrayBufferLike>;
  /**
   * Receives the address of this host that the datagram arrived at; at least 28
   * bytes. On a socket that is bound to all of them option `packetInfo` makes
   * Linux tell it; on Windows ask for control messages.
   */
  local?: RioSlice<ArrayBufferLike>;
  /** Receives control messages. */
  control?: RioSlice<ArrayBufferLike>;
  /** Receives the flags of the message; at least 4 bytes. */
  messageFlags?: RioSlice<ArrayBufferLike>;
  /**
   * Complete only when the slice is full, or the connection ends; TCP only.
   *
   * @default {false}
   */
  waitAll?: boolean;
}

const HOW_TO_SLICE = "give a RioSlice, made by RioBuffer.slice()";
const ALL_FLAGS = RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER | RIO_MSG_WAITALL;

/**
 * Posts one request.
 *
 * From an accepted post until the completion is dequeued, the memory of every
 * slice given belongs to the kernel.
 */
export function post(
  core: SessionCore,
  socket: RioEndpoint,
  record: SocketRecord,
  isSend: boolean,
  slice: RioSlice<ArrayBufferLike> | null,
  options: RioReceiveOptions | undefined,
): void {
  const { requests, ledger } = core;
  const request = requests.take();
  request.record.isSend = isSend;
  let accepted = false;
  try {
    let flags = 0;
    if (options !== undefined) {
      // Read once, before any check: a getter may throw, close the socket or
      // give another value the next time.
      takeOptions(request, options);
      flags = readFlags(options, isSend, socket.transport === "tcp");
    }
    assertCanPost(record, isSend);
    if (slice === null && socket.transport === "tcp") {
      refuseType("slice", null, "give one, only a datagram can be empty");
    }
    request.record.buffer = bufferOf(core, "slice", slice, 0);
    request.slice = slice;
    if (request.record.extended) {
      takeBuffers(core, request);
      if (isSend && !core.permissions.everything && !isPermitted(options!)) {
        askFor(core, request);
      }
      const { control, remote } = request;
      if (isSend && isSlice(control) && socket.transport === "udp") {
        followDestination(control.bytes, goesByIpv4(socket, remote));
      }
    }
    const errno = call(core, request, record.requestQueue, flags);
    if (errno !== 0) refuse(request, record, errno);
    request.socket = socket;
    ledger.start(request.record, record);
    accepted = true;
  } finally {
    if (!accepted) {
      request.record.clear();
      requests.give(request);
    }
  }
}

function takeOptions(request: Request, options: RioReceiveOptions): void {
  const { remote, local, control, messageFlags, context } = options;
  request.context = context;
  if (
    remote === undefined && local === undefined && control === undefined &&
    messageFlags === undefined
  ) return;
  request.record.extended = true;
  request.remote = orNone("remote slice", remote);
  request.local = orNone("local slice", local);
  request.control = orNone("control slice", control);
  request.messageFlags = orNone("messageFlags slice", messageFlags);
}

/** A slice, or `null` where none was given; `null` itself is a mistake. */
function orNone<T>(name: string, slice: T | undefined): T | null {
  if (slice === null) refuseType(name, slice, HOW_TO_SLICE);
  return slice ?? null;
}

/** Checks the slices beyond the data, and takes their buffers into use. */
function takeBuffers(core: SessionCore, request: Request): void {
  const { remote, local, control, messageFlags } = request;
  const { isSend, extraBuffers } = request.record;
  if (isSend && local !== null) refuseOutput("local");
  if (isSend && messageFlags !== null) refuseOutput("messageFlags");
  const size = SOCKADDR_INET.size;
  extraBuffers[0] = bufferOf(core, "remote slice", remote, size);
  extraBuffers[1] = bufferOf(core, "local slice", local, size);
  extraBuffers[2] = bufferOf(core, "control slice", control, 8);
  extraBuffers[3] = bufferOf(core, "messageFlags slice", messageFlags, 4);
}

/** Asks for the destination of a send, if it has one. */
function askFor({ permissions }: SessionCore, { remote }: Request): void {
  if (isSlice(remote)) permissions.requireDestination(remote.bytes);
}

/** Whether a datagram goes by IPv4: on a socket of IPv6 that may be either. */
function goesByIpv4(socket: RioEndpoint, remote: RioBuf | null): boolean {
  if (partsOf(socket).family === AF_INET) return true;
  if (isSlice(remote)) return isIpv4(remote.bytes);
  const peer = socket.remoteAddress;
  return peer !== null && !peer.hostname.includes(":");
}

/** Makes the native call; 0 or an error number. */
function call(
  core: SessionCore,
  request: Request,
  requestQueue: RioHandle,
  flags: number,
): number {
  const { backend: { rings }, ledger: { calls } } = core;
  const { record: { index, isSend, extended }, slice } = request;
  if (!extended) {
    if (isSend) {
      calls.RIOSend++;
      return rings.send(requestQueue, slice, flags, index);
    }
    calls.RIOReceive++;
    return rings.receive(requestQueue, slice, flags, index);
  }
  const { remote, local, control, messageFlags } = request;
  if (isSend) {
    calls.RIOSendEx++;
    return rings.sendEx(requestQueue, slice, remote, control, flags, index);
  }
  calls.RIOReceiveEx++;
  return rings.receiveEx(
    requestQueue,
    slice,
    local,
    remote,
    control,
    messageFlags,
    flags,
    index,
  );
}

/** Refuses a request whose completion nobody could dequeue. */
function assertCanPost(record: SocketRecord, isSend: boolean): void {
  const { queue } = isSend ? record.sends : record.receives;
  if (!record.closed && !queue?.closing) return;
  const what = record.closed ? "socket" : "completion queue";
  refuseClosed(isSend ? "send" : "receive", what);
}

/** The buffer of a slice, after a check that the request can use it. */
function bufferOf(
  core: SessionCore,
  name: string,
  slice: unknown,
  size: number,
): BufferRecord | null {
  if (slice === null) return null;
  if (!isSlice(slice)) {
    refuseType(name, slice, HOW_TO_SLICE);
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

/** Throws the error of a post that the system refused. */
function refuse(request: Request, socket: SocketRecord, errno: number): never {
  const { record: { isSend }, slice } = request;
  const verb = isSend ? "send" : "receive";
  const { outstanding, limit } = isSend ? socket.sends : socket.receives;
  throw new RioError({
    errno,
    syscall: nameOf(request),
    attempt: `${verb} ${
      slice?.length ?? 0
    } bytes with ${outstanding} of ${limit} ${verb}s outstanding`,
  });
}
