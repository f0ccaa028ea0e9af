/**
 * One and two workers that share a port and receive what a flood brings.
 *
 * @module
 */
import process from "node:process";
import { Child } from "./child.ts";
import {
  type Candidate,
  compareRates,
  type Report,
  type Sample,
} from "./harness.ts";

/** What a worker is told at its start. */
export interface ReceiverOptions {
  kind: "rio" | "deno";
  /** 0 for any. */
  port: number;
  /** Where it counts. */
  received: SharedArrayBuffer;
}

/** Datagrams received per second. */
export async function workers(
  { milliseconds, rounds }: { milliseconds: number; rounds: number },
): Promise<Report | null> {
  if (Deno.build.os !== "linux") {
    console.error("skip: only Linux shares a port between workers");
    return null;
  }
  await using flood = new Child("flood.ts", []);
  const plan = [
    ["rio", 1, "listenDatagram, receiveMany, 1 worker"],
    ["rio", 2, "listenDatagram, receiveMany, 2 workers"],
    ["deno", 1, "Deno.listenDatagram, own buffer, 1 worker"],
  ] as const;
  console.error("skip: Deno.listenDatagram cannot share a port with a worker");
  const candidates: Candidate[] = [];
  for (const [kind, count, name] of plan) {
    const receivers = await Receivers.start(kind, count);
    candidates.push({
      name,
      run: (count) => receivers.receive(flood, milliseconds, count),
      [Symbol.asyncDispose]: () => receivers.close(),
    });
  }
  return await compareRates(
    {
      id: "workers",
      title: "UDP, 64 bytes, received from a flood that another process sends",
    },
    candidates,
    { count: 1000, rounds },
  );
}

/** Workers that receive on one port. */
class Receivers {
  readonly #workers: Worker[] = [];
  readonly #received = new SharedArrayBuffer(4);
  #port = 0;

  static async start(
    kind: ReceiverOptions["kind"],
    count: number,
  ): Promise<Receivers> {
    const receivers = new Receivers();
    for (let i = 0; i < count; i++) await receivers.#add(kind);
    return receivers;
  }

  async #add(kind: ReceiverOptions["kind"]): Promise<void> {
    const url = new URL("receiver.ts", import.meta.url);
    const worker = new Worker(url, { type: "module" });
    this.#workers.push(worker);
    const opened = Promise.withResolvers<number>();
    worker.onmessage = ({ data }) => opened.resolve(data);
    worker.onerror = ({ message }) => opened.reject(new Error(message));
    const options: ReceiverOptions = {
      kind,
      port: this.#port,
      received: this.#received,
    };
    worker.postMessage(options);
    this.#port = await opened.promise;
  }

  /** Receives for a while; answers what `count` of it took. */
  async receive(
    flood: Child,
    milliseconds: number,
    count: number,
  ): Promise<Sample> {
    const counter = new Uint32Array(this.#received);
    const before = Atomics.load(counter, 0);
    const cpu = process.cpuUsage();
    const start = performance.now();
    await flood.tell(`${this.#port} ${milliseconds}`);
    await flood.line();
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const received = (Atomics.load(counter, 0) - before) >>> 0;
    const part = count / received;
    return {
      seconds: seconds * part,
      user: user / 1e6 * part,
      system: system / 1e6 * part,
    };
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) {
      const closed = new Promise((resolve) => worker.onmessage = resolve);
      worker.postMessage("close");
      await closed;
      worker.terminate();
    }
  }
}
