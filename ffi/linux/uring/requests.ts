/**
 * Requests of connections that the kernel carries out on its own, from and to
 * registered memory.
 *
 * A direction has one entry in the ring, for the request at its head, because
 * the kernel keeps no order between entries. The entries of all sockets leave
 * with one call; what has come in for more requests than one is moved by calls.
 *
 * The memory is the kernel's from the entry until its completion, also where
 * the socket is closed meanwhile: until then nothing behind it ends.
 *
 * @module
 */
import { RIO_MSG_COMMIT_ONLY } from "../../constants.ts";
import { WSAENOBUFS } from "../../error_numbers.ts";
import type { CompletionQueue } from "../completion_queue.ts";
import { ECANCELED } from "../errno_numbers.ts";
import { POLLIN } from "../numbers.ts";
import type { Ring, RingSystem } from "../ring.ts";
import type { LinuxSocket } from "../socket.ts";
import { describe, StreamReceives, StreamSends } from "../stream.ts";
import type { Owner, Uring } from "./uring.ts";

/** What an entry does. */
const MOVE = 0;
const LOOK = 1;
/** There is none. */
const NONE = -1;

/** Where the requests of a direction come from, and end. */
interface RingOptions {
  readonly socket: LinuxSocket;
  readonly queue: CompletionQueue;
}

/** The requests of a direction, as their entry knows them. */
interface Direction extends Ring {
  /** Takes note of what the entry for the request at the head has come to. */
  landed(kind: number, result: number): void;
  /** Has the requests run that are left. */
  goOn(): void;
  /** Aborts the requests that are left. */
  end(): void;
}

/** The entry of a direction. */
class Entry implements Owner {
  readonly #uring: Uring;
  readonly #index: number;
  readonly #direction: Direction;
  #kind = NONE;
  /** What the kernel may use: nobody frees it, whoever deregisters it. */
  #memory: DataView | null = null;
  #closed = false;
  /** Why nothing completes any more; 0 while the ring works. */
  #broken = 0;

  constructor(uring: Uring, direction: Direction) {
    this.#uring = uring;
    this.#direction = direction;
    this.#index = uring.enlist(this);
  }

  /** Whether the kernel has it. */
  get isOut(): boolean {
    return this.#kind !== NONE;
  }

  /** Has the kernel carry out the request at the head, or completes it. */
  write(): void {
    const direction = this.#direction;
    const { progress, registration } = direction.request(direction.slot);
    if (this.#broken !== 0) return direction.complete(this.#broken, progress);
    const { socket, system: { poll } } = direction;
    // It was watched while it connected.
    if (socket.direct === null) poll.unwatch(socket);
    try {
      this.#kind = this.#begin();
      this.#memory = registration!.view;
    } catch (error) {
      // The ring is full, and the kernel takes nothing of it.
      if (!(error instanceof RangeError)) throw error;
      direction.complete(WSAENOBUFS, progress);
    }
  }

  #begin(): number {
    const uring = this.#uring;
    const index = this.#index;
    const direction = this.#direction;
    const { messages, slot, sends, socket: { fd } } = direction;
    const length = describe(direction, 1);
    if (length === 0 && !sends) {
      uring.poll(fd, POLLIN, index, LOOK);
      return LOOK;
    }
    const low = messages.dataLow(slot);
    const high = messages.dataHigh(slot);
    if (sends) uring.sendFrom(fd, low, high, length, index, MOVE);
    else uring.receiveAt(fd, low, high, length, index, MOVE);
    return MOVE;
  }

  /** Submits it now, with all that was written. */
  submit(): void {
    this.#uring.submit();
  }

  /** The same, and tells what has completed; whether there may be more. */
  run(): boolean {
    const { pending } = this.#direction;
    this.#uring.collect();
    return this.#direction.pending < pending || this.#uring.ready;
  }

  completed(kind: number, result: number): boolean {
    const direction = this.#direction;
    this.#kind = NONE;
    this.#memory = null;
    if (this.#closed) {
      // What the kernel had done before counts.
      if (result !== -ECANCELED) direction.landed(kind, result);
      this.#end();
    } else {
      direction.landed(kind, result);
      direction.goOn();
    }
    return !direction.sends;
  }

  /** Nothing is written any more, because only calls of this thread do that. */
  broken(errno: number): void {
    this.#broken = errno;
    if (!this.isOut) return;
    const direction = this.#direction;
    this.#kind = NONE;
    if (this.#closed) return this.#end();
    direction.goOn();
  }

  /**
   * Ends the direction, now or when the kernel has let go of the memory; called
   * before the descriptor is closed.
   */
  close(): void {
    this.#closed = true;
    if (!this.isOut) return this.#end();
    this.#uring.cancel(this.#index, this.#kind);
    this.submit();
  }

  #end(): void {
    this.#uring.dismiss(this.#index);
    this.#direction.end();
  }
}

/** The receives of a connection, by io_uring. */
export class UringReceives extends StreamReceives implements Direction {
  readonly #entry: Entry;
  /** Whether a call may get something: more came than the entry had room for. */
  #tries = false;

  constructor(system: RingSystem, options: RingOptions, uring: Uring) {
    super(system, options);
    this.#entry = new Entry(uring, this);
  }

  /** The ring tells. */
  override readable(): void {}

  override push(flags: number): number {
    super.push(flags);
    if ((flags & RIO_MSG_COMMIT_ONLY) !== 0) this.#entry.submit();
    return 0;
  }

  override close(): void {
    this.#entry.close();
  }

  landed(kind: number, result: number): void {
    // Whatever it has seen, a call tells.
    if (kind === LOOK) this.#tries = true;
    else this.#tries = this.received(result, describe(this, 1));
  }

  goOn(): void {
    while (this.pending > 0 && !this.#entry.isOut) {
      const { usable } = this.request(this.slot);
      if (this.#tries || !usable) this.#tries = this.run();
      else this.#entry.write();
    }
    // Nobody knows about later.
    this.#tries = false;
  }

  end(): void {
    super.close();
  }

  protected override start(): void {
    this.goOn();
  }
}

/** The sends of a connection, by io_uring. */
export class UringSends extends StreamSends implements Direction {
  readonly #entry: Entry;

  constructor(system: RingSystem, options: RingOptions, uring: Uring) {
    super(system, options);
    this.#entry = new Entry(uring, this);
  }

  override push(flags: number): number {
    super.push(flags);
    if ((flags & RIO_MSG_COMMIT_ONLY) !== 0) this.#entry.submit();
    return 0;
  }

  override close(): void {
    this.#entry.close();
  }

  /** Has the kernel take what it has room for. */
  flush(): void {
    while (this.pending > 0 && this.#entry.run());
  }

  landed(_kind: number, result: number): void {
    describe(this, 1);
    this.sent(result);
  }

  goOn(): void {
    // One call takes several, as long as there is room.
    let fits = this.pending > 1;
    while (this.pending > 0 && !this.#entry.isOut) {
      const { usable } = this.request(this.slot);
      if (fits || !usable) fits = this.run();
      else this.#entry.write();
    }
  }

  end(): void {
    super.close();
  }

  protected override start(): void {
    this.goOn();
  }
}
