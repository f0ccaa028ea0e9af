/**
 * Requests on datagram sockets: batches of `recvmmsg` and `sendmmsg`.
 *
 * @module
 */
import * as wsa from "../error_numbers.ts";
import { winsockError } from "./errno.ts";
import * as errno from "./errno_numbers.ts";
import { MMSGHDR, MSGHDR } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import { Receives } from "./receives.ts";
import { Earlier, REPORTS } from "./reports.ts";
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
    if (report === undefined) this.complete(winsockError(code), 0);
    else if (report !== 0 && this.socket.reports) this.complete(report, 0);
    return true;
  }
}

/** The sends of a datagram socket. */
export class DatagramSends extends Sends {
  readonly #earlier: Earlier = new Earlier();

  protected override call(count: number): boolean {
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
      const unconnected = code === errno.EDESTADDRREQ;
      this.complete(unconnected ? wsa.WSAENOTCONN : winsockError(code), 0);
      return true;
    }
  }
}
