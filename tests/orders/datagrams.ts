/**
 * Two datagram sockets that send, receive, abort and end in any order.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { pause } from "../../ffi/clock.ts";
import { listenDatagram, type RioDatagramConn } from "../../mod.ts";
import type { Race } from "./run.ts";
import type { Schedule } from "./schedule.ts";

const HOST = "127.0.0.1";
/** What memory is filled with that nobody may write to. */
const UNTOUCHED = 0xEE;
/** The most bytes of a datagram. */
const MOST = 200;

/** Has one socket receive in all ways what the other one sends. */
export const datagrams: Race = async (schedule, [session, other]) => {
  const { random } = schedule;
  const receiver = listenDatagram({ hostname: HOST, session });
  const sender = listenDatagram({ hostname: HOST, session: other });
  const run = new Run(schedule, receiver, sender);
  run.begin();
  if (random.oneIn(3)) {
    schedule.add("close()", async () => {
      for (let left = random.below(10); left > 0; left--) await schedule.hop();
      run.close();
    });
  }
  await schedule.end();
  if (!run.closed) {
    await run.receiveRest();
    run.close();
  }
  run.check();
  sender.close();
};

class Run {
  closed = false;
  readonly #schedule: Schedule;
  readonly #receiver: RioDatagramConn;
  readonly #sender: RioDatagramConn;
  readonly #received: Set<number> = new Set();
  /** Memory that was given away, and what it has to look like ever after. */
  readonly #kept: { memory: Uint8Array; copy: Uint8Array }[] = [];
  #sent = 0;

  constructor(
    schedule: Schedule,
    receiver: RioDatagramConn,
    sender: RioDatagramConn,
  ) {
    this.#schedule = schedule;
    this.#receiver = receiver;
    this.#sender = sender;
  }

  begin(): void {
    const { random } = this.#schedule;
    const ways = [
      () => this.#receive(),
      () => this.#receiveUntil(),
      () => this.#receiveMany(),
      () => this.#takeArrived(),
    ];
    for (let left = 1 + random.below(4); left > 0; left--) {
      const way = random.pick(ways)!;
      this.#repeat(way.toString(), way);
    }
    for (let left = 1 + random.below(3); left > 0; left--) {
      this.#repeat("send()", () => this.#send());
      this.#repeat("sendMany()", () => this.#sendMany());
    }
  }

  /** Receives what nobody has received yet. */
  async receiveRest(): Promise<void> {
    this.#schedule.add("the rest", async () => {
      while (this.#received.size < this.#sent) {
        using batch = await this.#receiver.receiveMany();
        for (const { data } of batch) this.#take(data);
      }
    });
    await this.#schedule.end();
  }

  close(): void {
    this.closed = true;
    this.#receiver.close();
  }

  /** Looks whether what was promised was kept. */
  check(): void {
    assert(this.#received.size <= this.#sent, "more than was sent");
    for (const { memory, copy } of this.#kept) {
      assertEquals(memory, copy, "memory was written to after its receive");
    }
  }

  #repeat(name: string, step: () => Promise<void>): void {
    const { random } = this.#schedule;
    this.#schedule.add(name, async () => {
      for (let left = random.below(6); left > 0 && !this.closed; left--) {
        try {
          await step();
        } catch (error) {
          this.#expected(error);
        }
        await this.#schedule.hop();
      }
    });
  }

  /** Waits for a receive, and has somebody send until it ends. */
  async #fed<T>(receiving: Promise<T>): Promise<T> {
    let ended = false;
    this.#schedule.add("sends until a receive ends", async () => {
      while (!ended) {
        await this.#send();
        await pause(1);
      }
    });
    try {
      return await receiving;
    } finally {
      ended = true;
    }
  }

  async #send(): Promise<void> {
    const data = this.#next();
    await this.#sender.send(data, this.#receiver.addr);
    // It is the program's again.
    data.fill(0);
  }

  async #sendMany(): Promise<void> {
    const { random } = this.#schedule;
    const { addr } = this.#receiver;
    const all = Array.from({ length: 1 + random.below(12) }, () => ({
      data: this.#next(),
      addr,
    }));
    assertEquals(await this.#sender.sendMany(all), all.length);
    for (const { data } of all) data.fill(0);
  }

  async #receive(): Promise<void> {
    const { random } = this.#schedule;
    const memory = random.oneIn(2)
      ? new Uint8Array(MOST + 8).fill(UNTOUCHED)
      : undefined;
    const [data] = await this.#fed(this.#receiver.receive(memory));
    this.#take(data);
    const whole = memory ?? data;
    this.#kept.push({ memory: whole, copy: whole.slice() });
    if (!memory) return;
    const rest = memory.subarray(data.length);
    assert(rest.every((byte) => byte === UNTOUCHED), "wrote beyond");
  }

  async #receiveUntil(): Promise<void> {
    const memory = new Uint8Array(MOST + 8).fill(UNTOUCHED);
    const controller = new AbortController();
    const { signal } = controller;
    this.#schedule.add("abort()", () => {
      controller.abort(new Error("aborted"));
      return Promise.resolve();
    });
    try {
      const [data] = await this.#receiver.receive(memory, { signal });
      this.#take(data);
      this.#kept.push({ memory, copy: memory.slice() });
    } catch (error) {
      const copy = new Uint8Array(memory.length).fill(UNTOUCHED);
      this.#kept.push({ memory, copy });
      throw error;
    }
  }

  async #receiveMany(): Promise<void> {
    using batch = await this.#fed(this.#receiver.receiveMany());
    await this.#look(batch);
  }

  async #takeArrived(): Promise<void> {
    using batch = this.#receiver.takeArrived();
    await this.#look(batch);
  }

  /** Looks at a batch, and after a while again: it must not change. */
  async #look(batch: Iterable<{ data: Uint8Array }>): Promise<void> {
    const all = [...batch].map(({ data }) => ({ data, copy: data.slice() }));
    for (const { data } of all) this.#take(data);
    await this.#schedule.hop();
    if (this.closed) return;
    for (const { data, copy } of all) {
      assertEquals(data, copy, "a batch changed before it was given back");
    }
  }

  /** The next datagram: its number, and bytes that tell it. */
  #next(): Uint8Array {
    const { random } = this.#schedule;
    const data = new Uint8Array(4 + random.below(MOST - 4));
    data.fill(this.#sent & 0xFF, 4);
    new DataView(data.buffer).setUint32(0, this.#sent++);
    return data;
  }

  #take(data: Uint8Array): void {
    const number = new DataView(data.buffer, data.byteOffset).getUint32(0);
    assert(!this.#received.has(number), "a datagram came twice");
    assert(number < this.#sent, "a datagram that nobody has sent");
    const rest = data.subarray(4);
    assert(rest.every((byte) => byte === (number & 0xFF)), "other bytes");
    this.#received.add(number);
  }

  /** A call fails only where somebody has ended it. */
  #expected(error: unknown): void {
    const isEnd = error instanceof Deno.errors.Interrupted ||
      error instanceof Deno.errors.BadResource;
    if (isEnd && this.closed) return;
    if ((error as Error).message !== "aborted") throw error;
  }
}
