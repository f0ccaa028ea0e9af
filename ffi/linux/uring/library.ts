/**
 * The system calls of io_uring, opened at first use: programs that move only
 * datagrams never need them.
 *
 * @module
 */
import { openLibc } from "../../libc.ts";

const SYMBOLS = {
  // int syscall(SYS_io_uring_setup, unsigned int entries, struct io_uring_params *params)
  io_uring_setup: {
    name: "syscall",
    parameters: ["i64", "u32", "buffer"],
    result: "i32",
  },
  // int syscall(SYS_io_uring_enter, unsigned int fd, unsigned int submit,
  //   unsigned int complete, unsigned int flags, const void *argument, size_t size)
  io_uring_enter: {
    name: "syscall",
    parameters: ["i64", "i32", "u32", "u32", "u32", "usize", "usize"],
    result: "i32",
  },
  // int syscall(SYS_io_uring_register, unsigned int fd, unsigned int operation,
  //   const void *argument, unsigned int count)
  io_uring_register: {
    name: "syscall",
    parameters: ["i64", "i32", "u32", "buffer", "u32"],
    result: "i32",
  },
  // void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "usize",
  },
  // int munmap(void *address, size_t length)
  munmap: { parameters: ["usize", "usize"], result: "i32" },
} as const;

/** The functions of io_uring. */
export type UringSymbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The functions, closed when they are disposed. */
export interface UringLibrary extends Disposable {
  readonly symbols: UringSymbols;
}

/**
 * Opens the functions.
 *
 * @throws {Deno.errors.NotSupported} If there is no C library.
 */
export function openUringLibrary(): UringLibrary {
  const opened = openLibc(SYMBOLS);
  const { symbols } = opened;
  return { symbols, [Symbol.dispose]: () => opened.close() };
}
