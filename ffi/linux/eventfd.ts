/**
 * Eventfds: a signal makes one readable, and ends a sleep on it.
 *
 * @module
 */
import { hold } from "./descriptors.ts";
import { unavailable } from "./epoll.ts";
import type { LinuxLibrary } from "./library.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK, F_DUPFD_CLOEXEC } from "./numbers.ts";

/** What an eventfd counts, in bytes. */
export const COUNTER = 8;
/** What is added to it: 1, as 64 bits. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/**
 * Opening takes the lowest number that is free: one from here on is not soon
 * another's when somebody closes it who should not.
 */
const HIGH = 512;

/**
 * Opens an eventfd.
 *
 * @param signals How often it is signalled from the start.
 * @throws {Deno.errors.NotSupported} If the kernel or a sandbox lacks it.
 */
export function openEventfd(library: LinuxLibrary, signals = 0): number {
  const flags = EFD_CLOEXEC | EFD_NONBLOCK;
  const fd = library.symbols.eventfd(signals, flags);
  if (fd < 0) throw unavailable("eventfd", library);
  return hold(library, fd);
}

/** Signals an eventfd; returns whether it could. */
export function signal({ symbols }: LinuxLibrary, fd: number): boolean {
  return symbols.write(fd, ONE, BigInt(COUNTER)) === COUNTER;
}

/**
 * Opens an eventfd once more, and not for child processes.
 *
 * @returns The new descriptor, or -1.
 */
export function duplicate({ symbols }: LinuxLibrary, fd: number): number {
  const high = symbols.fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
  return high >= 0 ? high : symbols.fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
