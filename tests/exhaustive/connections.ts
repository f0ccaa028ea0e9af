/**
 * One short life of a connection, in an order that is chosen: reads, writes and
 * ends on both of its sides, with the event loop going on in between, or not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { RioTcpConn } from "../../mod.ts";
import { ENDS } from "../net/connection.ts";
import type { Choices } from "./choices.ts";
import { type Life, turn } from "./run.ts";

/** Bytes of one write. */
const CHUNK = 3;
/** The most of a kind of step on one side. */
const MOST = 2;

/** One side, and what is known of it. */
class Side {
  readonly name: string;
  readonly conn: RioTcpConn;
  reads = 0;
  writes = 0;
  /** Bytes given to it, and bytes that it has read. */
  written = 0;
  read = 0;
  /** Whether it has ended sending, or all, or has seen the other's end. */
  ended = false;
  closed = false;
  sawEnd = false;
  readonly calls: Promise<void>[] = [];

  constructor(name: string, conn: RioTcpConn) {
    this.name = name;
    this.conn = conn;
  }
}

/** A connection, and what is known of it. */
export class Connections implements Life {
  /** What was done, in words. */
  readonly done: string[] = [];
  readonly #sides: [Side, Side];
  readonly #choices: Choices;

  constructor(sides: [RioTcpConn, RioTcpConn], choices: Choices) {
    const [client, server] = sides;
    this.#sides = [new Side("client", client), new Side("server", server)];
    this.#choices = choices;
  }

  /** Does so many things; then closes both sides, and sees all calls end. */
  async run(depth: number): Promise<void> {
    for (let i = 0; i < depth; i++) {
      const steps = this.#steps();
      if (steps.length === 0) break;
      const [name, act] = this.#choices.pick(steps);
      this.done.push(name);
      await act();
    }
    for (const side of this.#sides) {
      if (!side.closed) close(side);
    }
    await Promise.all(this.#sides.flatMap(({ calls }) => calls));
    for (const side of this.#sides) {
      assert(side.read <= this.#other(side).written, "more than was sent");
    }
  }

  #other(side: Side): Side {
    return this.#sides[side === this.#sides[0] ? 1 : 0];
  }

  #steps(): [name: string, act: () => void | Promise<void>][] {
    const steps: [string, () => void | Promise<void>][] = [];
    for (const side of this.#sides) {
      if (side.closed) continue;
      const add = (what: string, act: () => void) =>
        steps.push([`${side.name} ${what}`, act]);
      if (side.reads < MOST) add("reads", () => this.#read(side));
      if (side.writes < MOST) add("writes", () => this.#write(side));
      if (!side.ended) add("ends sending", () => end(side));
      add("closes", () => close(side));
    }
    if (this.done.at(-1) !== "turn") steps.push(["turn", turn]);
    return steps;
  }

  #read(side: Side): void {
    side.reads++;
    const into = new Uint8Array(CHUNK + 1);
    const check = async () => {
      let count: number | null;
      try {
        count = await side.conn.read(into);
      } catch (error) {
        this.#expected(side, error);
        return;
      }
      const other = this.#other(side);
      if (count === null) {
        side.sawEnd = true;
        assert(other.ended || other.closed, "an end that nobody made");
        return;
      }
      assert(count > 0 && !side.sawEnd, "bytes behind the end");
      for (let i = 0; i < count; i++) {
        assertEquals(into[i], byteAt(other, side.read + i));
      }
      side.read += count;
    };
    side.calls.push(check());
  }

  #write(side: Side): void {
    side.writes++;
    const bytes = new Uint8Array(CHUNK);
    for (let i = 0; i < CHUNK; i++) bytes[i] = byteAt(side, side.written + i);
    side.written += CHUNK;
    const check = async () => {
      try {
        assertEquals(await side.conn.write(bytes), CHUNK);
      } catch (error) {
        // A side that has ended sending can send nothing more.
        if (!side.ended) this.#expected(side, error);
      }
    };
    side.calls.push(check());
  }

  /** An error comes only where somebody has closed. */
  #expected(side: Side, error: unknown): void {
    assert(side.closed || this.#other(side).closed, `${error}`);
    assert(ENDS.some((end) => error instanceof end), `${error}`);
  }
}

function end(side: Side): void {
  side.ended = true;
  side.calls.push(
    side.conn.closeWrite().catch((error) => {
      assert(ENDS.some((end) => error instanceof end), `${error}`);
    }),
  );
}

function close(side: Side): void {
  side.closed = true;
  side.conn.close();
}

/** What a side sends at a place of its stream. */
function byteAt({ name }: Side, at: number): number {
  return (name.length * 31 + at * 7) & 0xFF;
}
