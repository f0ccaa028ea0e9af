/**
 * Data without requests, of connections through the ring.
 *
 * @module
 */
import type { RioWatcher } from "../../contract.ts";
import {
  type DirectSocket,
  type DirectSystem,
  LinuxDirect,
} from "../direct.ts";
import type { LinuxSocket } from "../socket.ts";
import type { LinuxSockets } from "../sockets.ts";
import { UringStream } from "./stream.ts";
import type { Uring } from "./uring.ts";

/** Attaches to sockets: the ring serves connections, calls serve datagrams. */
export class UringDirect extends LinuxDirect {
  readonly #system: DirectSystem;
  readonly #find: () => Uring | null;

  /**
   * Takes the sockets, and how their data is moved.
   *
   * @param find Opens the ring, or finds it; `null` where there is none left.
   */
  constructor(
    sockets: LinuxSockets,
    system: DirectSystem,
    find: () => Uring | null,
  ) {
    super(sockets, system);
    this.#system = system;
    this.#find = find;
  }

  protected override open(
    socket: LinuxSocket,
    watcher: RioWatcher,
  ): DirectSocket | number {
    const uring = socket.stream ? this.#find() : null;
    if (uring === null) return super.open(socket, watcher);
    // It was watched while it connected.
    this.#system.readiness.unwatch(socket);
    return new UringStream(socket, watcher, { ...this.#system, uring });
  }
}
