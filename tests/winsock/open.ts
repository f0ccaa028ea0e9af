/**
 * The Winsock backend over a fake Windows, and the steps that tests repeat.
 *
 * @module
 */
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../../ffi/constants.ts";
import type { RioBackend, RioBuf, RioHandle } from "../../ffi/contract.ts";
import { writeAddress } from "../../ffi/address.ts";
import { RioResults } from "../../ffi/layout.ts";
import { allocate } from "../../ffi/memory.ts";
import {
  type CallOptions,
  createWinsockBackend,
} from "../../ffi/winsock/open.ts";
import {
  createFakeWindows,
  type FakeOptions,
  type FakeWindows,
} from "../fake/mod.ts";

/** A completion, read out. */
export interface Result {
  status: number;
  bytesTransferred: number;
  requestContext: number;
}

/** A backend over a fake Windows, closed and accounted for at the end. */
export class Rig {
  readonly fake: FakeWindows;
  readonly backend: RioBackend;
  readonly results = new RioResults(16);

  constructor(
    options: FakeOptions & { call?: CallOptions } = {},
    fake: FakeWindows = createFakeWindows(options),
  ) {
    this.fake = fake;
    this.backend = createWinsockBackend(fake.symbols, options.call);
  }

  /** Another backend over the same fake; whoever asks closes it. */
  another(): Rig {
    return new Rig({}, this.fake);
  }

  /** Lets the event loop and the fake go one turn on. */
  turn(): Promise<void> {
    return turn(this.fake);
  }

  /** Registers fresh memory. */
  register(byteLength: number): Registered {
    const memory = allocate(byteLength);
    const id = this.backend.rings.registerBuffer(memory);
    if (id < 0) throw new Error(`registration failed with ${-id}`);
    return { id, bytes: memory.bytes };
  }

  /** Closes what a test opened, in the right order. */
  tearDown(bound: readonly Bound[], ...buffers: number[]): void {
    const { rings, sockets } = this.backend;
    for (const { socket } of bound) sockets.close(socket);
    for (const { cq } of bound) {
      this.dequeue(cq);
      rings.closeCompletionQueue(cq);
    }
    for (const id of buffers) rings.deregisterBuffer(id);
  }

  /** A bound UDP socket with a request queue on a queue of its own. */
  udp(
    notification = 0,
    { ipv6 = false } = {},
  ): Bound {
    const { backend } = this;
    const family = ipv6 ? AF_INET6 : AF_INET;
    const socket = backend.sockets.open(family, SOCK_DGRAM, IPPROTO_UDP);
    const bound = backend.sockets.bind(
      socket,
      address(0, ipv6 ? "::1" : undefined),
    );
    if (bound !== 0) throw new Error(`bind failed with ${bound}`);
    return this.#queues(socket, notification);
  }

  /** A TCP socket without a request queue. */
  tcp(): RioHandle {
    return this.backend.sockets.open(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  }

  /** Gives a socket a request queue on a queue of its own. */
  queue(socket: RioHandle): Bound {
    return this.#queues(socket, 0);
  }

  /** Dequeues until there is something, or for 20 polls. */
  dequeue(queue: RioHandle, most = 16): Result[] {
    const all: Result[] = [];
    for (let poll = 0; poll < 20 && all.length < most; poll++) {
      const count = this.backend.rings.dequeueCompletion(
        queue,
        this.results,
        16,
      );
      for (let i = 0; i < count; i++) {
        all.push({
          status: this.results.status(i),
          bytesTransferred: this.results.bytesTransferred(i),
          requestContext: this.results.requestContext(i),
        });
      }
    }
    return all;
  }

  /** Waits until the key fires; fails after 50 spurious wake-ups. */
  async fired(key: number): Promise<void> {
    for (let i = 0; i < 50; i++) {
      const count = await this.backend.waits.wait();
      if (this.backend.waits.fired.subarray(0, count).includes(key)) return;
    }
    throw new Error(`key ${key} did not fire`);
  }

  #queues(
    socket: RioHandle,
    notification: number,
  ): Bound {
    const cq = this.backend.rings.createCompletionQueue(8, notification);
    const rq = this.backend.rings.createRequestQueue(socket, 4, 4, cq, cq);
    if (cq < 0 || rq < 0) throw new Error(`no queues: ${cq}, ${rq}`);
    const name = new Uint8Array(28);
    this.backend.sockets.localAddress(socket, name);
    return { socket, cq, rq, name };
  }

  [Symbol.dispose](): void {
    this.backend.close(false);
    this.fake[Symbol.dispose]();
  }
}

/** Registered memory. */
export interface Registered {
  id: RioHandle;
  bytes: Uint8Array;
}

/** A socket with its queues. */
export interface Bound {
  socket: RioHandle;
  cq: RioHandle;
  rq: RioHandle;
  /** Its local address, 28 bytes. */
  name: Uint8Array;
}

/** A slice of registered memory. */
export function slice(
  buffer: Registered,
  offset: number,
  length: number,
): RioBuf {
  return { bufferId: buffer.id, offset, length };
}

/** The 28 bytes of an address. */
export function address(port: number, hostname = "127.0.0.1"): Uint8Array {
  const bytes = new Uint8Array(28);
  writeAddress(bytes, { hostname, port });
  return bytes;
}

/** Lets the event loop and a fake go one turn on. */
export async function turn(fake: FakeWindows): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  fake.pump();
}

/** Runs a test body over a fresh rig, and expects nothing left and no misuse. */
export async function withRig(
  options: FakeOptions & { call?: CallOptions },
  body: (rig: Rig) => void | Promise<void>,
): Promise<void> {
  using rig = new Rig(options);
  await body(rig);
  rig.backend.close(false);
  // Waits that go on return on a later turn.
  for (let i = 0; i < 20 && rig.fake.waiting > 0; i++) {
    await rig.turn();
  }
  await rig.turn();
  const { violations } = rig.fake;
  if (violations.length > 0) throw new Error(violations.join("\n"));
  const left = rig.fake.leftovers();
  if (Object.keys(left).length > 0) throw new Error(JSON.stringify(left));
}
