/**
 * The state of one socket.
 *
 * @module
 */
import type { Handled } from "./handles.ts";
import type { RequestQueue } from "./request_queue.ts";

/** A socket, owning its file descriptor until it is closed. */
export class LinuxSocket implements Handled {
  handle = 0;
  /** The file descriptor. */
  readonly fd: number;
  /** The family, as Winsock numbers it. */
  readonly family: number;
  /** Whether it is TCP; otherwise UDP. */
  readonly stream: boolean;
  /** The one request queue, once there is one. */
  requestQueue: RequestQueue | null = null;

  connected = false;
  connecting = false;
  /** Why the last connect failed. */
  connectError = 0;
  /** What to report when connecting ended; `null` when nobody asked. */
  connectKey: number | null = null;
  /** What to report when a connection waits; `null` when nobody asked. */
  acceptKey: number | null = null;

  /** What epoll watches; 0 before it does. */
  mask = 0;
  /** The error that broke a connection; a later end of stream means it. */
  broken = 0;
  /** Whether this side ended sending. */
  sendShutdown = false;
  /** `SIO_UDP_CONNRESET`: whether an ICMP error fails a receive. */
  reportsReset = true;
  /** An ICMP error that a send ran into and a receive has to report. */
  pendingReset = 0;
  /** Whether packet info was asked for. */
  packetInfo = false;
  /** Whether the type of service or traffic class was asked for. */
  receivesTos = false;
  /** Whether the ECN codepoint was asked for. */
  receivesEcn = false;
  /** The local address, once asked for; changes with bind and connect. */
  local: Uint8Array | null = null;
  /** The peer of a connection, once asked for. */
  remote: Uint8Array | null = null;

  /** Takes a file descriptor over. */
  constructor(fd: number, family: number, stream: boolean) {
    this.fd = fd;
    this.family = family;
    this.stream = stream;
  }

  /** Whether epoll watches it, which always includes what arrives. */
  get watched(): boolean {
    return this.mask !== 0;
  }
}
