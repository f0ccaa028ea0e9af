/**
 * Accepting or refusing a request.
 *
 * @module
 */
import {
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
} from "../../ffi/constants.ts";
import {
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTCONN,
  WSAESHUTDOWN,
} from "../../ffi/error_numbers.ts";
import { RIO_BUF, SOCKADDR_INET } from "../../ffi/layout.ts";
import { viewAt } from "./memory.ts";
import {
  bytesOf,
  collide,
  type Direction,
  type Request,
  type RequestQueue,
  type Slice,
  slicesOf,
} from "./queues.ts";
import type { Rio, RioOptions } from "./rio.ts";

/** The arguments of `RIOReceiveEx` and `RIOSendEx`; the short ones leave out. */
export interface Post {
  queue: bigint;
  data: bigint;
  count: number;
  local: bigint;
  remote: bigint;
  control: bigint;
  messageFlags: bigint;
  flags: number;
  context: bigint;
}

/** What posting needs of its system. */
export interface Posting {
  rio: Rio;
  options: RioOptions;
}

/** `RIOReceiveEx` and `RIOSendEx`: 1 if accepted, 0 if refused. */
export function post(
  { rio, options }: Posting,
  direction: Direction,
  args: Post,
): number {
  const { oracle } = options;
  const name = direction === "send" ? "RIOSend" : "RIOReceive";
  const refuse = (errno: number, violation?: string) => {
    if (violation) oracle.record(`${name}: ${violation}`);
    options.fail(errno);
    return 0;
  };

  const queue = rio.requestQueues.get(args.queue);
  if (!queue) return refuse(WSAEINVAL, "no such request queue");
  if (queue.dead) {
    return refuse(WSAEINVAL, "the socket of the request queue was closed");
  }
  if (args.flags & RIO_MSG_COMMIT_ONLY) return commit();

  const allowed = RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER |
    (direction === "receive" && queue.socket.isStream ? RIO_MSG_WAITALL : 0);
  if (args.flags & ~allowed) {
    return refuse(WSAEINVAL, `the flags ${args.flags} are not allowed`);
  }
  if (args.count !== (args.data === 0n ? 0 : 1)) {
    return refuse(WSAEINVAL, `${args.count} is no valid count of buffers`);
  }
  if (args.data === 0n && queue.socket.isStream) {
    return refuse(WSAEINVAL, "a stream wants a buffer");
  }
  if (queue.outstanding[direction] >= queue.maximum[direction]) {
    return refuse(WSAENOBUFS);
  }
  const error = connectionError(queue, direction, args);
  if (error !== 0) return refuse(error);

  const request = build(queue);
  if (typeof request === "string") return refuse(WSAEFAULT, request);
  for (const slice of slicesOf(request)) {
    const clash = [...slice.registration.inUse].some((other) =>
      collide(slice, other)
    );
    oracle.expect(!clash, `${name}: a slice overlaps one that is in use`);
  }
  for (const slice of slicesOf(request)) slice.registration.inUse.add(slice);
  queue.outstanding[direction]++;
  queue.queues[direction].outstanding++;
  queue.deferred[direction].push(request);
  if (!(args.flags & RIO_MSG_DEFER)) start(queue);
  return 1;

  function commit(): number {
    const { data, count, local, remote, control, messageFlags } = args;
    const pointers = data | local | remote | control | messageFlags;
    if (
      args.flags !== RIO_MSG_COMMIT_ONLY || count !== 0 ||
      (pointers | args.context) !== 0n
    ) return refuse(WSAEINVAL, "a commit takes nothing else");
    start(queue!);
    return 1;
  }

  function start(queue: RequestQueue): void {
    queue.active[direction].push(...queue.deferred[direction].splice(0));
    rio.progress(queue);
  }

  function build(queue: RequestQueue): Request | string {
    const output = direction === "receive";
    const slices = [
      readSlice(args.data, output),
      readSlice(args.local, output),
      readSlice(args.remote, output),
      readSlice(args.control, output),
      readSlice(args.messageFlags, true),
    ];
    const wrong = slices.find((slice) => typeof slice === "string");
    if (typeof wrong === "string") return wrong;
    const [data, local, remote, control, messageFlags] = slices as [
      Slice | null,
      Slice | null,
      Slice | null,
      Slice | null,
      Slice | null,
    ];
    for (const slice of [local, remote]) {
      if (slice && slice.length < SOCKADDR_INET.size) {
        return `an address slice of ${slice.length} bytes is too small`;
      }
    }
    return {
      direction,
      queue,
      data,
      local,
      remote,
      control,
      messageFlags,
      flags: args.flags,
      context: args.context,
      posted: data && !output ? bytesOf(data).slice() : null,
      filled: 0,
    };
  }

  function readSlice(address: bigint, output: boolean): Slice | string | null {
    if (address === 0n) return null;
    const view = viewAt(address, RIO_BUF.size);
    const id = view.getBigUint64(RIO_BUF.bufferId, true);
    const offset = view.getUint32(RIO_BUF.offset, true);
    const length = view.getUint32(RIO_BUF.length, true);
    const registration = rio.registrations.get(id);
    if (!registration) return `no buffer was registered as ${id}`;
    if (!registration.open) return `buffer ${id} was deregistered`;
    if (offset + length > registration.length) {
      return `the slice ${offset}+${length} leaves its buffer`;
    }
    return { registration, offset, length, output };
  }
}

function connectionError(
  { socket }: RequestQueue,
  direction: Direction,
  args: Post,
): number {
  if (socket.isStream) {
    if (!socket.remote) return WSAENOTCONN;
    return direction === "send" && socket.sendClosed ? WSAESHUTDOWN : 0;
  }
  if (direction === "receive") return socket.local ? 0 : WSAEINVAL;
  return socket.remote || args.remote !== 0n ? 0 : WSAENOTCONN;
}
