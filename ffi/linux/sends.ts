/**
 * Posted sends: they run at once, or wait for room in the socket.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import {
  WSAEAFNOSUPPORT,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
} from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { Ring, type RingOptions, type RingSystem } from "./ring.ts";
import { HAS_CONTROL, HAS_REMOTE } from "./slices.ts";

/** Hands sends to the kernel; returns whether it may take more. */
export type SendCall = (ring: Sends, count: number) => boolean;

/** The sends of a socket. */
export class Sends extends Ring {
  readonly #call: SendCall;

  /**
   * Makes an empty ring.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor(system: RingSystem, options: RingOptions, call: SendCall) {
    super(system, { ...options, sends: true, allowed: 0 });
    this.#call = call;
  }

  /** Whether they wait for room. */
  get blocked(): boolean {
    return this.system.blocked.has(this);
  }

  /** Takes note that there is room again. */
  writable(): void {
    if (!this.blocked) return;
    this.#runAll();
    if (this.pending === 0) this.#unblock();
  }

  override close(): void {
    this.system.blocked.delete(this);
    super.close();
  }

  override finish(status: number, bytes: number): void {
    this.complete(status, bytes);
  }

  protected override start(): void {
    if (this.blocked) return;
    this.#runAll();
    if (this.pending > 0) this.#block();
  }

  protected override call(count: number): boolean {
    return this.#call(this, count);
  }

  /** Copies what a send names, so that nothing redirects it afterwards. */
  protected override setSlices(
    slot: number,
    _local: null,
    remote: RioBuf | null,
    control: RioBuf | null,
  ): number {
    const { messages, socket: { stream }, system: { registrations } } = this;
    let extras = 0;
    if (remote !== null) {
      const found = registrations.find(remote, SOCKADDR_INET.size);
      if (found === undefined) return WSAEFAULT;
      if (!messages.setName(slot, found.view, remote.offset)) {
        return WSAEAFNOSUPPORT;
      }
      // A stream goes to its peer whatever is named.
      if (!stream) extras |= HAS_REMOTE;
    }
    if (control !== null) {
      const found = registrations.find(control);
      if (found === undefined) return WSAEFAULT;
      const { offset, length } = control;
      const size = messages.setControl(slot, found.view, offset, length);
      if (size < 0) return WSAEINVAL;
      if (size > 0 && !stream) extras |= HAS_CONTROL;
    }
    messages.setExtras(slot, extras);
    return 0;
  }

  #runAll(): void {
    while (this.pending > 0 && this.run());
  }

  /**
   * Keeps sends for when the socket has room again.
   *
   * Winsock resumes them on its own; here every dequeue and every wait does.
   */
  #block(): void {
    this.system.blocked.add(this);
    // Room that came back since the kernel refused must be told, too.
    if (this.system.poll.watch(this.socket, true) === 0) return;
    // Nothing would ever resume them.
    while (this.pending > 0) this.complete(WSAENOBUFS, this.progress);
    this.#unblock();
  }

  #unblock(): void {
    this.system.blocked.delete(this);
    // Room that nobody waits for would end waits for nothing.
    this.system.poll.watch(this.socket);
  }
}
