/**
 * Registered I/O over the kernel's sockets: the parts put together.
 *
 * @module
 */
import type { RioBackend, RioCapabilities, RioWaitWay } from "../contract.ts";
import { Arena } from "./arena.ts";
import { LinuxDirect } from "./direct.ts";
import { DirectMessages } from "./direct_messages.ts";
import { HandleTable } from "./handles.ts";
import {
  acquireLibrary,
  type LinuxLibrary,
  releaseLibrary,
} from "./library.ts";
import { Poll } from "./poll.ts";
import { LinuxRings } from "./rings.ts";
import { Scratch } from "./scratch.ts";
import { UringDirect } from "./uring/direct.ts";
import { Uring, type UringOptions } from "./uring/uring.ts";
import { LinuxSockets } from "./sockets.ts";

/** How a Linux backend reaches the kernel. */
export interface LinuxOptions {
  /**
   * Functions to call in place of the C library's, for example ones that fail.
   * The backend does not close them.
   */
  library?: LinuxLibrary;
  /** How it waits; the best way that works by default. */
  way?: RioWaitWay;
  /** How its ring is opened, where it is to have one of its own. */
  uring?: UringOptions;
}

/** What the backends of this thread share while there are any. */
let shared: Poll | null = null;
let users = 0;
/** What they share for ever: it is used only while a call runs, or given back. */
let memory:
  | { scratch: Scratch; arena: Arena; messages: DirectMessages }
  | null = null;
/** The ring of each wait; `null` where it could not be opened. */
const urings: WeakMap<Poll, Uring | null> = new WeakMap();
/** What rings that worked in this thread have, or why none did. */
let proven: readonly string[] | Error | null = null;

/**
 * Opens Registered I/O over Linux sockets, by system calls.
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
  return open("epoll", options);
}

/**
 * Opens the same, with the data of connections moved by io_uring.
 *
 * @throws {Deno.errors.NotSupported} If the kernel or a sandbox has none, with
 * the reason.
 * @throws {RangeError} If the system has no room.
 */
export function openUring(options: LinuxOptions = {}): RioBackend {
  const { uring } = options;
  if (proven instanceof Error && uring === undefined) throw proven;
  const backend = open("io_uring", options);
  // Later it is opened by the first connection.
  if (proven !== null && uring === undefined) return backend;
  try {
    uringOf(backend.waits, uring);
    return backend;
  } catch (error) {
    backend.close();
    if (error instanceof Deno.errors.NotSupported && uring === undefined) {
      proven = error;
    }
    throw error;
  }
}

function open(
  engine: "io_uring" | "epoll",
  options: LinuxOptions,
): LinuxBackend {
  if (options.library || options.way || options.uring) {
    const poll = openPoll(options);
    return new LinuxBackend(engine, poll, () => poll.close());
  }
  const poll = shared ??= openPoll(options);
  users++;
  return new LinuxBackend(engine, poll, () => {
    if (--users > 0) return;
    shared = null;
    poll.close();
  });
}

function openPoll({ library, way }: LinuxOptions): Poll {
  const release = library ? () => {} : releaseLibrary;
  const opened = library ?? acquireLibrary();
  try {
    memory ??= makeMemory();
    return new Poll(opened, { scratch: memory.scratch, release, way });
  } catch (error) {
    release();
    throw error;
  }
}

function makeMemory(): NonNullable<typeof memory> {
  const made = { scratch: new Scratch(), arena: new Arena() };
  return { ...made, messages: new DirectMessages(made) };
}

/** The ring that belongs to a wait; opens it where there is none. */
function uringOf(poll: Poll, options?: UringOptions): Uring {
  const known = urings.get(poll);
  if (known) return known;
  const made = poll.join((eventfd) =>
    new Uring(poll.library, eventfd, options)
  );
  urings.set(poll, made);
  proven = made.features;
  return made;
}

/** The same; `null` where it has worked before, and cannot be opened now. */
function findUring(poll: Poll): Uring | null {
  const known = urings.get(poll);
  if (known === null || known?.broken) return null;
  try {
    return uringOf(poll);
  } catch {
    // Connections do without.
    urings.set(poll, null);
    return null;
  }
}

/** What Linux can do with either engine. */
const CAPABILITIES = {
  reusePort: true,
  bindToDevice: true,
  segmentation: true,
  costlyOpen: true,
  timestamps: true,
  tellsJoined: true,
  tellsLocal: true,
  countsDropped: true,
};

class LinuxBackend implements RioBackend {
  readonly name = "linux";
  readonly engine: "io_uring" | "epoll";
  readonly calls = "symbol";
  readonly capabilities: RioCapabilities;
  readonly rings: LinuxRings;
  readonly sockets: LinuxSockets;
  readonly waits: Poll;
  readonly direct: LinuxDirect;
  readonly #release: () => void;
  #closed = false;

  /** Takes the poll; `release` ends the use of it. */
  constructor(engine: "io_uring" | "epoll", poll: Poll, release: () => void) {
    const { library } = poll;
    this.engine = engine;
    this.capabilities = { ...CAPABILITIES, overlapped: engine === "io_uring" };
    this.#release = release;
    this.waits = poll;
    this.sockets = new LinuxSockets(library, poll);
    const { scratch, arena, messages } = memory!;
    const system = { library, readiness: poll, messages };
    const uring = engine === "epoll" ? () => null : () => findUring(poll);
    this.direct = engine === "epoll"
      ? new LinuxDirect(this.sockets, system)
      : new UringDirect(this.sockets, system, uring);
    this.rings = new LinuxRings(this.sockets, {
      scratch,
      arena,
      library,
      poll,
      uring,
      registrations: new HandleTable(),
      blocked: new Set(),
    });
  }

  get kernelFeatures(): readonly string[] {
    if (this.engine === "epoll" || proven instanceof Error) return [];
    return proven ?? [];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.sockets.closeAll();
    this.rings.closeAll();
    this.#release();
  }
}
