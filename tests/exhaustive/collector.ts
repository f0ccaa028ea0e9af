/**
 * Has the garbage collector find what a life has dropped, and is told of it: by
 * the warnings of the package, and by the backend that it closes.
 *
 * @module
 */
import type { RioBackend } from "../../ffi/contract.ts";
import { turn } from "./run.ts";

declare const gc: () => void;

/** How often to collect until something is found that nothing holds. */
const MOST = 100;

/** What became of a backend. */
interface Watched {
  /** Buffers that are registered. */
  buffers: number;
  /** Whether it was closed, and all that it has was given back. */
  closed: "no" | "with everything" | "but for what is in flight";
}

/** The collector, as lives that come one after the other see it. */
export class Collector implements Disposable {
  // deno-lint-ignore no-console -- the package warns there
  readonly #warn = console.warn;
  readonly #found: Map<string, number> = new Map();
  readonly #markers = new FinalizationRegistry<() => void>((told) => told());
  #backend: Watched = { buffers: 0, closed: "no" };

  /** Listens from now on. */
  constructor() {
    // deno-lint-ignore no-console -- the package warns there
    console.warn = (message: string) => {
      const [name = ""] = message.split(" ");
      this.#found.set(name, this.found(name) + 1);
    };
  }

  /** Begins a life with this backend. */
  begin(backend: RioBackend): RioBackend {
    const watched: Watched = this.#backend = { buffers: 0, closed: "no" };
    this.#found.clear();
    const { rings } = backend;
    const register = rings.registerBuffer.bind(rings);
    const deregister = rings.deregisterBuffer.bind(rings);
    const close = backend.close.bind(backend);
    rings.registerBuffer = (memory) => {
      watched.buffers++;
      return register(memory);
    };
    rings.deregisterBuffer = (id) => {
      watched.buffers--;
      deregister(id);
    };
    backend.close = (kept) => {
      watched.closed = kept ? "but for what is in flight" : "with everything";
      return close(kept);
    };
    return backend;
  }

  /** How many of a class were found in this life. */
  found(name: string): number {
    return this.#found.get(name) ?? 0;
  }

  /** What became of the backend of this life. */
  get backend(): Readonly<Watched> {
    return this.#backend;
  }

  /** Collects, until something is told that was found before. */
  async collect(): Promise<void> {
    let told = false;
    this.#drop(() => told = true);
    for (let i = 0; !told; i++) {
      if (i === MOST) throw new Error("The collector finds nothing");
      gc();
      await turn();
    }
    // Others are told in tasks of their own.
    await turn();
  }

  /** Collects until something is so; throws where it never is. */
  async until(holds: () => boolean, what: string): Promise<void> {
    for (let i = 0; !holds(); i++) {
      if (i === MOST) throw new Error(`The collector never found ${what}`);
      await this.collect();
    }
  }

  #drop(told: () => void): void {
    this.#markers.register({}, told);
  }

  [Symbol.dispose](): void {
    // deno-lint-ignore no-console -- the package warns there
    console.warn = this.#warn;
  }
}
