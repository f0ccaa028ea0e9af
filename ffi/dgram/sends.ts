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
    this.#bytes += datagram.data.byteLength;
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

  /** Sends now what waits, as far as there is room. */
  flush(): void {
    this.#run();
  }

  /**
   * Sends nothing any more. What was sent on a connected socket leaves: in Node
   * it has left by then. All else Node drops.
   */
  close(): void {
    this.#waiting = this.#waiting.filter(({ addr }) => addr === undefined);
    this.#run();
    this.#closed = true;
  }

  readonly #run = async (): Promise<void> => {
    this.#scheduled = false;
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting.length > 0 && !this.#closed) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (let at = 0; at < batch.length;) {
        const end = endOfRun(batch, at);
        const run = at === 0 && end === batch.length
          ? batch
          : batch.slice(at, end);
        const told = run[0]!.callback !== undefined;
        await (told ? this.#sendEach(run) : this.#sendMany(run));
        at = end;
      }
    }
    this.#running = false;
  };

  /** Sends datagrams of which nobody wants to know what became of them. */
  async #sendMany(run: Sending[]): Promise<void> {
    const left = run.values();
    // Each error takes at least one from those that are left.
    for (let errors = 0; errors <= run.length && !this.#closed; errors++) {
      try {
        if (run.length > 1) await this.#conn.sendMany(left);
        else await this.#conn.send(run[0]!.data, run[0]!.addr);
        break;
      } catch (error) {
        // As in Node, what the system does not take is nobody's matter.
        if (systemCode(error) === undefined) this.#failed(error);
      }
    }
    this.#count -= run.length;
    for (const { data } of run) this.#bytes -= data.byteLength;
  }

  /** Sends datagrams whose callbacks are told, each of its own outcome. */
  async #sendEach(run: Sending[]): Promise<void> {
    await NativePromise.all(run.map((datagram) => this.#send(datagram)));
  }

  async #send(datagram: Sending): Promise<void> {
    const { data, addr } = datagram;
    let error: unknown = null;
    try {
      await this.#conn.send(data, addr);
    } catch (reason) {
      error = toNode(reason, datagram);
    }
    this.#count--;
    this.#bytes -= data.byteLength;
    if (error === null) nextTick(datagram.callback!, null, data.byteLength);
    else nextTick(datagram.callback!, error);
  }
}

/** Where datagrams end that all have a callback, or all have none. */
function endOfRun(batch: readonly Sending[], start: number): number {
  const told = batch[start]!.callback !== undefined;
  let end = start + 1;
  while (end < batch.length && told === (batch[end]!.callback !== undefined)) {
    end++;
  }
  return end;
}

function toNode(reason: unknown, { address, port }: Sending): unknown {
  const code = systemCode(reason);
  return code === undefined
    ? reason
    : systemError(code, "send", { address, port });
}
