/**
 * The sends of a socket: those of one turn of the event loop leave together.
 *
 * @module
 */
import { nextTick } from "node:process";
import { NativePromise, queueMicrotask } from "../globals.ts";
import type { RioDatagramConn } from "../net/datagrams/conn.ts";
import { systemCode, systemError } from "./errors.ts";
import type { Sending } from "./send_arguments.ts";

/** Sends in the order of the calls. */
export class Sends {
  readonly #conn: RioDatagramConn;
  readonly #failed: (error: unknown) => void;
  #waiting: Sending[] = [];
  #scheduled = false;
  #running = false;
  #started = 0;
  #closed = false;
  #count = 0;
  #bytes = 0;

  /**
   * Sends nothing yet.
   *
   * @param conn What it sends with.
   * @param failed Told of an error that the sender of a datagram is not told.
   */
  constructor(conn: RioDatagramConn, failed: (error: unknown) => void) {
    this.#conn = conn;
    this.#failed = failed;
  }

  /** Datagrams that have not left. */
  get count(): number {
    return this.#count;
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sends a datagram with all others of this turn. */
  add(datagram: Sending): void {
    this.#waiting.push(datagram);
    this.#count++;
    this.#bytes += datagram.size;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#look);
  }

  /**
   * One datagram alone leaves before the turn is over: the answer to it is found
   * the sooner. Where there are more, more may come.
   */
  readonly #look = (): void => {
    if (this.#waiting.length === 1 && !this.#running) this.#run();
    else nextTick(this.#run);
  };

  /** Whether something has not left that was handed on. */
  get busy(): boolean {
    return this.#started > 0;
  }

  /** Hands on now what waits. */
  flush(): void {
    while (this.#waiting.length > 0) this.#start(this.#next());
  }

  /**
   * Sends nothing any more. What was sent on a connected socket leaves: in Node
   * it has left by then. All else Node drops.
   */
  close(): void {
    this.#waiting = this.#waiting.filter(({ addr }) => addr === undefined);
    this.flush();
    this.#closed = true;
  }

  readonly #run = async (): Promise<void> => {
    this.#scheduled = false;
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting.length > 0 && !this.#closed) {
      await this.#start(this.#next());
    }
    this.#running = false;
  };

  /** The next datagrams that all have a callback, or all have none. */
  #next(): Sending[] {
    const all = this.#waiting;
    const told = all[0]!.callback !== undefined;
    let end = 1;
    while (end < all.length && told === (all[end]!.callback !== undefined)) {
      end++;
    }
    this.#waiting = end === all.length ? [] : all.slice(end);
    return end === all.length ? all : all.slice(0, end);
  }

  async #start(run: Sending[]): Promise<void> {
    this.#started++;
    const told = run[0]!.callback !== undefined;
    await (told ? this.#sendEach(run) : this.#sendMany(run));
    this.#started--;
  }

  /** Sends datagrams of which nobody wants to know what became of them. */
  async #sendMany(run: Sending[]): Promise<void> {
    const left = run.values();
    // Each error takes at least one from those that are left.
    for (let errors = 0; errors < run.length; errors++) {
      try {
        if (run.length > 1) await this.#conn.sendMany(left);
        else await this.#conn.send(run[0]!.data, run[0]!.addr);
        break;
      } catch (error) {
        // As in Node, what the system does not take is nobody's matter.
        if (systemCode(error) === undefined) this.#failed(error);
        if (this.#closed) break;
      }
    }
    this.#count -= run.length;
    for (const { size } of run) this.#bytes -= size;
  }

  /** Sends datagrams whose callbacks are told, each of its own outcome. */
  async #sendEach(run: Sending[]): Promise<void> {
    await NativePromise.all(run.map((datagram) => this.#send(datagram)));
  }

  async #send(datagram: Sending): Promise<void> {
    const { data, addr, size, callback } = datagram;
    let error: unknown = null;
    try {
      await this.#conn.send(data, addr);
    } catch (reason) {
      error = toNode(reason, datagram);
    }
    this.#count--;
    this.#bytes -= size;
    if (error === null) nextTick(callback!, null, size);
    else nextTick(callback!, error);
  }
}

function toNode(reason: unknown, { address, port }: Sending): unknown {
  const code = systemCode(reason);
  return code === undefined
    ? reason
    : systemError(code, "send", { address, port });
}
