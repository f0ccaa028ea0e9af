/**
 * Requests on datagram sockets: batches of `recvmmsg` and `sendmmsg`.
 *
 * @module
 */
import * as wsa from "../error_numbers.ts";
import { winsockError } from "./errno.ts";
import * as errno from "./errno_numbers.ts";
import type { Messages } from "./messages.ts";
import { MMSGHDR, MSGHDR } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import { Receives } from "./receives.ts";
import { Earlier, REPORTS } from "./reports.ts";
import { isCut, sendApart } from "./segments.ts";
import { Sends } from "./sends.ts";

/** The receives of a datagram socket. */
export class DatagramReceives extends Receives {
  protected override call(count: number): boolean {
    const { socket, messages, slot, system: { library } } = this;
    const report = socket.takeReport();
    if (report !== 0) {
      this.complete(report, 0);
      return true;
    }
    const got = library.symbols.recvmmsg(
      socket.fd,
      messages.headerAddress(slot),
      count,
      linux.MSG_DONTWAIT,
      0n,
    );
    if (got < 0) return this.#failed(library.errno[0]!);
    for (let i = slot; i < slot + got; i++) {
      const flags = messages.field(i, MSGHDR.flags);
      if ((flags & linux.MSG_TRUNC) === 0) {
        this.finish(0, messages.field(i, MMSGHDR.bytes));
      } else if (this.request(i).registration !== null) {
        this.finish(wsa.WSAEMSGSIZE, messages.dataLength(i));
      } else {
        // Without a data slice the datagram is thrown away on purpose.
        this.finish(0, 0);
      }
    }
    if (got === count) return true;
    // An error that came after some datagrams is told by the next call only,
    // and epoll does not announce it.
    if (socket.ended || socket.reports && socket.interest !== 0) {
      return true;
    }
    socket.drained();
    return false;
  }

  #failed(code: number): boolean {
    if (code === errno.EAGAIN) {
      this.socket.drained();
      return false;
    }
    if (code === errno.EINTR) return true;
    const report = REPORTS.get(code);
    if (report === undefined) {
      this.complete(winsockError(code), 0);
      return true;
    }
    this.socket.forgetReports();
    if (report !== 0 && this.socket.reports) this.complete(report, 0);
    return true;
  }
}

/** The sends of a datagram socket. */
export class DatagramSends extends Sends {
  readonly #earlier: Earlier = new Earlier();
  /** Whether sends are cut apart here, because the system does not do it. */
  #cuts = false;

  protected override call(most: number): boolean {
    const count = this.#cuts ? this.#uncut(most) : most;
    return count === 0 ? this.#sendApart() : this.#send(count);
  }

  /** How many sends, from the head on, are not to be cut apart. */
  #uncut(most: number): number {
    const { messages, slot } = this;
    let count = 0;
    while (count < most && !this.#isCut(messages, slot + count)) count++;
    return count;
  }

  #isCut(messages: Messages, slot: number): boolean {
    return this.request(slot).segmentSize > 0 || isCut(messages, slot);
  }

  /** Sends the datagrams of the request at the head one by one. */
  #sendApart(): boolean {
    const { socket, messages, slot, system: { library } } = this;
    const request = this.request(slot);
    const { fd } = socket;
    for (;;) {
      const code = -sendApart(request, messages, { slot, fd, library });
      if (code === 0) break;
      if (code === errno.EAGAIN) return false;
      if (code === errno.EINTR || this.#earlier.isIt(code)) continue;
      this.#refused(code, request.progress);
      return true;
    }
    this.complete(0, request.progress);
    socket.report(this.#earlier.take());
    return true;
  }

  #send(count: number): boolean {
    const { socket, messages, slot, system: { library } } = this;
    const address = messages.headerAddress(slot);
    for (;;) {
      const sent = library.symbols.sendmmsg(
        socket.fd,
        address,
        count,
        linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL,
      );
      if (sent >= 0) {
        for (let i = slot; i < slot + sent; i++) {
          this.complete(0, messages.field(i, MMSGHDR.bytes));
        }
        socket.report(this.#earlier.take());
        return true;
      }
      const code = library.errno[0]!;
      if (code === errno.EAGAIN) return false;
      if (code === errno.EINTR || this.#earlier.isIt(code)) continue;
      if (code === errno.EIO && !this.#cuts && isCut(messages, slot)) {
        this.#cuts = true;
        return true;
      }
      this.#refused(code, 0);
      return true;
    }
  }

  #refused(code: number, bytes: number): void {
    const unconnected = code === errno.EDESTADDRREQ;
    this.complete(unconnected ? wsa.WSAENOTCONN : winsockError(code), bytes);
  }
}
