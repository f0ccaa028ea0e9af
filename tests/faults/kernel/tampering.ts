/**
 * Has the kernel itself refuse system calls of this process: `strace` does that,
 * for the thread that the package makes them on.
 *
 * Source: strace(1), "Tampering".
 *
 * @module
 */
import { Strace } from "../../strace.ts";

/** What happens to a system call. */
export interface Tampering {
  /** The names of the call; the C library chooses. */
  readonly calls: readonly string[];
  /** What happens, as strace has it: `error=EINTR`, `retval=1`, `delay_enter=9`. */
  readonly how: string;
  /** To which occurrence: `1`, or `1+` for all. */
  readonly when: string;
}

/**
 * Begins.
 *
 * @throws {NoStraceError} If there is no strace, or it is not permitted.
 */
export function tamper({ calls, how, when }: Tampering): Promise<Strace> {
  const names = calls.map((name) => `?${name}`).join();
  const inject = `inject=${names}:${how}:when=${when}`;
  return Strace.attach(Deno.pid, ["-e", `trace=${names}`, "-e", inject]);
}

/** How many calls were tampered with, by what strace wrote. */
export function tamperedWith(log: string): number {
  return log.split(/ \(INJECTED|\(DELAYED\)/).length - 1;
}
