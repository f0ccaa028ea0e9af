/**
 * UDP sockets with the shape of Deno's own.
 *
 * @module
 */
import { showAddress } from "../../address.ts";
import { NativePromise } from "../../globals.ts";
import { logAsJson } from "../../shown.ts";
import { assertInternal, INTERNAL } from "../../internal.ts";
import type { RioSocket } from "../../session/socket.ts";
import { assertBytes, toSignal } from "../arguments.ts";
import { forgetDropped, watchDropped } from "../dropped.ts";
import { badResource, denoErrors, toDenoError } from "../errors.ts";
import { givenBack } from "../given_back.ts";
import { peerAddress } from "../hosts.ts";
import { destination, type RioDestination } from "./addresses.ts";
import type { RioDatagram, RioDatagramBatch } from "./batch.ts";
import type { Group } from "./groups.ts";
import type { Inbox } from "./inbox.ts";
import { RioMembership, type RioMembershipOptions } from "./multicast.ts";
import type { RioDatagramSendOptions } from "./manner.ts";
import type { Outbox } from "./outbox.ts";
import type { DatagramParts } from "./parts.ts";
import type {
  RioDatagramReceiveOptions,
  RioDatagramStats,
} from "./receive_options.ts";

/**
 * A UDP socket with the methods of `Deno.DatagramConn`, and some more.
 *
 * Datagrams are received into registered memory all the time; each receive
 * copies one out. {@linkcode RioDatagramConn.receiveMany} does not copy.
 *
 * @example Ask, and wait for the answer no longer than two seconds
 * ```ts
 * import { listenDatagram, type RioDatagramConn } from "@winsock/rio";
 *
 * async function ask(conn: RioDatagramConn, question: string): Promise<string> {
 *   await conn.send(new TextEncoder().encode(question));
 *   const signal = AbortSignal.timeout(2000);
 *   const [answer] = await conn.receive(undefined, { signal });
 *   return new TextDecoder().decode(answer);
 * }
 *
 * using server = listenDatagram({ hostname: "127.0.0.1" });
 * const serving = server.receive().then(([data, from]) => server.send(data, from));
 *
 * using client = listenDatagram({ hostname: "127.0.0.1" });
 * await client.connect(server.addr);
 * console.log(await ask(client, "anybody there?"));
 * await serving;
 * ```
 */
export class RioDatagramConn
  implements
    AsyncIterable<[Uint8Array<ArrayBuffer>, Deno.NetAddr]>,
    Disposable,
    AsyncDisposable {
  readonly #parts: DatagramParts;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  #closed = false;
  #disposing: Promise<void> | null = null;

  /** The socket underneath, for its options and counts; closed with this. */
  readonly socket: RioSocket;

  static {
    logAsJson(this);
  }

  /**
   * For this package only: use {@linkcode listenDatagram}.
   *
   * @ignore
   * @param key Proves that this package calls.
   * @param parts What it is made of; closed with it.
   */
  constructor(key: typeof INTERNAL, parts: DatagramParts) {
    assertInternal(key, "listenDatagram()");
    const { inbox, outbox, socket } = parts;
    this.#parts = parts;
    this.#inbox = inbox;
    this.#outbox = outbox;
    this.socket = socket;
    inbox.hold.of(this);
    outbox.hold.of(this);
    const { addr } = this;
    watchDropped(this, socket, {
      what: () => `RioDatagramConn on ${showAddress(addr)}`,
      parts,
    });
  }

  /** The local address. */
  get addr(): Deno.NetAddr {
    return givenBack(this.socket.address);
  }

  /**
   * Waits for a datagram.
   *
   * Where several calls wait, the last one gets what arrives, as with Deno's own
   * sockets: whoever races a receive with a timeout can ask again.
   *
   * @param p Where to put it; what does not fit is lost. A new array of the
   * right size by default.
   * @param options How to end the wait, and what becomes of too long ones.
   * @returns The part of `p` that was filled, and the sender.
   * @throws {Deno.errors.BadResource} If the socket was closed.
   * @throws {Deno.errors.Interrupted} If it is closed while waiting.
   * @throws {Deno.errors.ConnectionRefused} With `reportUnreachable`, if nobody
   * listens.
   */
  receive(
    p?: Uint8Array<ArrayBuffer>,
    options: RioDatagramReceiveOptions = {},
  ): Promise<[Uint8Array<ArrayBuffer>, Deno.NetAddr]> {
    try {
      if (p) assertBytes("p", p);
      const { rejectTruncated = false } = options;
      const signal = toSignal(options.signal);
      this.#assertOpen();
      const wishes = { signal, rejectTruncated };
      return this.#inbox.receive(p ? p : undefined, wishes);
    } catch (error) {
      return NativePromise.reject(error);
    }
  }

  /**
   * Waits for datagrams, and takes all that have arrived.
   *
   * @example Echo everything
   * ```ts
   * import { listenDatagram } from "@winsock/rio";
   *
   * async function echo() {
   *   using conn = listenDatagram({ hostname: "127.0.0.1", port: 7777 });
   *   for (;;) {
   *     using batch = await conn.receiveMany();
   *     await conn.sendMany(batch);
   *   }
   * }
   * ```
   *
   * @param options How to end the wait.
   * @returns At least one datagram; dispose the batch when it was dealt with.
   * @throws {Deno.errors.BadResource} If the socket was closed.
   * @throws {Deno.errors.Interrupted} If it is closed while waiting.
   */
  async receiveMany(
    options: Pick<RioDatagramReceiveOptions, "signal"> = {},
  ): Promise<RioDatagramBatch> {
    this.#assertOpen();
    const signal = toSignal(options.signal);
    return this.#inbox.batch(await this.#inbox.arrival(signal));
  }

  /**
   * Takes what has arrived, and never waits: for example before the socket is
   * closed, until a batch is empty.
   *
   * @example Answer what has arrived, then close
   * ```ts
   * import type { RioDatagramConn } from "@winsock/rio";
   *
   * async function finish(conn: RioDatagramConn) {
   *   for (;;) {
   *     using batch = conn.takeArrived();
   *     if (batch.length === 0) break;
   *     await conn.sendMany(batch);
   *   }
   *   await conn[Symbol.asyncDispose]();
   * }
   * ```
   *
   * @returns The datagrams, perhaps none; dispose the batch when it was dealt
   * with.
   * @throws {Deno.errors.BadResource} If the socket was closed.
   */
  takeArrived(): RioDatagramBatch {
    this.#assertOpen();
    this.#inbox.look();
    return this.#inbox.batch(this.#inbox.nextMany());
  }

  /**
   * What was counted since the socket was opened.
   *
   * Source: `SK_MEMINFO_DROPS` of `sock_diag(7)`.
   *
   * @returns The counts.
   * @throws {Deno.errors.BadResource} If the socket was closed.
   */
  stats(): RioDatagramStats {
    this.#assertOpen();
    const { truncated } = this.#inbox;
    return { truncated, dropped: this.#parts.dropped() };
  }

  /**
   * Sends a datagram; its data is copied when there is room, mostly at once.
   *
   * When the system's queue is full the promise stays pending until there is
   * room: awaiting it is the back-pressure, and nothing is dropped here.
   *
   * @param p The payload.
   * @param addr The destination, host `127.0.0.1` by default; not needed on a
   * connected socket.
   * @param options Segmentation, ECN, and the address to send from.
   * @returns The number of bytes sent.
   * @throws {Deno.errors.BadResource} If the socket was closed.
   * @throws {Deno.errors.NotCapable} If the destination is not permitted.
   * @throws {Error} If the system does not take it, for example because it is too
   * long; the cause is a {@linkcode RioError}.
   */
  send(
    p: Uint8Array,
    addr?: RioDestination,
    options: RioDatagramSendOptions = {},
  ): Promise<number> {
    return this.#outbox.send(p, addr, options);
  }

  /**
   * Sends many datagrams with one call to the system for up to 64 of them.
   *
   * On Linux those of one size that follow one another to one peer leave as one
   * packet, which the system cuts apart; where a path does not take that, one by
   * one. The peer sees no difference.
   *
   * @param datagrams Payloads with their destinations; a batch can be sent back
   * as it is.
   * @returns How many were sent.
   * @throws {Error} The error of the first that was not sent, as of
   * {@linkcode RioDatagramConn.send}: `index` says which one, `sent` how many
   * were. Where the system did not take it, all others were sent; where it could
   * not be sent at all, those before it.
   */
  sendMany(datagrams: Iterable<RioDatagram>): Promise<number> {
    return this.#outbox.sendMany(datagrams);
  }

  /**
   * Connects the socket: sends need no destination any more, and only what that
   * peer sends is received. They leave from the address and the port that the
   * socket was opened with.
   *
   * @param addr The peer; host `127.0.0.1` by default.
   * @throws {Deno.errors.NotCapable} If the peer is not permitted.
   */
  async connect(addr: { hostname?: string; port: number }): Promise<void> {
    const peer = await peerAddress(this.socket, destination(addr));
    this.#assertOpen();
    try {
      await this.socket.connect(peer);
    } catch (error) {
      throw toDenoError(error);
    }
    this.#outbox.connected = true;
  }

  /**
   * Ends what {@linkcode RioDatagramConn.connect} began, when what was sent
   * before has left: sends need a destination again, and everybody is heard. The
   * local address stays.
   *
   * @throws {Deno.errors.BadResource} If the socket was closed.
   * @throws {Deno.errors.NotConnected} If it is not connected.
   */
  async disconnect(): Promise<void> {
    this.#assertOpen();
    this.#outbox.connected = false;
    await this.#outbox.idle();
    this.#assertOpen();
    denoErrors(() => this.socket.disconnect());
  }

  /**
   * Joins an IPv4 multicast group.
   *
   * @param address The group, for example `224.0.0.251`.
   * @param networkInterface The interface to join on, by one of its addresses,
   * its index or its name; `0.0.0.0` or 0 lets the system choose.
   * @param options Which source to hear; all of them by default.
   * @returns The membership.
   * @throws {TypeError} If this host has no such interface.
   * @throws {Error} If an address is not IPv4, or the system refuses.
   */
  joinMulticastV4(
    address: string,
    networkInterface: string | number,
    options: RioMembershipOptions = {},
  ): Promise<RioMembership> {
    return this.#join({ version: 4, address, networkInterface }, options);
  }

  /**
   * Joins an IPv6 multicast group.
   *
   * @param address The group, for example `ff02::fb`.
   * @param networkInterface The interface to join on, by its index, its name or
   * one of its addresses; 0 or `::` lets the system choose. An address without
   * its interface (`fe80::1%eth0`) needs `--allow-sys=networkInterfaces`.
   * @param options Which source to hear; all of them by default.
   * @returns The membership.
   * @throws {TypeError} If this host has no such interface.
   * @throws {Error} If an address is not IPv6, or the system refuses.
   */
  joinMulticastV6(
    address: string,
    networkInterface: string | number,
    options: RioMembershipOptions = {},
  ): Promise<RioMembership> {
    return this.#join({ version: 6, address, networkInterface }, options);
  }

  /** Lets a pending receive keep the process alive, as it does by default. */
  ref(): void {
    this.#inbox.setReferenced(true);
  }

  /** Lets the process end while a receive is pending. */
  unref(): void {
    this.#inbox.setReferenced(false);
  }

  /**
   * Closes the socket: pending receives are rejected, iterators end.
   *
   * @throws {Deno.errors.BadResource} If it was closed before.
   */
  close(): void {
    this.#assertOpen();
    this[Symbol.dispose]();
  }

  /** Closes the socket, unless it was closed before. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    forgetDropped(this, this.socket);
    this.#parts[Symbol.dispose]();
  }

  /** Closes the socket when what was sent before has left, unless it is closed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposing ??= this.#drainAndClose();
  }

  async #drainAndClose(): Promise<void> {
    try {
      if (!this.#closed) await this.#outbox.drain();
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** What a datagram socket shows when it is logged or serialised. */
  toJSON(): Record<string, unknown> {
    const { addr } = this;
    return { addr };
  }

  /** Yields datagrams with their senders; ends when the socket is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<
    [Uint8Array<ArrayBuffer>, Deno.NetAddr]
  > {
    for (;;) {
      try {
        yield await this.receive();
      } catch (error) {
        if (
          error instanceof Deno.errors.BadResource ||
          error instanceof Deno.errors.Interrupted
        ) return;
        throw error;
      }
    }
  }

  #join(group: Group, options: RioMembershipOptions): Promise<RioMembership> {
    return NativePromise.try(() => {
      this.#assertOpen();
      const { source } = options;
      const wanted = source === undefined ? group : { ...group, source };
      return new RioMembership(INTERNAL, this.socket, wanted);
    });
  }

  #assertOpen(): void {
    if (this.#closed) throw badResource();
  }
}
