/**
 * Requests of the model: it posts them at random, and checks how they complete.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  WSA_OPERATION_ABORTED,
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAEMSGSIZE,
  WSAENOBUFS,
  WSAESHUTDOWN,
} from "../../ffi/error_numbers.ts";
import {
  RioClosedError,
  type RioCompletion,
  RioError,
  type RioReceiveOptions,
  type RioSession,
} from "../../mod.ts";
import {
  PLACE,
  type Place,
  type Queue,
  readDatagram,
  type Request,
  type Socket,
  streamByte,
  writeDatagram,
} from "./parts.ts";
import type { Random } from "./random.ts";
import { stateOfQueue, stateOfSocket } from "./verbs.ts";
import { World } from "./world.ts";

/** How requests on a connection end whose other end is gone. */
const BROKEN: readonly number[] = [
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAESHUTDOWN,
];

/** Bits of the number of a datagram that tell which thread has sent it. */
const OWNER_SHIFT = 24;

/** A session whose requests are posted and checked. */
export class Requests extends World {
  readonly #datagrams = new Set<number>();
  #nextId: number;
  /** Sockets of other threads. */
  #strangers: readonly Deno.NetAddr[] = [];

  constructor(session: RioSession, random: Random, owner: number) {
    super(session, random, owner);
    this.#nextId = owner * 2 ** OWNER_SHIFT + 1;
  }

  /** Learns where another thread receives. */
  meet(addresses: readonly Deno.NetAddr[]): void {
    this.#strangers = addresses;
  }

  protected receive(): void {
    const socket = this.random.pick(this.openSockets());
    const data = this.#take();
    if (socket === undefined || data === undefined) return;
    const places = [data];
    const options: RioReceiveOptions = {};
    const remote = this.random.oneIn(4) ? this.#take() : undefined;
    if (remote) {
      places.push(remote);
      options.remote = remote.buffer.real.slice(remote.index * PLACE, 28);
    }
    if (this.random.oneIn(6)) options.defer = true;
    if (this.random.oneIn(12)) options.dontNotify = true;
    const size = this.random.oneIn(8) ? 4 + this.random.below(20) : PLACE;
    this.#post(socket, false, places, size, options);
  }

  protected send(): void {
    const socket = this.random.pick(this.openSockets());
    const data = this.#take();
    if (socket === undefined || data === undefined) return;
    const places = [data];
    const options: RioReceiveOptions = {};
    const size = 4 + this.random.below(PLACE - 3);
    const bytes = data.buffer.real.bytes.subarray(data.index * PLACE).subarray(
      0,
      size,
    );
    if (socket.isStream) {
      for (let i = 0; i < size; i++) bytes[i] = streamByte(socket.sent + i);
    } else {
      const target = this.random.pick(this.#targets());
      const remote = this.#take();
      if (remote === undefined || target === undefined) {
        return this.#free(places);
      }
      places.push(remote);
      options.remote = remote.buffer.real.slice(remote.index * PLACE, 28);
      socket.real.writeAddress(options.remote, target);
      writeDatagram(bytes, this.#nextId);
    }
    if (this.random.oneIn(6)) options.defer = true;
    this.#post(socket, true, places, size, options);
  }

  protected commit(): void {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    this.does("commit", stateOfSocket(socket));
    try {
      socket.real.commit(
        this.random.pick([undefined, "send", "receive"] as const),
      );
    } catch (error) {
      assert(error instanceof RioError && socket.isStream, `${error}`);
    }
  }

  protected dequeue(queue = this.random.pick(this.openQueues())): void {
    if (queue === undefined) return;
    if (this.random.oneIn(4)) {
      this.does("walk", stateOfQueue(queue));
      queue.real.walk((completion) => this.#complete(completion, queue));
      return;
    }
    this.does("dequeue", stateOfQueue(queue));
    const max = 1 + this.random.below(64);
    const completions = queue.real.dequeue(max);
    assert(completions.length <= max);
    for (const completion of completions) this.#complete(completion, queue);
  }

  #post(
    socket: Socket,
    isSend: boolean,
    places: readonly Place[],
    size: number,
    options: RioReceiveOptions,
  ): void {
    const { buffer, index } = places[0]!;
    const slice = buffer.real.slice(index * PLACE, size);
    const id = this.#nextId++;
    const post = () =>
      isSend
        ? socket.real.send(slice, { ...options, context: id })
        : socket.real.receive(slice, { ...options, context: id });
    const state = stateOfSocket(socket);
    this.does(isSend ? "send" : "receive", state);
    if (socket.queue.closed) {
      assertThrows(post, RioClosedError);
      return this.#free(places);
    }
    if (options.defer) this.does("defer", state);
    const outstanding = isSend
      ? socket.outstandingSends
      : socket.outstandingReceives;
    const limit = isSend ? socket.sends : socket.receives;
    try {
      post();
    } catch (error) {
      this.#free(places);
      assert(error instanceof RioError, `${error}`);
      if (error.errno === WSAENOBUFS) {
        assert(outstanding >= limit, `${error.message}, the model has fewer`);
      } else {
        assert(socket.isStream && BROKEN.includes(error.errno), error.message);
      }
      return;
    }
    if (this.exact) assert(outstanding < limit, "accepted beyond the limit");
    this.posted++;
    const request: Request = {
      id,
      socket,
      isSend,
      slice,
      remote: options.remote ?? null,
      places,
    };
    this.requests.set(id, request);
    for (const place of places) place.buffer.uses++;
    if (isSend) {
      socket.outstandingSends++;
      socket.sent += size;
    } else {
      socket.outstandingReceives++;
      if (socket.isStream) socket.order.push(request);
    }
  }

  #complete(completion: RioCompletion, queue: Queue): void {
    const { context, kind, bytesTransferred } = completion;
    const request = this.requests.get(context);
    assert(request, `request ${context} completed twice or was never posted`);
    this.requests.delete(context);
    const { socket, isSend, slice, remote } = request;
    assertEquals(socket.queue, queue, "completed on another queue");
    assertEquals(kind, isSend ? "send" : "receive");
    assert(completion.slice === slice && completion.remote === remote);
    assert(completion.socket === socket.real);
    assert(bytesTransferred <= slice.length);
    this.#free(request.places);
    for (const place of request.places) place.buffer.uses--;
    if (isSend) socket.outstandingSends--;
    else socket.outstandingReceives--;
    if (socket.isStream) this.#completeStream(request, completion);
    else this.#completeDatagram(request, completion);
  }

  #completeDatagram(
    request: Request,
    completion: RioCompletion,
  ): void {
    const { status, bytesTransferred, slice } = completion;
    if (status === WSA_OPERATION_ABORTED) {
      assert(request.socket.closed, "aborted on an open socket");
      return;
    }
    assert(status === 0 || status === WSAEMSGSIZE, `status ${status}`);
    if (request.isSend) {
      assertEquals(bytesTransferred, slice!.length);
      return;
    }
    const id = readDatagram(slice!.bytes.subarray(0, bytesTransferred));
    assert(id > 0, "a datagram holds bytes of another one");
    assert(!this.#datagrams.has(id), `datagram ${id} arrived twice`);
    this.#datagrams.add(id);
    const isOwn = id >>> OWNER_SHIFT === this.owner;
    if (request.remote && isOwn) {
      const { port } = request.socket.real.readAddress(request.remote);
      assert(this.sockets.some(({ real }) => real.address.port === port));
    }
  }

  #completeStream(request: Request, completion: RioCompletion): void {
    const { status, bytesTransferred, slice } = completion;
    const { socket } = request;
    if (!request.isSend) {
      assertEquals(socket.order.shift(), request, "receives out of order");
    }
    if (status !== 0) {
      const expected = socket.closed
        ? [WSA_OPERATION_ABORTED, ...BROKEN]
        : BROKEN;
      assert(expected.includes(status), `status ${status} of a connection`);
      return;
    }
    if (request.isSend) {
      assertEquals(bytesTransferred, slice!.length);
      return;
    }
    if (bytesTransferred === 0) assert(socket.peer!.closed, "an early end");
    for (let i = 0; i < bytesTransferred; i++) {
      const expected = streamByte(socket.received + i);
      if (slice!.bytes[i] !== expected) assertEquals(slice!.bytes[i], expected);
    }
    socket.received += bytesTransferred;
  }

  /** Where a datagram may go. */
  #targets(): Deno.NetAddr[] {
    const own = this.sockets.filter(({ isStream }) => !isStream);
    return [...own.map(({ real }) => real.address), ...this.#strangers];
  }

  #take(): Place | undefined {
    const buffer = this.random.pick(this.buffers);
    const index = buffer?.used.indexOf(false) ?? -1;
    if (buffer === undefined || index < 0) return undefined;
    buffer.used[index] = true;
    return { buffer, index };
  }

  #free(places: readonly Place[]): void {
    for (const { buffer, index } of places) buffer.used[index] = false;
  }
}
