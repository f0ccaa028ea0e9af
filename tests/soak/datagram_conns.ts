/**
 * Datagram sockets with Deno's shape that come and go, and one that echoes what
 * they send.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  listenDatagram,
  type RioDatagram,
  type RioDatagramConn,
} from "../../mod.ts";
import type { Random } from "../model/random.ts";
import { readDatagram, writeDatagram } from "./content.ts";
import { isReached, type Part, turn } from "./part.ts";

/** Clients at a time. */
const CLIENTS = 12;
/** So many of each client fit into what the system keeps for the server. */
const WINDOW = 12;
const SIZE = 1400;
const OPTIONS = { datagramSize: SIZE, receives: 32, sends: 32 };

/** What was done by all of them. */
class Counts {
  clients = 0;
  sent = 0;
  /** Arrived at the server, each with all of its bytes. */
  asked = 0;
  answered = 0;
  received = 0;
  /** Whose answers somebody else may get: the client was closed before. */
  abandoned = 0;
  strays = 0;
  /** Receives that were given up. */
  aborted = 0;
}

/** Has so many clients come and go, and accounts for each datagram. */
export async function soakDatagramConns(
  { goal, random, hostname }: Part,
): Promise<void> {
  const counts = new Counts();
  const server = listenDatagram({
    ...OPTIONS,
    hostname,
    receiveBufferSize: 1 << 20,
  });
  const serving = echo(server, counts);
  const comeAndGo = async () => {
    while (!isReached(goal, counts.clients)) {
      await new Client(server, random, counts).run();
      await turn();
    }
  };
  const clients = Array.from({ length: CLIENTS }, comeAndGo);
  await Promise.race([serving, Promise.all(clients)]);
  while (counts.answered < counts.sent) await turn();
  assertEquals(server.stats(), { truncated: 0, dropped: 0 });
  server.close();
  await serving;
  assertEquals(counts.asked, counts.sent);
  assertEquals(counts.received + counts.abandoned, counts.sent);
  assert(counts.strays <= counts.abandoned);
  console.log(
    `datagram sockets: ${counts.clients} came and went; ${counts.sent} datagrams sent, ${counts.asked} echoed, ${counts.received} received, ${counts.abandoned} abandoned by a close, ${counts.strays} of them met another socket; ${counts.aborted} receives aborted`,
  );
}

/** Sends back all that arrives, until the socket is closed. */
async function echo(conn: RioDatagramConn, counts: Counts): Promise<void> {
  for (;;) {
    try {
      using batch = await conn.receiveMany();
      for (const { data } of batch) readDatagram(data);
      counts.asked += batch.length;
      assertEquals(await conn.sendMany(batch), batch.length);
      counts.answered += batch.length;
    } catch (error) {
      if (error instanceof Deno.errors.Interrupted) return;
      throw error;
    }
  }
}

/** A socket from its opening to its close. */
class Client {
  readonly #server: Deno.NetAddr;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #conn: RioDatagramConn;
  readonly #owner: number;
  /** What was sent and has not come back. */
  readonly #missing: Set<number> = new Set();
  #sent = 0;
  #connected = false;

  constructor(server: RioDatagramConn, random: Random, counts: Counts) {
    this.#server = server.addr;
    this.#random = random;
    this.#counts = counts;
    this.#owner = ++counts.clients;
    this.#conn = listenDatagram({ ...OPTIONS, hostname: server.addr.hostname });
  }

  async run(): Promise<void> {
    const random = this.#random;
    await using conn = this.#conn;
    if (random.oneIn(2)) {
      await conn.connect(this.#server);
      this.#connected = true;
    }
    const verbs = [
      () => this.#batch(),
      () => this.#oneByOne(),
      () => this.#together(),
      () => this.#abort(),
    ];
    for (let rounds = 1 + random.below(12); rounds > 0; rounds--) {
      await random.pick(verbs)!();
      assertEquals(this.#missing.size, 0);
    }
    if (random.oneIn(4)) await this.#closeInTheMiddle();
  }

  /** One call that sends, and batches until all are back. */
  async #batch(): Promise<void> {
    await this.#sendMany();
    while (this.#missing.size > 0) {
      using batch = await this.#conn.receiveMany();
      for (const { data } of batch) this.#take(data);
    }
  }

  async #oneByOne(): Promise<void> {
    const own = new Uint8Array(SIZE);
    for (let i = this.#random.below(WINDOW); i >= 0; i--) {
      await this.#send(this.#make());
      await this.#receiveAll(this.#random.oneIn(2) ? own : undefined);
    }
  }

  /** What is sent in one turn leaves together. */
  async #together(): Promise<void> {
    const many = Array.from({ length: WINDOW }, () => this.#make());
    await Promise.all(many.map((one) => this.#send(one)));
    await this.#receiveAll();
  }

  /** A receive is given up before, while or after something arrives. */
  async #abort(): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = this.#conn.receive(undefined, { signal }).then(
      ([data]) => this.#take(data),
      (error) => {
        assertEquals(error, signal.reason);
        this.#counts.aborted++;
      },
    );
    if (this.#random.oneIn(2)) await this.#send(this.#make());
    for (let i = this.#random.below(4); i > 0; i--) await turn();
    controller.abort();
    await waiting;
    await this.#receiveAll();
  }

  /** Answers are on their way, and perhaps one that has arrived is waited for. */
  async #closeInTheMiddle(): Promise<void> {
    const conn = this.#conn;
    await this.#sendMany();
    const waiting = conn.receive().then(
      ([data]) => this.#take(data),
      (error) => assertInstanceOf(error, Deno.errors.Interrupted),
    );
    for (let i = this.#random.below(3); i > 0; i--) await turn();
    conn.close();
    await waiting;
    this.#counts.abandoned += this.#missing.size;
  }

  async #sendMany(): Promise<void> {
    const size = this.#random.oneIn(2) ? this.#size() : undefined;
    const count = 1 + this.#random.below(WINDOW);
    const many = Array.from({ length: count }, () => this.#make(size));
    assertEquals(await this.#conn.sendMany(many), count);
    this.#counts.sent += count;
  }

  async #send({ data, addr }: RioDatagram): Promise<void> {
    assertEquals(await this.#conn.send(data, addr), data.length);
    this.#counts.sent++;
  }

  async #receiveAll(p?: Uint8Array<ArrayBuffer>): Promise<void> {
    while (this.#missing.size > 0) {
      const [data] = await this.#conn.receive(p);
      this.#take(data);
    }
  }

  #make(size: number = this.#size()): RioDatagram {
    const number = this.#sent++;
    this.#missing.add(number);
    const data = writeDatagram({ owner: this.#owner, number }, size);
    return this.#connected ? { data } : { data, addr: this.#server };
  }

  #size(): number {
    return 10 + this.#random.below(SIZE - 10);
  }

  /** Each comes back once. */
  #take(data: Uint8Array): void {
    const { owner, number } = readDatagram(data);
    if (owner !== this.#owner) {
      this.#counts.strays++;
      return;
    }
    assert(this.#missing.delete(number), `datagram ${number} came back twice`);
    this.#counts.received++;
  }
}
