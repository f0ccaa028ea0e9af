/**
 * Descriptors that are opened once more.
 *
 * @module
 */
import type { LinuxLibrary } from "./library.ts";
import { F_DUPFD_CLOEXEC } from "./numbers.ts";

/**
 * Opening takes the lowest number that is free: one from here on is not soon
 * another's when somebody closes it who should not.
 */
const HIGH = 512;

/**
 * Opens a descriptor once more, and not for child processes.
 *
 * @returns The new one, or -1.
 */
export function duplicate({ symbols }: LinuxLibrary, fd: number): number {
  const high = symbols.fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
  return high >= 0 ? high : symbols.fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
