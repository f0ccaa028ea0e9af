/**
 * A connection whose sides read, write and end in any order.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect, listen, type RioTcpConn } from "../../mod.ts";
import { Random } from "../model/random.ts";
import { ENDS, HOST } from "../net/connection.ts";
import type { Race } from "./run.ts";
import type { Schedule } from "./schedule.ts";

/** What memory is filled with that nobody may write to. */
const UNTOUCHED = 0xEE;
/** The most bytes of a read, and of most writes. */
const MOST = 60_000;
/** The most bytes of the other ones, which take several requests. */
const LONG = 300_000;
/** What is sent, in an order that does not repeat; each side begins elsewhere. */
const SENT = new Random(1).bytes(5_000_000);

/** One side of a connection, and what is known of it. */
interface Side {
  readonly name: string;
  readonly conn: RioTcpConn;
  /** Bytes given to it, and bytes that it has read. */
  written: number;
  read: number;
  sawEnd: boolean;
  /** Writes that go on, or are still to come. */
  writing: number;
  /** Whether the end of what it reads closes it. */
  endsWithReadable: boolean;
  /** Whether a write that fails closes it. */
  endsWithWritable: boolean;
  /** Whether it has ended sending, and whether all. */
  ended: boolean;
  closed: boolean;
}

/** Memory that was read into, and what it has to look like ever after. */
interface Kept {
  readonly memory: Uint8Array;
  readonly copy: Uint8Array;
}

/** Has the sides of a connection read, write and end. */
export const connections: Race = async (schedule, sessions) => {
  const { random } = schedule;
  const [session, other] = sessions;
  const allowHalfOpen = random.oneIn(2);
  using listener = listen({ hostname: HOST, session, allowHalfOpen });
  const accepted = listener.accept();
  const { port } = listener.addr;
  const conns = await Promise.all([
    connect({ port, session: other, allowHalfOpen }),
    accepted,
  ]);
  // Nobody closes before everything was said and heard.
  const gentle = random.oneIn(2);
  const run = new Run(schedule, conns, { gentle, allowHalfOpen });
  run.begin();
  if (!gentle && random.oneIn(8)) {
    schedule.add("session.close()", () => {
      run.closeAll();
      return random.pick(sessions)!.close();
    });
  }
  await schedule.end();
  run.check();
  for (const conn of conns) conn[Symbol.dispose]();
};

class Run {
  readonly #schedule: Schedule;
  readonly #gentle: boolean;
  readonly #allowHalfOpen: boolean;
  readonly #sides: [Side, Side];
  readonly #kept: Kept[] = [];

  constructor(
    schedule: Schedule,
    conns: readonly RioTcpConn[],
    { gentle, allowHalfOpen }: { gentle: boolean; allowHalfOpen: boolean },
  ) {
    this.#schedule = schedule;
    this.#gentle = gentle;
    this.#allowHalfOpen = allowHalfOpen;
    const side = (name: string, i: number): Side => ({
      name,
      conn: conns[i]!,
      written: 0,
      read: 0,
      sawEnd: false,
      writing: 0,
      endsWithReadable: false,
      endsWithWritable: false,
      ended: false,
      closed: false,
    });
    this.#sides = [side("client", 0), side("server", 1)];
  }

  begin(): void {
    const { random } = this.#schedule;
    for (const side of this.#sides) {
      this.#addReaders(side);
      this.#addWriters(side);
      if (!this.#gentle) this.#addEnd(side);
      if (random.oneIn(2)) {
        this.#add(side, "unref() and ref()", async () => {
          side.conn.unref();
          await this.#schedule.hop();
          side.conn.ref();
        });
      }
    }
  }

  /** A session was closed: that ends both sides. */
  closeAll(): void {
    for (const side of this.#sides) side.closed = true;
  }

  /** Looks whether what was promised was kept. */
  check(): void {
    for (const side of this.#sides) {
      const { written, ended } = this.#other(side);
      assert(side.read <= written, "more than was sent");
      if (!this.#gentle) continue;
      assert(side.sawEnd && ended, `${side.name} did not see the end`);
      assertEquals(side.read, written, `${side.name} did not read all`);
    }
    for (const { memory, copy } of this.#kept) {
      assertEquals(memory, copy, "memory was written to after its read");
    }
  }

  #add(side: Side, what: string, part: () => Promise<void>): void {
    this.#schedule.add(`${side.name}: ${what}`, part);
  }

  #other(side: Side): Side {
    return this.#sides[side === this.#sides[0] ? 1 : 0];
  }

  #addReaders(side: Side): void {
    const { random } = this.#schedule;
    // Otherwise its end may come before something was written.
    const mayStream = this.#allowHalfOpen || !this.#gentle;
    if (mayStream && random.oneIn(3)) {
      side.endsWithReadable = !this.#allowHalfOpen;
      this.#add(side, "readable", () => this.#readStream(side));
      return;
    }
    for (let left = 1 + random.below(3); left > 0; left--) {
      this.#add(side, "read()", () => this.#read(side));
    }
  }

  async #read(side: Side): Promise<void> {
    const { random } = this.#schedule;
    // Somebody has to read to the end where nobody ends before.
    for (
      let left = this.#gentle ? Infinity : random.below(6);
      left > 0;
      left--
    ) {
      const memory = new Uint8Array(random.below(MOST) + 1).fill(UNTOUCHED);
      let isOver = false;
      try {
        // In the order in which the reads were asked for.
        isOver = await side.conn.read(memory).then((count) => {
          this.#take(side, memory.subarray(0, count ?? 0));
          this.#kept.push({ memory, copy: memory.slice() });
          const rest = memory.subarray(count ?? 0);
          assert(rest.every((byte) => byte === UNTOUCHED), "wrote beyond");
          if (count === null) this.#heardAll(side);
          return count === null;
        });
      } catch (error) {
        this.#expected(side, error);
        return;
      }
      if (isOver) return;
      await this.#schedule.hop();
    }
  }

  async #readStream(side: Side): Promise<void> {
    const { random } = this.#schedule;
    try {
      const reader = side.conn.readable.getReader();
      for (
        let left = this.#gentle ? Infinity : random.below(6);
        left > 0;
        left--
      ) {
        const { value } = await reader.read();
        if (value === undefined) {
          // Or it was cancelled before anybody read.
          if (!side.closed) this.#heardAll(side);
          return;
        }
        this.#take(side, value);
        await this.#schedule.hop();
      }
      this.#close(side);
      await reader.cancel();
    } catch (error) {
      this.#expected(side, error);
    }
  }

  /** Looks at what was read. */
  #take(side: Side, bytes: Uint8Array): void {
    assert(bytes.length === 0 || !side.sawEnd, "bytes behind the end");
    const other = this.#other(side);
    const sent = sentBy(other, side.read, bytes.length);
    if (!bytes.every((byte, i) => byte === sent[i])) {
      throw new Error(`${side.name} read other bytes than were sent`);
    }
    side.read += bytes.length;
  }

  #heardAll(side: Side): void {
    const other = this.#other(side);
    assert(other.ended || this.#isClosed(other), "an end that nobody made");
    side.sawEnd = true;
  }

  #addWriters(side: Side): void {
    const { random } = this.#schedule;
    const stream = random.oneIn(3) ? side.conn.writable.getWriter() : undefined;
    side.endsWithWritable = stream !== undefined;
    side.writing = stream ? 1 : 1 + random.below(3);
    for (let i = 0; i < side.writing; i++) {
      this.#add(side, stream ? "writable" : "write()", async () => {
        const write = (bytes: Uint8Array) =>
          stream ? stream.write(bytes) : side.conn.write(bytes);
        await this.#write(side, write);
        if (--side.writing === 0 && this.#gentle) await this.#endSending(side);
      });
    }
  }

  async #write(
    side: Side,
    write: (bytes: Uint8Array) => Promise<unknown>,
  ): Promise<void> {
    const { random } = this.#schedule;
    for (let left = random.below(5); left > 0; left--) {
      const length = random.below(random.oneIn(4) ? LONG : MOST);
      const bytes = sentBy(side, side.written, length).slice();
      side.written += length;
      try {
        await write(bytes);
        // It is the program's again.
        bytes.fill(0);
      } catch (error) {
        if (!side.ended) this.#expected(side, error);
        return;
      }
      await this.#schedule.hop();
    }
  }

  async #endSending(side: Side): Promise<void> {
    await this.#schedule.hop();
    side.ended = true;
    try {
      await side.conn.closeWrite();
    } catch (error) {
      this.#expected(side, error);
    }
  }

  #addEnd(side: Side): void {
    const { random } = this.#schedule;
    const ends: readonly (() => Promise<void> | void)[] = [
      () => this.#endSending(side),
      () => side.conn[Symbol.dispose](),
      () => side.conn.reset(),
      () => side.conn.readable.cancel(),
      () => side.conn.writable.abort(),
      () => side.conn.writable.close(),
    ];
    const end = random.pick(ends)!;
    this.#add(side, "an end", async () => {
      for (let left = random.below(8); left > 0; left--) {
        await this.#schedule.hop();
      }
      if (end === ends[0]) {
        await end();
      } else if (
        end === ends[1] ||
        !side.conn.readable.locked && !side.conn.writable.locked
      ) {
        this.#close(side);
        try {
          await end();
        } catch (error) {
          this.#expected(side, error);
        }
      }
      await this.#schedule.hop();
      // Nobody may wait for the other side for ever.
      this.#close(side);
      side.conn[Symbol.dispose]();
    });
  }

  /** Whether a side has closed, or one of its streams may have. */
  #isClosed(side: Side): boolean {
    const other = this.#other(side);
    return side.closed || side.endsWithWritable && side.ended ||
      side.endsWithReadable && (other.ended || other.closed);
  }

  #close(side: Side): void {
    side.closed = true;
  }

  /** An error comes only where somebody has closed. */
  #expected(side: Side, error: unknown): void {
    const mayEnd = this.#sides.some((each) => this.#isClosed(each));
    const isEnd = ENDS.some((end) => error instanceof end) ||
      error instanceof TypeError && side.closed;
    if (!mayEnd || !isEnd) {
      throw new Error(`${side.name} fails`, { cause: error });
    }
  }
}

/** What a side sends at a place of its stream. */
function sentBy({ name }: Side, at: number, length: number): Uint8Array {
  const from = at + (name === "client" ? 0 : 1000);
  return SENT.subarray(from, from + length);
}
