/**
 * What all sessions of this thread hold, also those that sockets share and
 * nobody sees: told by their own accounts, which are recounted now and then.
 *
 * @module
 */
import { auditLedgers, type Ledger } from "../../ffi/session/ledger.ts";
import { audit } from "../audit/ledger.ts";

/** One of so many changes is followed by a recount. */
const EVERY = 1024;
/** So many accounts are kept before those that are over are added up. */
const MANY = 64;

/** The sum of all accounts. */
export interface Held {
  /** Sessions that hold something. */
  readonly sessions: number;
  readonly registered: number;
  readonly deregistered: number;
  /** Registered now. */
  readonly buffers: number;
  readonly posted: number;
  readonly outstanding: number;
  readonly abandoned: number;
}

const KEYS = ["registered", "deregistered", "posted", "abandoned"] as const;

/** Follows every account from its first change on. */
export class Holdings implements Disposable {
  readonly #ledgers: Set<Ledger> = new Set();
  /** Of the accounts that are over. */
  readonly #past: Record<typeof KEYS[number], number> = {
    registered: 0,
    deregistered: 0,
    posted: 0,
    abandoned: 0,
  };
  #changes = 0;
  #fault: unknown;

  /** Begins with the next change; one at a time. */
  constructor() {
    auditLedgers((ledger) => this.#note(ledger));
  }

  /**
   * What is held now.
   *
   * @throws {Error} If an account said something that could not be.
   */
  sum(): Held {
    if (this.#fault !== undefined) throw this.#fault;
    this.#addUp();
    const sum = {
      ...this.#past,
      sessions: this.#ledgers.size,
      buffers: 0,
      outstanding: 0,
    };
    for (const ledger of this.#ledgers) {
      for (const key of KEYS) sum[key] += ledger[key];
      sum.buffers += ledger.buffers.size;
      sum.outstanding += ledger.outstanding;
    }
    return sum;
  }

  /** Follows none any more. */
  [Symbol.dispose](): void {
    auditLedgers(() => {});
    this.#ledgers.clear();
  }

  #note(ledger: Ledger): void {
    if (!this.#ledgers.has(ledger)) {
      if (this.#ledgers.size >= MANY) this.#addUp();
      this.#ledgers.add(ledger);
    }
    if (++this.#changes % EVERY !== 0) return;
    try {
      audit(ledger);
    } catch (error) {
      this.#fault ??= error;
      throw error;
    }
  }

  /** Forgets those that are over and hold nothing. */
  #addUp(): void {
    for (const ledger of this.#ledgers) {
      const { closed, buffers, sockets, outstanding } = ledger;
      if (!closed || buffers.size + sockets.size + outstanding > 0) continue;
      for (const key of KEYS) this.#past[key] += ledger[key];
      this.#ledgers.delete(ledger);
    }
  }
}
