/**
 * Registrations and request queues: the functions of RIO on a simulated network.
 *
 * Pointers and handles are BigInt here, as they come from native frames.
 *
 * @module
 */
import { RIO_INVALID_BUFFERID } from "../../ffi/constants.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTSOCK,
  WSAEOPNOTSUPP,
  WSAETOOMANYREFS,
} from "../../ffi/error_numbers.ts";
import {
  CompletionQueues,
  type CompletionQueuesOptions,
} from "./completion_queues.ts";
import { bytesAt } from "./memory.ts";
import type { NetSocket, Network } from "./network.ts";
import { DIRECTIONS, type Registration, type RequestQueue } from "./queues.ts";
import { release, reserve } from "./slots.ts";
import { receive, send } from "./transfer.ts";

/** What the queues need of their system. */
export interface RioOptions extends CompletionQueuesOptions {
  network: Network;
  /** The RIO socket of a handle; `undefined` if none, `null` if not flagged. */
  socket: (handle: bigint) => NetSocket | null | undefined;
}

/** Registrations and queues of one fake system. */
export class Rio {
  readonly registrations = new Map<bigint, Registration>();
  readonly completionQueues: CompletionQueues;
  readonly requestQueues = new Map<bigint, RequestQueue>();

  #options: RioOptions;
  #bySocket = new Map<NetSocket, RequestQueue>();
  // All have words above the lower 32 bits, and none ever comes twice.
  #nextBuffer = 0x7_0000_0001n;
  #nextQueue = 0x2B_9000_0000n;

  constructor(options: RioOptions) {
    this.#options = options;
    this.completionQueues = new CompletionQueues(options);
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
    const receive = this.completionQueues.get(receiveQueue);
    const send = this.completionQueues.get(sendQueue);
    if (
      !receive || !send || receiveBuffers !== 1 || sendBuffers !== 1 ||
      maxReceive + maxSend === 0 || this.#bySocket.has(socket)
    ) return this.#fail(WSAEINVAL, 0n);
    const queue: RequestQueue = {
      handle: this.#nextQueue,
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
    if (!reserve(queue, maxReceive, maxSend)) {
      // Entries of closed sockets come back with time.
      this.#options.clock.polled();
      return this.#fail(WSAENOBUFS, 0n);
    }
    this.#nextQueue += 64n;
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
    if (reserve(queue, maxReceive, maxSend)) return 1;
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
          this.completionQueues.complete(request, WSA_OPERATION_ABORTED, 0);
        }
      }
      release(queue);
    });
  }

  /** Ends the stream of a socket once everything posted before was sent. */
  endSending(socket: NetSocket): void {
    const sends = this.#bySocket.get(socket)?.active.send.length ?? 0;
    if (sends === 0) this.#options.network.endSending(socket);
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
        this.completionQueues.complete(
          request,
          outcome.status,
          outcome.bytesTransferred,
        );
      }
    }
    if (queue.socket.sendClosed) this.endSending(queue.socket);
  }

  #fail<T>(errno: number, answer: T): T {
    this.#options.fail(errno);
    return answer;
  }
}
