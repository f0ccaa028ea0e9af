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
import type { RingSystem } from "./ring.ts";
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
    return assemble({
      library,
      scratch,
      poll,
      arena: new Arena(),
      registrations: new HandleTable(),
      blocked: new Set(),
    });
  } catch (error) {
    release();
    throw error;
  }
}

function assemble(system: RingSystem): RioBackend {
  const { library, poll } = system;
  const sockets = new LinuxSockets(library, poll);
  const rings = new LinuxRings(sockets, system);
  let closed = false;
  return {
    name: "linux",
    capabilities: { reusePort: true, brokenPipe: true },
    rings,
    sockets,
    waits: poll,
    close(): void {
      if (closed) return;
      closed = true;
      sockets.closeAll();
      rings.closeAll();
      poll.close();
    },
  };
}
