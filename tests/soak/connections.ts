/**
 * Connections with Deno's shape that come and go, to a server that echoes what
 * it is sent, and ends some of them as they ask it to.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect, listen, type RioTcpConn } from "../../mod.ts";
import type { Random } from "../model/random.ts";
import { assertContent, content } from "./content.ts";
import { isReached, type Part, turn } from "./part.ts";

/** Clients at a time. */
const CLIENTS = 32;
/** The most that is written at a time. */
const SIZE = 16 * 1024;
/** Key and plan, at the start of each connection. */
const HEAD = 5;

/** The server echoes all, and remembers how much that was. */
const WHOLE = 0;
/** The server echoes for as long as it can. */
const CUT = 1;
/** The server closes or resets when it has echoed something. */
const CLOSE = 2;
const RESET = 3;

/** How a call fails whose connection was ended, by this end or the other. */
const ENDED = [
  Deno.errors.Interrupted,
  Deno.errors.BadResource,
  Deno.errors.ConnectionReset,
  Deno.errors.BrokenPipe,
];

/** What was done by all of them. */
class Counts {
  connections = 0;
  accepted = 0;
  /** Ended as they should, to the last byte. */
  whole = 0;
  /** Closed or reset in the middle, by either end. */
  cut = 0;
  /** Given up while they were made. */
  aborted = 0;
  written = 0;
  read = 0;
  /** What the server has read of those that came to their end, by key. */
  readonly heard: Map<number, number> = new Map();
}

/** Has so many connections come and go, and accounts for each byte. */
export async function soakConnections(
  { goal, random, hostname }: Part,
): Promise<void> {
  const counts = new Counts();
  const listener = listen({ hostname });
  const { port } = listener.addr;
  const serving = serve();

  async function serve(): Promise<void> {
    const all: Set<Promise<void>> = new Set();
    for await (const conn of listener) {
      counts.accepted++;
      const one = answer(conn, counts).then(() => void all.delete(one));
      all.add(one);
    }
    await Promise.all(all);
  }
  async function comeAndGo(): Promise<void> {
    while (!isReached(goal, counts.connections)) {
      const key = ++counts.connections;
      const conn = await open(key);
      if (conn) await new Client(conn, { key, random, counts }).run();
      await turn();
    }
  }
  /** Connects, or gives it up in the middle. */
  async function open(key: number): Promise<RioTcpConn | null> {
    const options = { hostname, port, noDelay: random.oneIn(2) };
    if (key % 16 !== 0) return await connect(options);
    const controller = new AbortController();
    const { signal } = controller;
    const connecting = connect({ ...options, signal });
    const given = connecting.catch((error) => {
      assertEquals(error, signal.reason);
      counts.aborted++;
      return null;
    });
    for (let i = random.below(3); i > 0; i--) await turn();
    controller.abort();
    return await given;
  }

  const clients = Array.from({ length: CLIENTS }, comeAndGo);
  await Promise.race([serving, Promise.all(clients)]);
  listener.close();
  await serving;
  assertEquals(counts.heard.size, 0);
  assertEquals(
    counts.whole + counts.cut + counts.aborted,
    counts.connections,
  );
  assert(counts.accepted <= counts.connections);
  console.log(
    `connections: ${counts.connections} came and went, ${counts.whole} whole, ${counts.cut} cut in the middle, ${counts.aborted} given up; ${counts.written} bytes written, ${counts.read} read back`,
  );
}

/** Echoes what a client sends, as far as it wants that. */
async function answer(conn: RioTcpConn, counts: Counts): Promise<void> {
  using _ = conn;
  const bytes = new Uint8Array(SIZE);
  let heard = 0;
  try {
    while (heard < HEAD) {
      const length = await conn.read(bytes.subarray(heard, HEAD));
      if (length === null) return;
      heard += length;
    }
    const view = new DataView(bytes.buffer);
    const [key, plan] = [view.getUint32(0), view.getUint8(4)];
    for (let at = 0;;) {
      const length = await conn.read(bytes);
      if (length === null) {
        if (plan === WHOLE) counts.heard.set(key, at);
        return await conn.closeWrite();
      }
      const data = bytes.subarray(0, length);
      assertContent(data, key, at);
      assertEquals(await conn.write(data), length);
      at += length;
      if (plan === CLOSE) return conn.close();
      if (plan === RESET) return conn.reset();
    }
  } catch (error) {
    assertEnded(error);
  }
}

/** One connection until its end. */
class Client {
  readonly #conn: RioTcpConn;
  readonly #key: number;
  readonly #random: Random;
  readonly #counts: Counts;
  #written = 0;
  #read = 0;
  readonly #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SIZE);

  constructor(
    conn: RioTcpConn,
    { key, random, counts }: { key: number; random: Random; counts: Counts },
  ) {
    this.#conn = conn;
    this.#key = key;
    this.#random = random;
    this.#counts = counts;
  }

  async run(): Promise<void> {
    using _ = this.#conn;
    const random = this.#random;
    const counts = this.#counts;
    if (random.oneIn(4)) {
      counts.cut++;
      await this.#cut();
    } else {
      await (random.oneIn(3) ? this.#stream() : this.#talk());
      counts.whole++;
    }
    counts.written += this.#written;
    counts.read += this.#read;
  }

  /** Questions and answers; then each end hears all that the other has said. */
  async #talk(): Promise<void> {
    await this.#begin(WHOLE);
    for (let i = this.#random.below(24); i >= 0; i--) {
      await this.#write();
      while (this.#read < this.#written) await this.#hear();
    }
    await this.#conn.closeWrite();
    await this.#hearAll();
    this.#settle();
  }

  /** Much, which is read back while it is written; by streams, perhaps. */
  async #stream(): Promise<void> {
    await this.#begin(WHOLE);
    const reading = this.#random.oneIn(2)
      ? this.#hearStream()
      : this.#hearAll();
    for (let i = this.#random.below(32); i >= 0; i--) await this.#write();
    await this.#conn.closeWrite();
    await reading;
    this.#settle();
  }

  /** Ended by either end while both read and write. */
  async #cut(): Promise<void> {
    const conn = this.#conn;
    const plan = this.#random.pick([CUT, CLOSE, RESET])!;
    try {
      await this.#begin(plan);
      const reading = this.#hearAll().catch(assertEnded);
      for (let i = this.#random.below(4); i >= 0; i--) await this.#write();
      if (plan === CUT) {
        if (this.#random.oneIn(2)) await turn();
        if (this.#random.oneIn(2)) conn.close();
        else conn.reset();
      }
      await reading;
    } catch (error) {
      assertEnded(error);
    }
    assert(this.#read <= this.#written);
  }

  async #begin(plan: number): Promise<void> {
    const head = new Uint8Array(HEAD);
    const view = new DataView(head.buffer);
    view.setUint32(0, this.#key);
    view.setUint8(4, plan);
    assertEquals(await this.#conn.write(head), HEAD);
  }

  /** Both ends have heard everything, and nothing else. */
  #settle(): void {
    const { heard } = this.#counts;
    assertEquals(this.#read, this.#written);
    assertEquals(heard.get(this.#key), this.#written);
    heard.delete(this.#key);
  }

  async #write(): Promise<void> {
    const length = 1 + this.#random.below(SIZE);
    const data = content(this.#key, this.#written, length);
    this.#written += length;
    assertEquals(await this.#conn.write(data), length);
  }

  /** Reads once; false at the end. */
  async #hear(): Promise<boolean> {
    const length = await this.#conn.read(this.#bytes);
    if (length === null) return false;
    this.#take(this.#bytes.subarray(0, length));
    return true;
  }

  async #hearAll(): Promise<void> {
    while (await this.#hear());
  }

  async #hearStream(): Promise<void> {
    for await (const chunk of this.#conn.readable) this.#take(chunk);
  }

  #take(data: Uint8Array): void {
    assertContent(data, this.#key, this.#read);
    this.#read += data.length;
  }
}

function assertEnded(error: unknown): void {
  if (!ENDED.some((kind) => error instanceof kind)) throw error;
}
