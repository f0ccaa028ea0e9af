/**
 * Registered I/O over the kernel's sockets: the parts put together.
 *
 * @module
 */
import type { RioBackend, RioWaitWay } from "../contract.ts";
import { Arena } from "./arena.ts";
import { LinuxDirect } from "./direct.ts";
import { HandleTable } from "./handles.ts";
import {
  acquireLibrary,
  type LinuxLibrary,
  releaseLibrary,
} from "./library.ts";
import { Poll } from "./poll.ts";
import { LinuxRings } from "./rings.ts";
import { Scratch } from "./scratch.ts";
import { LinuxSockets } from "./sockets.ts";

/** How the Linux backend reaches the kernel. */
export interface LinuxOptions {
  /**
   * Functions to call in place of the C library's, for example ones that fail.
   * The backend does not close them.
   */
  library?: LinuxLibrary;
  /** How it waits; the best way that works by default. */
  way?: RioWaitWay;
}

/** What the backends of this thread share while there are any. */
let shared: Poll | null = null;
let users = 0;
/** What they share for ever: it is used only while a call runs, or given back. */
let memory: { scratch: Scratch; arena: Arena } | null = null;

/**
 * Opens Registered I/O over Linux sockets.
 *
 * @param options How it reaches the kernel; backends that are opened without
 * options share their wait.
 * @returns The backend.
 * @throws {Deno.errors.NotSupported} If this is not Linux, or the kernel or a
 * sandbox lacks a call.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {RangeError} If the system has no room.
 */
export function openLinux(options: LinuxOptions = {}): RioBackend {
  if (options.library || options.way) {
    const poll = openPoll(options);
    return new LinuxBackend(poll, () => poll.close());
  }
  const poll = shared ??= openPoll(options);
  users++;
  return new LinuxBackend(poll, () => {
    if (--users > 0) return;
    shared = null;
    poll.close();
  });
}

function openPoll({ library, way }: LinuxOptions): Poll {
  const release = library ? () => {} : releaseLibrary;
  const opened = library ?? acquireLibrary();
  try {
    memory ??= { scratch: new Scratch(), arena: new Arena() };
    return new Poll(opened, { scratch: memory.scratch, release, way });
  } catch (error) {
    release();
    throw error;
  }
}

class LinuxBackend implements RioBackend {
  readonly name = "linux";
  readonly capabilities = {
    reusePort: true,
    brokenPipe: true,
    costlyOpen: true,
  };
  readonly rings: LinuxRings;
  readonly sockets: LinuxSockets;
  readonly waits: Poll;
  readonly direct: LinuxDirect;
  readonly #release: () => void;
  #closed = false;

  /** Takes the poll; `release` ends the use of it. */
  constructor(poll: Poll, release: () => void) {
    const { library } = poll;
    this.#release = release;
    this.waits = poll;
    this.sockets = new LinuxSockets(library, poll);
    this.direct = new LinuxDirect(this.sockets, library, poll);
    this.rings = new LinuxRings(this.sockets, {
      ...memory!,
      library,
      poll,
      registrations: new HandleTable(),
      blocked: new Set(),
    });
  }

  close(_keepNative: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.sockets.closeAll();
    this.rings.closeAll();
    this.#release();
  }
}
