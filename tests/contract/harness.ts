/**
 * What the statements of the contract are written with: a fresh backend each,
 * and short ways to make sockets, queues and slices and to post requests.
 *
 * @module
 */
import { ADDRESS_SIZE, readAddress, writeAddress } from "../../ffi/address.ts";
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  RIO_MSG_COMMIT_ONLY,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../../ffi/constants.ts";
import type {
  RioBackend,
  RioBuf,
  RioHandle,
  RioNotificationKind,
} from "../../ffi/contract.ts";
import { WSAEADDRNOTAVAIL } from "../../ffi/error_numbers.ts";
import { errorName } from "../../ffi/errors.ts";
import { type Family, IPV4, IPV6 } from "./families.ts";
import { Slab } from "./slab.ts";
import { Waits } from "./waits.ts";

/** One statement about `RioBackend`. */
export interface Statement {
  /** What is stated, as a sentence without its end. */
  readonly name: string;
  /** The statement makes wrong calls, and a verifier may say so. */
  readonly misuse?: boolean;
  /** Fails where the statement does not hold. */
  run(t: Harness): void | Promise<void>;
}

/** An opened backend, and who watches it. */
export interface Trial {
  /** The backend. */
  readonly rio: RioBackend;
  /** The system below it, if that one cannot do all that is stated. */
  readonly system?: System;
  /** What was done wrong or is left, once the backend was closed. */
  faults(misuse: boolean): string[] | Promise<string[]>;
}

/** A system that is known to lack something. */
export interface System {
  /** What it is. */
  readonly name: string;
  /** What it lacks, in the words of {@linkcode Harness.mayLack}. */
  readonly lacks: readonly string[];
}

/** A socket with its request queue and completion queues. */
export interface Endpoint {
  readonly socket: RioHandle;
  readonly requestQueue: RioHandle;
  /** Where its receives complete. */
  readonly received: RioHandle;
  /** Where its sends complete. */
  readonly sent: RioHandle;
  /** The context of its requests that are given none of their own. */
  readonly context: number;
}

/** How an endpoint is made; a queue that is not given is made to fit. */
export interface EndpointOptions {
  receives?: number;
  sends?: number;
  received?: RioHandle;
  sent?: RioHandle;
  context?: number;
}

/** What a request has beyond its data. */
export interface RequestOptions {
  flags?: number;
  context?: number;
  local?: RioBuf;
  remote?: RioBuf;
  control?: RioBuf;
  messageFlags?: RioBuf;
}

/** Ends a statement that this system can not be asked about. */
export class Skip extends Error {}

/** What a statement holds in its hands. */
export class Harness extends Waits {
  readonly #system: System | undefined;
  #slab: Slab | undefined;
  #keys = 0;

  /** Starts a statement on a backend that was just opened. */
  constructor({ rio, system }: Trial) {
    super(rio);
    this.#system = system;
  }

  /** Ends the statement here if the system is known to lack something. */
  mayLack(what: string): void {
    if (!this.#system?.lacks.includes(what)) return;
    this.skip(`${this.#system.name} lacks ${what}`);
  }

  /** Ends the statement here, because it can not be tried. */
  skip(reason: string): never {
    throw new Skip(reason);
  }

  // Making things.

  /** A slab that most statements have enough with. */
  get slab(): Slab {
    return this.#slab ??= this.register(256 * 1024);
  }

  /** Registers a block of its own. */
  register(byteLength: number): Slab {
    return new Slab(this.rio, byteLength);
  }

  /** Copies text or bytes into the next free part of the slab. */
  put(data: string | Uint8Array): RioBuf {
    return this.slab.put(data);
  }

  /** The next free part of the slab. */
  room(byteLength: number): RioBuf {
    return this.slab.room(byteLength);
  }

  /** What a slice of the slab holds, as text. */
  text(slice: RioBuf, byteLength: number = slice.length): string {
    return new TextDecoder().decode(this.slab.read(slice, byteLength));
  }

  /** Creates a completion queue. */
  queue(size: number = 64, notification: number = 0): RioHandle {
    return this.made(
      this.rio.rings.createCompletionQueue(size, notification),
      "RIOCreateCompletionQueue",
    );
  }

  /** Creates a completion queue that notifies, and the key it reports. */
  notifying(
    kind: RioNotificationKind,
    size: number = 64,
  ): { queue: RioHandle; key: number } {
    const key = this.key();
    this.done(
      this.rio.waits.createNotification(kind, key),
      "createNotification",
    );
    return { queue: this.queue(size, key), key };
  }

  /** A key that nothing else has in this statement. */
  key(): number {
    return ++this.#keys;
  }

  /** Opens a UDP socket. */
  udpSocket(family: Family = IPV4): RioHandle {
    return this.#open(family, SOCK_DGRAM, IPPROTO_UDP);
  }

  /** Opens a TCP socket. */
  tcpSocket(family: Family = IPV4): RioHandle {
    return this.#open(family, SOCK_STREAM, IPPROTO_TCP);
  }

  /** Gives a socket its request queue. */
  endpoint(socket: RioHandle, options: EndpointOptions = {}): Endpoint {
    const { receives = 16, sends = 16, context = 0 } = options;
    const received = options.received ?? this.queue(Math.max(1, receives));
    const sent = options.sent ?? this.queue(Math.max(1, sends));
    const requestQueue = this.made(
      this.rio.rings.createRequestQueue(
        socket,
        receives,
        sends,
        received,
        sent,
      ),
      "RIOCreateRequestQueue",
    );
    return { socket, requestQueue, received, sent, context };
  }

  /** A UDP endpoint bound to a free port of this host. */
  udp(options: EndpointOptions & { family?: Family } = {}): Endpoint {
    const { family = IPV4 } = options;
    const socket = this.udpSocket(family);
    this.bindLoopback(socket, family);
    return this.endpoint(socket, options);
  }

  /** Two UDP endpoints that are connected to each other. */
  udpPair(
    options: EndpointOptions & { family?: Family } = {},
    other: EndpointOptions = options,
  ): [Endpoint, Endpoint] {
    const { family = IPV4 } = options;
    const a = this.udp(options);
    const b = this.udp({ ...other, family });
    for (const [from, to] of [[a, b], [b, a]] as const) {
      this.made(
        this.rio.sockets.connect(
          from.socket,
          this.addressOf(to.socket),
          this.key(),
        ),
        "connect",
      );
    }
    return [a, b];
  }

  /** A TCP socket that listens on a free port of this host. */
  listener(family: Family = IPV4): RioHandle {
    const socket = this.tcpSocket(family);
    this.bindLoopback(socket, family);
    this.done(this.rio.sockets.listen(socket, 64), "listen");
    return socket;
  }

  /** Two TCP endpoints that are connected to each other. */
  async tcpPair(
    options: EndpointOptions & { family?: Family } = {},
    other: EndpointOptions = options,
  ): Promise<[Endpoint, Endpoint]> {
    const listener = this.listener(options.family);
    const client = this.tcpSocket(options.family);
    this.made(
      await this.connect(client, this.addressOf(listener)),
      "connect",
    );
    const server = await this.accept(listener);
    this.done(this.rio.sockets.close(listener), "closesocket");
    return [this.endpoint(client, options), this.endpoint(server, other)];
  }

  /** Binds to a free port of this host. */
  bindLoopback(socket: RioHandle, family: Family = IPV4): void {
    const error = this.rio.sockets.bind(
      socket,
      this.address(family.loopback, 0),
    );
    if (error === WSAEADDRNOTAVAIL && family === IPV6) {
      this.skip("this host has no IPv6 loopback");
    }
    this.done(error, "bind");
  }

  // Addresses.

  /** The 28 bytes of an address. */
  address(
    hostname: string,
    port: number,
    options: { mapped?: boolean } = {},
  ): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(ADDRESS_SIZE);
    writeAddress(bytes, { hostname, port }, options);
    return bytes;
  }

  /** The 28 bytes of a socket's own address. */
  addressOf(socket: RioHandle): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(ADDRESS_SIZE);
    this.done(this.rio.sockets.localAddress(socket, bytes), "getsockname");
    return bytes;
  }

  /** The port of a socket's own address. */
  portOf(socket: RioHandle): number {
    return readAddress(this.addressOf(socket), "udp").port;
  }

  // Posting.

  /** Posts a receive that must be accepted. */
  receive(
    endpoint: Endpoint,
    data: RioBuf | null,
    options: RequestOptions = {},
  ): void {
    this.done(this.tryReceive(endpoint, data, options), "RIOReceive");
  }

  /** Posts a send that must be accepted. */
  send(
    endpoint: Endpoint,
    data: RioBuf | null,
    options: Omit<RequestOptions, "local" | "messageFlags"> = {},
  ): void {
    this.done(this.trySend(endpoint, data, options), "RIOSend");
  }

  /** Posts a receive; returns the answer. */
  tryReceive(
    endpoint: Endpoint,
    data: RioBuf | null,
    options: RequestOptions = {},
  ): number {
    const { requestQueue } = endpoint;
    const { flags = 0 } = options;
    // A commit has none.
    const context = options.context ??
      ((flags & RIO_MSG_COMMIT_ONLY) === 0 ? endpoint.context : 0);
    return isPlain(options)
      ? this.rio.rings.receive(requestQueue, data, flags, context)
      : this.rio.rings.receiveEx(
        requestQueue,
        data,
        options.local ?? null,
        options.remote ?? null,
        options.control ?? null,
        options.messageFlags ?? null,
        flags,
        context,
      );
  }

  /** Posts a send; returns the answer. */
  trySend(
    endpoint: Endpoint,
    data: RioBuf | null,
    options: Omit<RequestOptions, "local" | "messageFlags"> = {},
  ): number {
    const { requestQueue } = endpoint;
    const { flags = 0 } = options;
    // A commit has none.
    const context = options.context ??
      ((flags & RIO_MSG_COMMIT_ONLY) === 0 ? endpoint.context : 0);
    return isPlain(options)
      ? this.rio.rings.send(requestQueue, data, flags, context)
      : this.rio.rings.sendEx(
        requestQueue,
        data,
        options.remote ?? null,
        options.control ?? null,
        flags,
        context,
      );
  }

  /** Closes an endpoint's socket. */
  close({ socket }: Endpoint): void {
    this.done(this.rio.sockets.close(socket), "closesocket");
  }

  /** Connects; resolves to 1 or minus an error number. */
  async connect(socket: RioHandle, address: Uint8Array): Promise<number> {
    const key = this.key();
    let outcome = this.rio.sockets.connect(socket, address, key);
    while (outcome === 0) {
      await this.fires(key, "the outcome of a connect");
      outcome = this.rio.sockets.connected(socket);
    }
    return outcome;
  }

  /** Accepts a connection; resolves to its socket. */
  async accept(listener: RioHandle, key: number = this.key()): Promise<number> {
    for (;;) {
      const socket = this.rio.sockets.accept(listener, key);
      if (socket !== 0) return this.made(socket, "accept");
      await this.fires(key, "a connection to accept");
    }
  }

  #open(family: Family, type: number, protocol: number): RioHandle {
    const socket = this.rio.sockets.open(family.number, type, protocol);
    if (socket < 0 && family === IPV6) {
      this.skip(`this host has no IPv6: ${errorName(-socket)}`);
    }
    return this.made(socket, "WSASocketW");
  }
}

function isPlain(options: RequestOptions): boolean {
  return !(options.local || options.remote || options.control ||
    options.messageFlags);
}
