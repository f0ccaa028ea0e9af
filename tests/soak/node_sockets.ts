/**
 * Datagram sockets with Node's shape that come and go, and one that echoes what
 * they send.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { once } from "node:events";
import { createSocket, type Socket } from "../../ffi/dgram/mod.ts";
import type { Random } from "../model/random.ts";
import { readDatagram, writeDatagram } from "./content.ts";
import { isReached, type Part, turn } from "./part.ts";

/** Clients at a time. */
const CLIENTS = 8;
/** So many of each client fit into what the system keeps for the server. */
const WINDOW = 12;
const SIZE = 1400;

/** What was done by all of them. */
class Counts {
  clients = 0;
  sent = 0;
  asked = 0;
  received = 0;
  /** Whose answers somebody else may get: the client was closed before. */
  abandoned = 0;
  strays = 0;
}

/** Has so many clients come and go, and accounts for each datagram. */
export async function soakNodeSockets(
  { goal, random, hostname }: Part,
): Promise<void> {
  const counts = new Counts();
  const server = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
  // Rejected where the socket tells an error.
  const closed = once(server, "close");
  server.on("message", (message, { port, address }) => {
    readDatagram(message);
    counts.asked++;
    server.send(message, port, address);
  });
  server.bind(0, hostname);
  await once(server, "listening");
  const comeAndGo = async () => {
    while (!isReached(goal, counts.clients)) {
      await new Client(server, random, counts).run();
      await turn();
    }
  };
  const clients = Array.from({ length: CLIENTS }, comeAndGo);
  await Promise.race([closed, Promise.all(clients)]);
  while (counts.asked < counts.sent) await turn();
  server.close();
  await closed;
  assertEquals(counts.asked, counts.sent);
  assertEquals(counts.received + counts.abandoned, counts.sent);
  assert(counts.strays <= counts.abandoned);
  console.log(
    `sockets of Node's shape: ${counts.clients} came and went; ${counts.sent} datagrams sent, ${counts.received} received, ${counts.abandoned} abandoned by a close, ${counts.strays} of them met another socket`,
  );
}

/** A socket from its binding to its close. */
class Client {
  readonly #server: Deno.NetAddr;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #owner: number;
  readonly #socket: Socket;
  readonly #missing: Set<number> = new Set();
  #sent = 0;
  /** Told when nothing is missing any more. */
  #complete: PromiseWithResolvers<void> = Promise.withResolvers();
  #connected = false;
  #closing = false;

  constructor(server: Socket, random: Random, counts: Counts) {
    const { address, port } = server.address();
    this.#server = { transport: "udp", hostname: address, port };
    this.#random = random;
    this.#counts = counts;
    this.#owner = ++counts.clients;
    this.#socket = createSocket("udp4", (message) => this.#take(message));
  }

  async run(): Promise<void> {
    const random = this.#random;
    const socket = this.#socket;
    const { hostname, port } = this.#server;
    const closed = once(socket, "close");
    socket.bind(0, hostname);
    if (random.oneIn(2)) {
      socket.connect(port, hostname);
      await once(socket, "connect");
      this.#connected = true;
    }
    for (let rounds = 1 + random.below(12); rounds > 0; rounds--) {
      this.#complete = Promise.withResolvers();
      await this.#sendSome();
      await this.#complete.promise;
    }
    if (random.oneIn(4)) await this.#sendSome();
    this.#closing = true;
    socket.close();
    await closed;
    this.#counts.abandoned += this.#missing.size;
  }

  /**
   * In one turn, the last one perhaps waited for. What was sent to an address
   * would be dropped by a close in the same turn, as Node does.
   */
  async #sendSome(): Promise<void> {
    for (let i = this.#random.below(WINDOW - 1); i > 0; i--) this.#send();
    if (this.#connected && this.#random.oneIn(2)) return this.#send();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#send((error) => error ? reject(error) : resolve());
    await promise;
  }

  #send(callback?: (error: Error | null) => void): void {
    const number = this.#sent++;
    this.#missing.add(number);
    const size = 10 + this.#random.below(SIZE - 10);
    const data = writeDatagram({ owner: this.#owner, number }, size);
    const { hostname, port } = this.#server;
    const rest = this.#connected ? [] : [port, hostname];
    this.#socket.send(data, ...rest, callback);
    this.#counts.sent++;
  }

  /** Each comes back once, and none after the close. */
  #take(message: Uint8Array): void {
    assert(!this.#closing, "a message after the close");
    const { owner, number } = readDatagram(message);
    if (owner !== this.#owner) {
      this.#counts.strays++;
      return;
    }
    assert(this.#missing.delete(number), `datagram ${number} came back twice`);
    this.#counts.received++;
    if (this.#missing.size === 0) this.#complete.resolve();
  }
}
