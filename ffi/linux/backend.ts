/**
 * Registered I/O over the kernel's sockets: the parts put together.
 *
 * @module
 */
import type { RioBackend } from "../contract.ts";
import { Arena } from "./arena.ts";
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
}

/**
 * Opens Registered I/O over Linux sockets.
 *
 * @param options How it reaches the kernel.
 * @returns The backend.
 * @throws {Deno.errors.NotSupported} If this is not Linux, or the kernel or a
 * sandbox lacks a call.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {RangeError} If the system has no room.
 */
export function openLinux(options: LinuxOptions = {}): RioBackend {
  const library = options.library ?? acquireLibrary();
  const release = options.library ? () => {} : releaseLibrary;
  try {
    // Before the poll: without room there is no descriptor to close.
    const scratch = new Scratch();
    const poll = new Poll(library, release);
    const sockets = new LinuxSockets(library, poll);
    const rings = new LinuxRings(sockets, {
      library,
      scratch,
      poll,
      arena: new Arena(),
      registrations: new HandleTable(),
      blocked: new Set(),
    });
    return new LinuxBackend(rings, sockets, poll);
  } catch (error) {
    release();
    throw error;
  }
}

class LinuxBackend implements RioBackend {
  readonly name = "linux";
  readonly capabilities = { reusePort: true, brokenPipe: true };
  readonly rings: LinuxRings;
  readonly sockets: LinuxSockets;
  readonly waits: Poll;

  constructor(rings: LinuxRings, sockets: LinuxSockets, poll: Poll) {
    this.rings = rings;
    this.sockets = sockets;
    this.waits = poll;
  }

  close(_keepNative: boolean): void {
    this.sockets.closeAll();
    this.rings.closeAll();
    this.waits.close();
  }
}
