/**
 * What a program asks of a socket before that is bound.
 *
 * @module
 */
import { EventEmitter } from "node:events";
import type { SocketEvents } from "./types.ts";

/** Told of an error before others hear of it; types leave it out. */
const FAILED = EventEmitter.errorMonitor as unknown as "error";

/** Does in order, once a socket is bound, what was asked for before. */
export class Deferred {
  readonly #socket: EventEmitter<SocketEvents>;
  #calls: (() => void)[] | null = null;
  #close: (() => void) | null = null;

  /** Waits for nothing yet. */
  constructor(socket: EventEmitter<SocketEvents>) {
    this.#socket = socket;
  }

  /** Whether something waits. */
  get pending(): boolean {
    return this.#calls !== null;
  }

  /** Has something done when the socket is bound; never if that fails. */
  add(call: () => void): void {
    if (this.#calls !== null) {
      this.#calls.push(call);
      return;
    }
    this.#calls = [call];
    this.#socket.once(FAILED, this.#fail);
    this.#socket.once("listening", this.#go);
  }

  /** Has the socket closed in its turn, also if it is never bound. */
  close(close: () => void): void {
    this.#close = close;
    this.add(close);
  }

  readonly #fail = (): void => {
    const close = this.#close;
    this.#end();
    close?.();
  };

  #end(): void {
    this.#calls = null;
    this.#close = null;
    this.#socket.removeListener(
      FAILED,
      this.#fail,
    );
    this.#socket.removeListener("listening", this.#go);
  }

  readonly #go = (): void => {
    const calls = this.#calls!;
    this.#end();
    for (const call of calls) call();
  };
}
