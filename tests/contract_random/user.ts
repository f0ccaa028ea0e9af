/**
 * Uses the 13 functions at random, and holds every answer against what the pages
 * on them promise. What they leave open, nobody asks for here.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE, writeAddress } from "../../ffi/address.ts";
import {
  AF_INET,
  IPPROTO_UDP,
  RIO_CORRUPT_CQ,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  SOCK_DGRAM,
} from "../../ffi/constants.ts";
import type { RioBackend } from "../../ffi/contract.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEALREADY,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTSOCK,
} from "../../ffi/error_numbers.ts";
import { RioResults } from "../../ffi/layout.ts";
import { allocate } from "../../ffi/memory.ts";
import type { Random } from "../model/random.ts";
import {
  type Queue,
  type Registration,
  type Request,
  type Socket,
  stateOfQueue,
  stateOfRegistration,
  stateOfSocket,
} from "./books.ts";

const SLICE = 16;
const SLICES = 64;
const ROOM = 32;

/** Things of a kind that are open at a time, at the most. */
const MOST = 3;

/** What is needed beside the functions. */
export interface UserOptions {
  readonly random: Random;
  /** Lets the system go on. */
  pass(): void;
  /** Told of each verb, with the state of what it is used on. */
  reached(verb: string, state: string): void;
}

/** Somebody who uses the functions. */
export class User {
  readonly #rio: RioBackend;
  readonly #options: UserOptions;
  readonly #random: Random;
  readonly #registrations: Registration[] = [];
  readonly #queues: Queue[] = [];
  readonly #sockets: Socket[] = [];
  readonly #requests: Map<number, Request> = new Map();
  readonly #results = new RioResults(ROOM);
  #lastContext = 0;
  #lastKey = 0;

  constructor(rio: RioBackend, options: UserOptions) {
    this.#rio = rio;
    this.#options = options;
    this.#random = options.random;
  }

  /** Does one thing. */
  step(): void {
    const verbs = [
      ...[() => this.#register(), () => this.#deregister()],
      ...[() => this.#createQueue(), () => this.#resizeQueue()],
      ...[() => this.#closeQueue(), () => this.#notify()],
      ...[() => this.#open(), () => this.#createRequestQueue()],
      ...[() => this.#resizeRequestQueue(), () => this.#closeSocket()],
      ...[() => this.#commit(), () => this.#commit()],
      ...[() => this.#createRequestQueue(), () => this.#dequeue()],
      ...new Array<() => void>(4).fill(() => this.#post("receive")),
      ...new Array<() => void>(4).fill(() => this.#post("send")),
      ...new Array<() => void>(3).fill(() => this.#dequeue()),
    ];
    this.#random.pick(verbs)!();
    this.#compare();
  }

  /** Ends everything in the order of the pages, and sees all requests end. */
  end(): void {
    for (const socket of this.#sockets) if (!socket.ended) this.#close(socket);
    for (let i = 0; this.#requests.size > 0 && i < 1000; i++) {
      this.#options.pass();
      for (const queue of this.#queues) {
        if (!queue.ended) this.#take(queue, ROOM);
      }
    }
    assertEquals(this.#requests.size, 0, "requests that have not ended");
    const { rings } = this.#rio;
    for (const one of this.#registrations) {
      if (!one.ended) rings.deregisterBuffer(one.id);
    }
    for (const { ended, handle } of this.#queues) {
      if (!ended) rings.closeCompletionQueue(handle);
    }
  }

  #reached(verb: string, state: string): void {
    this.#options.reached(verb, state);
  }

  #register(): void {
    const open = this.#registrations.filter(({ ended }) => !ended);
    if (open.length === MOST) return;
    const memory = allocate(SLICE * SLICES);
    const id = this.#rio.rings.registerBuffer(memory);
    assert(id > 0);
    this.#reached("register", `${open.length} registrations`);
    forget(this.#registrations, ({ ended }) => ended);
    this.#registrations.push({ id, memory, uses: 0, ended: false });
  }

  #deregister(): void {
    const one = this.#random.pick(this.#registrations);
    // While it is in use nobody says what happens.
    if (one === undefined || one.uses > 0 || !this.#random.oneIn(3)) return;
    this.#reached("deregister", stateOfRegistration(one));
    this.#rio.rings.deregisterBuffer(one.id);
    one.ended = true;
  }

  #createQueue(): void {
    if (this.#queues.filter(({ ended }) => !ended).length === MOST) return;
    const { rings, waits } = this.#rio;
    const size = this.#random.below(13);
    const key = ++this.#lastKey;
    assertEquals(waits.createNotification("iocp", key), 0);
    const handle = rings.createCompletionQueue(size, key);
    this.#reached("create queue", size === 0 ? "of no size" : "of a size");
    if (size === 0) {
      assertEquals(handle, -WSAEINVAL);
      return waits.closeNotification(key);
    }
    assert(handle > 0);
    forget(this.#queues, ({ ended }) => ended);
    this.#queues
      .push({ handle, size, reserved: 0, armed: "no", ended: false });
  }

  #resizeQueue(): void {
    const queue = this.#random.pick(this.#queues);
    if (queue === undefined || queue.ended) return;
    // All that is reserved, or anything.
    const size = queue.reserved > 0 && this.#random.oneIn(3)
      ? queue.reserved
      : 1 + this.#random.below(12);
    // Where completions are queued that nobody has dequeued, it is left open.
    const errno = this.#rio.rings.resizeCompletionQueue(queue.handle, size);
    this.#reached("resize queue", stateOfQueue(queue));
    if (size >= queue.reserved) assertEquals(errno, 0);
    if (size < queue.reserved - this.#leaving(queue)) assert(errno !== 0);
    if (errno === 0) queue.size = size;
  }

  #closeQueue(): void {
    const queue = this.#random.pick(this.#queues);
    // A queue outlives those that use it.
    if (!queue || queue.reserved > 0 || !this.#random.oneIn(4)) return;
    this.#reached("close queue", stateOfQueue(queue));
    if (!queue.ended) this.#rio.rings.closeCompletionQueue(queue.handle);
    queue.ended = true;
    const count = this.#rio.rings
      .dequeueCompletion(queue.handle, this.#results, 1);
    assertEquals(count, -RIO_CORRUPT_CQ);
  }

  #notify(): void {
    const queue = this.#random.pick(this.#queues);
    // Nobody waits here, so what is armed stays armed.
    if (queue === undefined) return;
    const state = stateOfQueue(queue);
    if (state !== "full" && !this.#random.oneIn(5)) return;
    const errno = this.#rio.rings.notify(queue.handle);
    this.#reached("notify", state);
    if (queue.ended) return assertEquals(errno, WSAEINVAL);
    if (queue.armed === "no") assertEquals(errno, 0);
    if (queue.armed === "yes") assertEquals(errno, WSAEALREADY);
    // Once there was a completion, it may have fired, or fire at once.
    const used = [...this.#requests.values()]
      .some(({ socket }) => socket.queue === queue);
    queue.armed = used || queue.armed === "perhaps" ? "perhaps" : "yes";
  }

  #open(): void {
    if (this.#sockets.filter(({ ended }) => !ended).length === MOST) return;
    const { sockets } = this.#rio;
    const handle = sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    assert(handle > 0);
    const address = new Uint8Array(ADDRESS_SIZE);
    writeAddress(address, { hostname: "127.0.0.1", port: 0 });
    assertEquals(sockets.bind(handle, address), 0);
    assertEquals(sockets.localAddress(handle, address), 0);
    // What it sends comes back to it.
    assertEquals(sockets.connect(handle, address, ++this.#lastKey), 1);
    this.#reached("open", "a socket");
    forget(this.#sockets, ({ ended, drained }) => ended && drained);
    const none = () => ({ most: 0, outstanding: 0 });
    this.#sockets.push({
      handle,
      requests: 0,
      queue: null,
      receives: none(),
      sends: none(),
      deferred: false,
      ended: false,
      drained: true,
    });
  }

  #createRequestQueue(): void {
    const socket = this.#random.pick(this.#sockets);
    const queue = this.#random.pick(this.#queues);
    // A second one, or one of what is closed: left open.
    if (!socket || !queue || socket.ended || socket.requests !== 0) return;
    if (queue.ended) return;
    const [receives, sends] = [this.#random.below(6), this.#random.below(6)];
    const { handle } = queue;
    const requests = this.#rio.rings
      .createRequestQueue(socket.handle, receives, sends, handle, handle);
    this.#reached("create request queue", stateOfQueue(queue));
    if (receives + sends === 0) return assertEquals(requests, -WSAEINVAL);
    const reserved = queue.reserved + receives + sends;
    if (reserved - this.#leaving(queue) > queue.size || requests < 0) {
      assert(reserved > queue.size);
      return assertEquals(requests, -WSAENOBUFS);
    }
    queue.reserved += receives + sends;
    Object.assign(socket, { requests, queue, drained: false });
    socket.receives.most = receives;
    socket.sends.most = sends;
  }

  #resizeRequestQueue(): void {
    const socket = this.#usable();
    if (socket === undefined) return;
    const { receives, sends, queue } = socket;
    const [more, most] = [this.#random.below(7), this.#random.below(7)];
    const errno = this.#rio.rings
      .resizeRequestQueue(socket.requests, more, most);
    this.#reached("resize request queue", stateOfSocket(socket));
    const reserved = queue!.reserved - receives.most - sends.most + more + most;
    const fits = more + most > 0 && more >= receives.outstanding &&
      most >= sends.outstanding;
    if (more + most === 0) assertEquals(errno, WSAEINVAL);
    if (fits && reserved <= queue!.size) assertEquals(errno, 0);
    if (!fits || reserved - this.#leaving(queue!) > queue!.size) {
      assert(errno !== 0);
    }
    if (errno !== 0) return;
    queue!.reserved = reserved;
    receives.most = more;
    sends.most = most;
  }

  #post(kind: "receive" | "send"): void {
    const socket = this.#usable();
    const registration = this.#random.pick(this.#registrations);
    if (socket === undefined || registration === undefined) return;
    const limit = kind === "send" ? socket.sends : socket.receives;
    const context = ++this.#lastContext;
    const flags = (this.#random.oneIn(4) ? RIO_MSG_DEFER : 0) |
      (this.#random.oneIn(3) ? RIO_MSG_DONT_NOTIFY : 0);
    // Slices in flight do not overlap.
    const offset = SLICE * (context % SLICES);
    const data = { bufferId: registration.id, offset, length: SLICE };
    const errno = this.#rio.rings[kind](socket.requests, data, flags, context);
    this.#reached(kind, stateOfSocket(socket));
    this.#reached(`${kind} with a buffer`, stateOfRegistration(registration));
    const full = limit.outstanding === limit.most;
    if (full && !registration.ended) return assertEquals(errno, WSAENOBUFS);
    if (registration.ended && !full) return assertEquals(errno, WSAEFAULT);
    if (full || registration.ended) return assert(errno !== 0);
    assertEquals(errno, 0);
    limit.outstanding++;
    registration.uses++;
    socket.deferred = (flags & RIO_MSG_DEFER) !== 0;
    this.#requests.set(context, { socket, registration, limit });
    if (socket.queue!.armed === "yes") socket.queue!.armed = "perhaps";
  }

  #commit(): void {
    const socket = this.#usable();
    if (socket === undefined) return;
    const kind = this.#random.oneIn(2) ? "send" : "receive";
    const { rings } = this.#rio;
    assertEquals(rings[kind](socket.requests, null, RIO_MSG_COMMIT_ONLY, 0), 0);
    this.#reached(`commit ${kind}s`, stateOfSocket(socket));
    socket.deferred = false;
  }

  #dequeue(): void {
    const queue = this.#random.pick(this.#queues);
    if (queue === undefined || queue.ended) return;
    this.#reached("dequeue", stateOfQueue(queue));
    if (this.#random.oneIn(2)) this.#options.pass();
    this.#take(queue, 1 + this.#random.below(ROOM));
  }

  #take(queue: Queue, most: number): void {
    const results = this.#results;
    const count = this.#rio.rings
      .dequeueCompletion(queue.handle, results, most);
    assert(count >= 0 && count <= most, `${count} of ${most}`);
    for (let i = 0; i < count; i++) {
      const context = results.requestContext(i);
      const request = this.#requests.get(context);
      assert(request, `request ${context} has ended before, or never began`);
      this.#requests.delete(context);
      const { socket, registration, limit } = request;
      assert(socket.queue === queue);
      const status = results.status(i);
      if (status === WSA_OPERATION_ABORTED || status === WSAENOTSOCK) {
        assert(socket.ended, "aborted, and nobody has closed");
        assertEquals(results.bytesTransferred(i), 0);
      } else {
        assertEquals([status, results.bytesTransferred(i)], [0, SLICE]);
      }
      limit.outstanding--;
      registration.uses--;
      this.#settle(socket);
    }
  }

  #closeSocket(): void {
    const socket = this.#random.pick(this.#sockets);
    if (socket === undefined || socket.ended) return;
    const state = stateOfSocket(socket);
    const often = state === "busy" || state === "deferred";
    if (!this.#random.oneIn(often ? 2 : 4)) return;
    this.#reached("close", state);
    this.#close(socket);
  }

  #close(socket: Socket): void {
    assertEquals(this.#rio.sockets.close(socket.handle), 0);
    socket.ended = true;
    this.#settle(socket);
  }

  /** A socket that is closed and drained gives back what it has reserved. */
  #settle(socket: Socket): void {
    const { receives, sends, queue } = socket;
    if (!socket.ended || socket.drained || queue === null) return;
    if (receives.outstanding + sends.outstanding > 0) return;
    socket.drained = true;
    queue.reserved -= receives.most + sends.most;
  }

  /**
   * Entries that closed sockets give back: at the latest when they are drained,
   * and nobody says that it is not earlier.
   */
  #leaving(queue: Queue): number {
    return this.#sockets
      .filter((one) => one.queue === queue && one.ended && !one.drained)
      .reduce((sum, one) => sum + one.receives.most + one.sends.most, 0);
  }

  #usable(): Socket | undefined {
    const socket = this.#random.pick(this.#sockets);
    return socket?.ended || socket?.requests === 0 ? undefined : socket;
  }

  #compare(): void {
    const uses = this.#registrations.reduce((sum, one) => sum + one.uses, 0);
    assertEquals(uses, this.#requests.size);
  }
}

/** Forgets what has ended, but for the last of it. */
function forget<T>(all: T[], ended: (one: T) => boolean): void {
  const gone = all.filter(ended);
  for (const one of gone.slice(0, -1)) all.splice(all.indexOf(one), 1);
}
