/**
 * The Linux backend itself, over a kernel that fails on request.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { AF_INET, IPPROTO_UDP, SOCK_DGRAM } from "../../ffi/constants.ts";
import type { RioBackend } from "../../ffi/contract.ts";
import { RioResults } from "../../ffi/layout.ts";
import { allocate } from "../../ffi/memory.ts";
import { writeAddress } from "../../mod.ts";
import { FaultyLinux } from "../faults/faulty_linux.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** A raw backend over a kernel that fails on request. */
export class Raw implements Disposable {
  readonly system = new FaultyLinux();
  readonly backend: RioBackend = this.system.open();
  readonly memory = allocate(4096);
  readonly bufferId: number = this.backend.rings.registerBuffer(this.memory);
  readonly queue: number = this.backend.rings.createCompletionQueue(64, 0);
  readonly #results = new RioResults(16);

  udp(): { socket: number; requests: number; address: Uint8Array } {
    const { backend, queue } = this;
    const socket = backend.sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    const address = new Uint8Array(28);
    writeAddress(address, { hostname: "127.0.0.1", port: 0 });
    assertEquals(backend.sockets.bind(socket, address), 0);
    assertEquals(backend.sockets.localAddress(socket, address), 0);
    const requests = backend
      .rings.createRequestQueue(socket, 4, 4, queue, queue);
    return { socket, requests, address };
  }

  slice(offset: number, length: number) {
    return { bufferId: this.bufferId, offset, length };
  }

  /** What has completed by now: statuses. */
  statuses(): number[] {
    const count = this.backend
      .rings.dequeueCompletion(this.queue, this.#results, 16);
    return Array.from({ length: count }, (_, i) => this.#results.status(i));
  }

  [Symbol.dispose](): void {
    this.backend.close(false);
    this.system[Symbol.dispose]();
  }
}

/** Registers a test of it. */
export function linuxTest(
  name: string,
  body: (raw: Raw) => void | Promise<void>,
): void {
  Deno.test({
    name: `linux: ${name}`,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      using raw = new Raw();
      await body(raw);
    },
  });
}
