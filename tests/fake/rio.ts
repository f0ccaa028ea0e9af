/**
 * The 13 functions on simulated queues and a simulated network.
 *
 * Pointers and handles are BigInt here, as they come from native frames.
 *
 * @module
 */
import {
  RIO_CORRUPT_CQ,
  RIO_EVENT_COMPLETION,
  RIO_INVALID_BUFFERID,
  RIO_IOCP_COMPLETION,
  RIO_MAX_CQ_SIZE,
} from "../../ffi/constants.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEALREADY,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTSOCK,
  WSAEOPNOTSUPP,
  WSAETOOMANYREFS,
} from "../../ffi/error_numbers.ts";
import { RIO_NOTIFICATION_COMPLETION, RIORESULT } from "../../ffi/layout.ts";
import type { Clock } from "./clock.ts";
import type { Handles } from "./handles.ts";
import { bytesAt, viewAt } from "./memory.ts";
import type { NetSocket, Network } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import type {
  Completion,
  CompletionQueue,
  Direction,
  Notification,
  Registration,
  Request,
  RequestQueue,
} from "./queues.ts";
import { slicesOf } from "./queues.ts";
import { receive, send } from "./transfer.ts";

const DIRECTIONS: Direction[] = ["receive", "send"];

/** What the queues need of their system. */
export interface RioOptions {
  clock: Clock;
  oracle: Oracle;
  network: Network;
  handles: Handles;
  /** Leaves a number for `WSAGetLastError`. */
  fail: (errno: number) => void;
  /** The RIO socket of a handle; `undefined` if none, `null` if not flagged. */
  socket: (handle: bigint) => NetSocket | null | undefined;
}

/** Registrations and queues of one fake system. */
export class Rio {
  readonly registrations = new Map<bigint, Registration>();
  readonly completionQueues = new Map<bigint, CompletionQueue>();
  readonly requestQueues = new Map<bigint, RequestQueue>();

  #options: RioOptions;
  #bySocket = new Map<NetSocket, RequestQueue>();
  // All have words above the lower 32 bits, and none ever comes twice.
  #nextBuffer = 0x7_0000_0001n;
  #nextQueue = 0x2A_9000_0000n;
  #held: (() => void)[] | null = null;

  constructor(options: RioOptions) {
    this.#options = options;
  }

  registerBuffer(address: bigint, length: number): bigint {
    const invalid = BigInt(RIO_INVALID_BUFFERID);
    if (address === 0n) return this.#fail(WSAEFAULT, invalid);
    if (length === 0) return this.#fail(WSAEINVAL, invalid);
    const id = this.#nextBuffer++;
    const bytes = bytesAt(address, length);
    this.registrations.set(id, {
      id,
      address,
      length,
      bytes,
      inUse: new Set(),
      open: true,
    });
    return id;
  }

  deregisterBuffer(id: bigint): void {
    const registration = this.registrations.get(id);
    if (!registration?.open) return;
    registration.open = false;
    this.#options.oracle.expect(
      registration.inUse.size === 0,
      `RIODeregisterBuffer: ${registration.inUse.size} slices are in use`,
    );
  }

  createCompletionQueue(size: number, descriptor: bigint): bigint {
    if (size < 1 || size > RIO_MAX_CQ_SIZE) return this.#fail(WSAEINVAL, 0n);
    const notification = descriptor === 0n ? null : this.#read(descriptor);
    if (notification === undefined) return this.#fail(WSAEINVAL, 0n);
    const handle = this.#handle();
    this.completionQueues.set(handle, {
      handle,
      notification,
      entries: [],
      size,
      reserved: 0,
      outstanding: 0,
      armed: false,
      corrupt: false,
      closed: false,
    });
    return handle;
  }

  closeCompletionQueue(handle: bigint): void {
    const queue = this.#queue(handle);
    if (!queue) return;
    this.#options.oracle.expect(
      queue.outstanding === 0,
      `RIOCloseCompletionQueue: ${queue.outstanding} requests are outstanding`,
    );
    queue.closed = true;
    for (const completion of queue.entries.splice(0)) this.#collect(completion);
  }

  resizeCompletionQueue(handle: bigint, size: number): number {
    const queue = this.#queue(handle);
    if (!queue || size < 1 || size > RIO_MAX_CQ_SIZE) {
      return this.#fail(WSAEINVAL, 0);
    }
    if (size < queue.reserved || size < queue.entries.length) {
      // Entries of closed sockets come back with time.
      this.#options.clock.polled();
      return this.#fail(WSAETOOMANYREFS, 0);
    }
    queue.size = size;
    return 1;
  }

  dequeueCompletion(handle: bigint, array: bigint, size: number): number {
    this.#options.clock.polled();
    const queue = this.#queue(handle);
    if (!queue || queue.corrupt) return RIO_CORRUPT_CQ;
    const completions = queue.entries.splice(0, size);
    if (completions.length === 0) return 0;
    const view = viewAt(array, RIORESULT.size * size);
    completions.forEach((completion, i) => {
      const { status, bytesTransferred, request } = completion;
      const at = RIORESULT.size * i;
      view.setInt32(at + RIORESULT.status, status, true);
      view.setUint32(at + RIORESULT.bytesTransferred, bytesTransferred, true);
      view.setBigUint64(
        at + RIORESULT.socketContext,
        request.queue.context,
        true,
      );
      view.setBigUint64(at + RIORESULT.requestContext, request.context, true);
      this.#collect(completion);
    });
    return completions.length;
  }

  notify(handle: bigint): number {
    const queue = this.#queue(handle);
    if (!queue?.notification) return WSAEINVAL;
    if (queue.armed) {
      this.#options.oracle.record("RIONotify: the queue is armed already");
      return WSAEALREADY;
    }
    const { notification } = queue;
    if (notification.kind === "event" && notification.reset) {
      this.#options.handles.signal(notification.event, false);
    }
    queue.armed = true;
    if (queue.entries.some(notifies)) {
      this.#options.clock.later(() => this.#fire(queue));
    }
    return 0;
  }

  createRequestQueue(
    socketHandle: bigint,
    maxReceive: number,
    receiveBuffers: number,
    maxSend: number,
    sendBuffers: number,
    receiveQueue: bigint,
    sendQueue: bigint,
    context: bigint,
  ): bigint {
    const socket = this.#options.socket(socketHandle);
    if (socket === undefined) return this.#fail(WSAENOTSOCK, 0n);
    if (socket === null) return this.#fail(WSAEOPNOTSUPP, 0n);
    const receive = this.#queue(receiveQueue);
    const send = this.#queue(sendQueue);
    if (
      !receive || !send || receiveBuffers !== 1 || sendBuffers !== 1 ||
      maxReceive + maxSend === 0 || this.#bySocket.has(socket)
    ) return this.#fail(WSAEINVAL, 0n);
    const queue: RequestQueue = {
      handle: this.#handle(),
      socket,
      context,
      queues: { receive, send },
      maximum: { receive: 0, send: 0 },
      outstanding: { receive: 0, send: 0 },
      deferred: { receive: [], send: [] },
      active: { receive: [], send: [] },
      dead: false,
      released: false,
    };
    if (!this.#reserve(queue, maxReceive, maxSend)) {
      // Entries of closed sockets come back with time.
      this.#options.clock.polled();
      return this.#fail(WSAENOBUFS, 0n);
    }
    this.requestQueues.set(queue.handle, queue);
    this.#bySocket.set(socket, queue);
    socket.changed = () => this.progress(queue);
    return queue.handle;
  }

  resizeRequestQueue(
    handle: bigint,
    maxReceive: number,
    maxSend: number,
  ): number {
    const queue = this.requestQueues.get(handle);
    if (!queue || queue.dead) {
      this.#options.oracle.record("RIOResizeRequestQueue: no such queue");
      return this.#fail(WSAEINVAL, 0);
    }
    if (maxReceive + maxSend === 0) return this.#fail(WSAEINVAL, 0);
    const { receive, send } = queue.outstanding;
    if (maxReceive < receive || maxSend < send) {
      return this.#fail(WSAETOOMANYREFS, 0);
    }
    if (this.#reserve(queue, maxReceive, maxSend)) return 1;
    this.#options.clock.polled();
    return this.#fail(WSAENOBUFS, 0);
  }

  /** Carries out what can be carried out, a round later. */
  progress(queue: RequestQueue): void {
    this.#options.clock.later(() => this.#run(queue));
  }

  /** The socket was closed: its queue is dead, its requests are aborted. */
  socketClosed(socket: NetSocket): void {
    const queue = this.#bySocket.get(socket);
    if (!queue) return;
    this.#bySocket.delete(socket);
    queue.dead = true;
    this.#options.clock.later(() => {
      for (const direction of DIRECTIONS) {
        const { active, deferred } = queue;
        const requests = [...active[direction], ...deferred[direction]];
        active[direction] = [];
        deferred[direction] = [];
        for (const request of requests) {
          this.#complete(request, WSA_OPERATION_ABORTED, 0);
        }
      }
      this.#release(queue);
    });
  }

  /** Ends the stream of a socket once everything posted before was sent. */
  endSending(socket: NetSocket): void {
    const sends = this.#bySocket.get(socket)?.active.send.length ?? 0;
    if (sends === 0) this.#options.network.endSending(socket);
  }

  /** Completes nothing until {@linkcode Rio.resume}. */
  hold(): void {
    this.#held ??= [];
  }

  /** Completes what was held back. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const complete of held) this.#options.clock.later(complete);
  }

  #run(queue: RequestQueue): void {
    const { network, oracle } = this.#options;
    if (queue.dead) return;
    for (const direction of DIRECTIONS) {
      const active = queue.active[direction];
      while (active.length > 0) {
        const outcome = direction === "send"
          ? send(network, oracle, active[0]!)
          : receive(network, active[0]!);
        if (!outcome) break;
        const request = active.shift()!;
        this.#complete(request, outcome.status, outcome.bytesTransferred);
      }
    }
    if (queue.socket.sendClosed) this.endSending(queue.socket);
  }

  #complete(request: Request, status: number, bytesTransferred: number): void {
    if (this.#held) {
      this.#held.push(() => this.#complete(request, status, bytesTransferred));
      return;
    }
    const queue = request.queue.queues[request.direction];
    const completion = { request, status, bytesTransferred };
    if (queue.closed) {
      this.#collect(completion);
      return;
    }
    this.#options.oracle.expect(
      queue.entries.push(completion) <= queue.size,
      "a completion queue has more completions than entries",
    );
    if (notifies(completion)) this.#fire(queue);
  }

  /** A completion was dequeued: its slices and its slot are free again. */
  #collect({ request }: Completion): void {
    const { queue, direction } = request;
    for (const slice of slicesOf(request)) {
      slice.registration.inUse.delete(slice);
    }
    queue.outstanding[direction]--;
    queue.queues[direction].outstanding--;
    this.#release(queue);
  }

  #release(queue: RequestQueue): void {
    const { receive, send } = queue.outstanding;
    if (!queue.dead || queue.released || receive + send > 0) return;
    queue.released = true;
    for (const direction of DIRECTIONS) {
      queue.queues[direction].reserved -= queue.maximum[direction];
    }
  }

  #fire(queue: CompletionQueue): void {
    const { notification } = queue;
    if (!queue.armed || queue.closed || !notification) return;
    queue.armed = false;
    const { handles, oracle } = this.#options;
    const done = notification.kind === "event"
      ? handles.signal(notification.event, true)
      : handles.post(
        notification.port,
        notification.key,
        notification.overlapped,
      );
    oracle.expect(done === 1, `a queue notifies through a closed handle`);
  }

  #reserve(queue: RequestQueue, receive: number, send: number): boolean {
    const wanted = { receive, send };
    const { queues, maximum } = queue;
    for (const direction of DIRECTIONS) {
      queues[direction].reserved += wanted[direction] - maximum[direction];
    }
    const fits = DIRECTIONS.every((direction) =>
      queues[direction].reserved <= queues[direction].size
    );
    for (const direction of DIRECTIONS) {
      const change = wanted[direction] - maximum[direction];
      if (fits) maximum[direction] = wanted[direction];
      else queues[direction].reserved -= change;
    }
    return fits;
  }

  #read(address: bigint): Notification | undefined {
    const at = RIO_NOTIFICATION_COMPLETION;
    const view = new DataView(bytesAt(address, at.size).buffer);
    const type = view.getUint32(at.type, true);
    const handle = view.getBigUint64(at.eventHandle, true);
    if (type === RIO_EVENT_COMPLETION && handle !== 0n) {
      const reset = view.getUint32(at.notifyReset, true) !== 0;
      return { kind: "event", event: handle, reset };
    }
    const key = view.getBigUint64(at.completionKey, true);
    const overlapped = view.getBigUint64(at.overlapped, true);
    if (type === RIO_IOCP_COMPLETION && handle !== 0n && overlapped !== 0n) {
      return { kind: "iocp", port: handle, key, overlapped };
    }
    return undefined;
  }

  #queue(handle: bigint): CompletionQueue | undefined {
    const queue = this.completionQueues.get(handle);
    return queue?.closed ? undefined : queue;
  }

  #handle(): bigint {
    const handle = this.#nextQueue;
    this.#nextQueue += 64n;
    return handle;
  }

  #fail<T>(errno: number, answer: T): T {
    this.#options.fail(errno);
    return answer;
  }
}

function notifies({ request }: Completion): boolean {
  return (request.flags & 1) === 0;
}
