/** A Linux backend with sockets and memory to try it on. */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE, writeAddress } from "../../ffi/address.ts";
import * as winsock from "../../ffi/constants.ts";
import type { RioBackend, RioHandle, RioWatcher } from "../../ffi/contract.ts";
import { RioResults } from "../../ffi/layout.ts";
import { openLinux, openUring } from "../../ffi/linux/backend.ts";
import type { UringOptions } from "../../ffi/linux/uring/uring.ts";
import { allocate } from "../../ffi/memory.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { WITHOUT_URING } from "./engine.ts";

export const ON = new Uint8Array([1, 0, 0, 0]);
export const OFF = new Uint8Array(4);
export const SIZE = 1 << 20;
export const results = new RioResults(256);

/** States something that only this backend can be asked. */
export function linuxTest(name: string, fn: Body) {
  test(name, openLinux, fn, NOT_LINUX);
}

/** States something of data without requests, for each way to move it. */
export function engineTest(name: string, fn: Body) {
  test(`epoll: ${name}`, openLinux, fn, NOT_LINUX);
  uringTest(name, fn);
}

/** States something of the data of connections in the ring. */
export function uringTest(name: string, fn: Body, options?: UringOptions) {
  const why = NOT_LINUX ?? WITHOUT_URING;
  const open = () => openUring(options && { uring: options });
  test(`io_uring: ${name}`, open, fn, why);
}

type Body = (rio: Rig) => void | Promise<void>;

function test(
  name: string,
  open: () => RioBackend,
  fn: Body,
  why: string | undefined,
) {
  Deno.test({
    name,
    ignore: skipped(name, why),
    async fn() {
      // The first ring of a thread is opened at once, to see that it works.
      open().close(false);
      const before = descriptors();
      const rig = new Rig(open());
      try {
        await fn(rig);
      } finally {
        rig.rio.close(false);
      }
      assertEquals(descriptors(), before, "file descriptors");
    },
  });
}

export function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

export interface Completion {
  status: number;
  bytes: number;
  context: number;
}

export class Rig {
  readonly rio: RioBackend;
  readonly memory = allocate(SIZE);
  readonly bufferId: RioHandle;

  constructor(rio: RioBackend) {
    this.rio = rio;
    this.bufferId = rio.rings.registerBuffer(this.memory);
  }

  slice(offset: number, length: number) {
    return { bufferId: this.bufferId, offset, length };
  }

  queue(size: number, key?: number): RioHandle {
    if (key === undefined) return this.rio.rings.createCompletionQueue(size, 0);
    assertEquals(this.rio.waits.createNotification("event", key), 0);
    return this.rio.rings.createCompletionQueue(size, key);
  }

  udp(queue: RioHandle, sendQueue = queue) {
    const { rio } = this;
    const socket = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
    assert(socket > 0);
    const address = new Uint8Array(ADDRESS_SIZE);
    writeAddress(address, { hostname: "127.0.0.1", port: 0 });
    assertEquals(rio.sockets.bind(socket, address), 0);
    assertEquals(rio.sockets.localAddress(socket, address), 0);
    const posts = rio.rings.createRequestQueue(socket, 8, 8, queue, sendQueue);
    assert(posts > 0);
    return { socket, address, posts };
  }

  async tcp(receiveQueue: RioHandle, sendQueue: RioHandle) {
    const { rio } = this;
    const listener = rio.sockets.open(winsock.AF_INET, winsock.SOCK_STREAM, 6);
    const address = new Uint8Array(ADDRESS_SIZE);
    writeAddress(address, { hostname: "127.0.0.1", port: 0 });
    assertEquals(rio.sockets.bind(listener, address), 0);
    assertEquals(rio.sockets.listen(listener, 1), 0);
    assertEquals(rio.sockets.localAddress(listener, address), 0);
    const client = rio.sockets.open(winsock.AF_INET, winsock.SOCK_STREAM, 6);
    let outcome = rio.sockets.connect(client, address, 900);
    while (outcome === 0) {
      await this.keys();
      outcome = rio.sockets.connected(client);
    }
    assertEquals(outcome, 1);
    let server = rio.sockets.accept(listener, 901);
    while (server === 0) {
      await this.keys();
      server = rio.sockets.accept(listener, 901);
    }
    assertEquals(rio.sockets.close(listener), 0);
    return [client, server].map((socket) => ({
      socket,
      posts: rio.rings.createRequestQueue(
        socket,
        8,
        8,
        receiveQueue,
        sendQueue,
      ),
    }));
  }

  /** The keys that fire, within 5 seconds. */
  async keys(): Promise<number[]> {
    const { rio } = this;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      rio.waits.wake();
    }, 5000);
    try {
      for (;;) {
        const count = await rio.waits.wait();
        if (count > 0) return [...rio.waits.fired.subarray(0, count)];
        assert(!late, "nothing fired within 5 seconds");
      }
    } finally {
      clearTimeout(timer);
    }
  }

  dequeue(queue: RioHandle, max = 256): Completion[] {
    const count = this.rio.rings.dequeueCompletion(queue, results, max);
    assert(count <= max);
    return Array.from({ length: count }, (_, i) => ({
      status: results.status(i),
      bytes: results.bytesTransferred(i),
      context: results.requestContext(i),
    }));
  }
}

/** Who is told, and how often. */
export class Watcher implements RioWatcher {
  arrivals = 0;
  room = 0;
  over = 0;

  readable(): void {
    this.arrivals++;
  }

  writable(): void {
    this.room++;
  }

  closed(): void {
    this.over++;
  }
}
