/**
 * A worker that holds two descriptors over a C library of which one function
 * does not what it should, and tells what was called.
 *
 * @module
 */
import { hold, release } from "../../ffi/linux/descriptors.ts";
import type { LinuxLibrary } from "../../ffi/linux/library.ts";
import { answerWith } from "../unit/ask_worker.ts";
import { openWith } from "../unit/stand_ins.ts";

/** What a function gives instead. */
const WRONG: Readonly<Record<string, unknown>> = {
  calloc: null,
  dirfd: 5,
  __cxa_thread_atexit_impl: 1,
};

answerWith((fails: string) => {
  const calls: string[] = [];
  using _libraries = openWith((path, real) => {
    if (fails === "") throw new Error("no such library");
    const { symbols } = real(path);
    const fake: Record<string, unknown> = { closedir: symbols.closedir };
    for (const name of ["calloc", "dirfd", "__cxa_thread_atexit_impl"]) {
      const call = symbols[name] as (...values: unknown[]) => unknown;
      fake[name] = (...values: unknown[]) => {
        calls.push(name);
        return name === fails ? WRONG[name] : call(...values);
      };
    }
    return { symbols: fake };
  });
  const closed: number[] = [];
  const close = (fd: number) => {
    closed.push(fd);
    return 0;
  };
  const library = { symbols: { close } } as unknown as LinuxLibrary;
  const held = [hold(library, 1001), hold(library, 1002)];
  const released = [release(library, 1001), release(library, 1001)];
  return { calls, held, released, closed };
});
