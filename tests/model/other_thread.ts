/**
 * A worker that uses a session of its own at random, as its starter sees it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ModelSystem } from "./system.ts";

/** What a worker is told to do. */
export interface Order {
  system: ModelSystem;
  seed: number;
  steps: number;
  /** Tells its datagrams from those of other threads; 1 to 255. */
  owner: number;
  /** Where it may send datagrams to as well. */
  strangers: readonly Deno.NetAddr[];
}

/** What a worker tells. */
export interface Report {
  /** Its sockets; it has requests in flight. */
  addresses?: readonly Deno.NetAddr[];
  /** What was wrong; it has come to its end. */
  faults?: readonly string[];
}

/** A worker from its start to its end. */
export class OtherThread {
  readonly #worker: Worker;
  readonly #flying = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<readonly string[]>();

  /**
   * Starts a worker.
   *
   * @param order What it is to do.
   * @param met Told the addresses of its sockets.
   */
  constructor(
    order: Order,
    met: (addresses: readonly Deno.NetAddr[]) => void,
  ) {
    const url = new URL("./worker.ts", import.meta.url).href;
    const worker = this.#worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.addresses) met(data.addresses);
      if (data.faults) this.#ended.resolve(data.faults);
      this.#flying.resolve();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#ended.resolve([event.message]);
      this.#flying.resolve();
    };
    worker.postMessage(order);
  }

  /** Terminates it as soon as it has requests in flight. */
  async terminate(): Promise<void> {
    await this.#flying.promise;
    this.#worker.terminate();
  }

  /** Waits until it has come to its end, which must be a good one. */
  async finish(): Promise<void> {
    const faults = await this.#ended.promise;
    this.#worker.terminate();
    assertEquals(faults, []);
  }
}
