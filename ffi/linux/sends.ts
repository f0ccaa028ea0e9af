/**
 * Posted sends: they run at once, or wait for room in the socket.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import * as wsa from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { findSlice } from "./registration.ts";
import { Ring } from "./ring.ts";

/** The sends of a socket. */
export abstract class Sends extends Ring {
  override readonly sends = true;

  /** Whether they wait for room. */
  get wantsWritable(): boolean {
    return this.system.blocked.has(this);
  }

  /** Takes note that there is room again. */
  writable(): void {
    if (!this.wantsWritable) return;
    this.#runAll();
    if (this.pending === 0) this.#unblock();
  }

  override close(): void {
    this.system.blocked.delete(this);
    super.close();
  }

  protected override start(): void {
    if (this.wantsWritable) return;
    this.#runAll();
    if (this.pending > 0) this.#block();
  }

  /** Copies what a send names, so that nothing redirects it afterwards. */
  setSlices(remote: RioBuf | null, control: RioBuf | null): number {
    const { messages, staged, socket, system: { registrations } } = this;
    if (remote !== null) {
      const found = findSlice(registrations, remote, SOCKADDR_INET.size);
      if (found === undefined) return wsa.WSAEFAULT;
      const errno = messages.setName(staged, found.view, remote.offset);
      if (errno !== 0) return errno;
    }
    if (control === null) return 0;
    const found = findSlice(registrations, control, 0);
    if (found === undefined) return wsa.WSAEFAULT;
    const { offset, length } = control;
    return messages.setControl(staged, found.view, offset, length, socket);
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
    while (this.pending > 0) {
      this.complete(wsa.WSAENOBUFS, this.request(this.slot).progress);
    }
    this.#unblock();
  }

  #unblock(): void {
    this.system.blocked.delete(this);
    // Room that nobody waits for would end waits for nothing.
    this.system.poll.watch(this.socket);
  }
}
