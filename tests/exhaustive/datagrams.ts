/**
 * One short life of a datagram socket that somebody waits for, in an order that
 * is chosen: waits, datagrams, aborts, and its end.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { RioDatagramConn } from "../../mod.ts";
import type { Choices } from "./choices.ts";
import { type Life, turn } from "./run.ts";

/** The most of a kind of step. */
const MOST = 2;

/** A datagram socket, and what is known of it. */
export class Datagrams implements Life {
  /** What was done, in words. */
  readonly done: string[] = [];
  readonly #conn: RioDatagramConn;
  readonly #peer: RioDatagramConn;
  readonly #choices: Choices;
  readonly #calls: Promise<void>[] = [];
  readonly #aborts: AbortController[] = [];
  readonly #received: number[] = [];
  #waits = 0;
  #sent = 0;
  #referenced = true;
  #closed = false;

  constructor(
    { conn, peer }: { conn: RioDatagramConn; peer: RioDatagramConn },
    choices: Choices,
  ) {
    this.#conn = conn;
    this.#peer = peer;
    this.#choices = choices;
  }

  /** Does so many things; then receives what is left, and sees all calls end. */
  async run(depth: number): Promise<void> {
    for (let i = 0; i < depth; i++) {
      const steps = this.#steps();
      if (steps.length === 0) break;
      const [name, act] = this.#choices.pick(steps);
      this.done.push(name);
      await act();
    }
    if (!this.#closed) {
      this.#conn.ref();
      await turn();
      // Every datagram goes to one call, whatever became of the others.
      while (this.#received.length < this.#sent) {
        const before = this.#received.length;
        this.#take(this.#conn.receive());
        await Promise.race(this.#calls.splice(-1));
        await turn();
        assert(this.#received.length > before, "a datagram was lost");
      }
      this.#close();
    }
    await Promise.all(this.#calls);
    const unique = new Set(this.#received);
    assertEquals(unique.size, this.#received.length, "one came twice");
  }

  #steps(): [name: string, act: () => void | Promise<void>][] {
    const steps: [string, () => void | Promise<void>][] = [];
    if (!this.#closed) {
      if (this.#waits < MOST) {
        steps.push(
          ["receive", () => this.#receive({})],
          ["receive many", () => this.#receiveMany()],
          ["receive with a signal", () => this.#receiveUntil()],
        );
      }
      if (this.#sent < MOST) steps.push(["a datagram", () => this.#arrive()]);
      const [first] = this.#aborts;
      if (first) {
        steps.push(["abort", () => {
          this.#aborts.shift();
          first.abort(new Error("aborted"));
        }]);
      }
      steps.push(
        [this.#referenced ? "unref" : "ref", () => this.#reference()],
        ["close", () => this.#close()],
      );
    }
    if (this.done.at(-1) !== "turn") steps.push(["turn", turn]);
    return steps;
  }

  #receive(options: { signal?: AbortSignal }): void {
    this.#waits++;
    this.#take(this.#conn.receive(undefined, options));
  }

  #take(received: Promise<[Uint8Array, Deno.NetAddr]>): void {
    this.#calls.push(received.then(
      ([data]) => void this.#received.push(data[0]!),
      (error) => this.#expected(error),
    ));
  }

  #receiveMany(): void {
    this.#waits++;
    const take = async () => {
      try {
        using batch = await this.#conn.receiveMany();
        for (const { data } of batch) this.#received.push(data[0]!);
      } catch (error) {
        this.#expected(error);
      }
    };
    this.#calls.push(take());
  }

  #receiveUntil(): void {
    const controller = new AbortController();
    this.#aborts.push(controller);
    this.#receive({ signal: controller.signal });
  }

  async #arrive(): Promise<void> {
    const data = new Uint8Array([this.#sent++]);
    await this.#peer.send(data, this.#conn.addr);
  }

  #reference(): void {
    this.#referenced = !this.#referenced;
    if (this.#referenced) this.#conn.ref();
    else this.#conn.unref();
  }

  #close(): void {
    this.#closed = true;
    this.#conn.close();
  }

  /** A call fails only where somebody has ended it. */
  #expected(error: unknown): void {
    const isEnd = error instanceof Deno.errors.Interrupted ||
      error instanceof Deno.errors.BadResource;
    if (isEnd) assert(this.#closed, `${error}`);
    else assertEquals((error as Error).message, "aborted");
  }
}
