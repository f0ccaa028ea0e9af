/**
 * The raw layer for experts: the contract that a session speaks, its backends,
 * the numbers and layouts, and the helper that resolves the RIO functions.
 *
 * Nothing here guards lifetimes: whoever registers memory keeps it reachable
 * until it is deregistered, and deregisters it only after the last completion
 * was dequeued. {@linkcode openSession} puts a session over any backend.
 *
 * @example Register memory by hand
 * ```ts
 * import { allocate, checkHandle, openBackend } from "@winsock/rio/ffi";
 *
 * const backend = openBackend();
 * const memory = allocate(4096);
 * const id = checkHandle(
 *   backend.registerBuffer(memory),
 *   "RIORegisterBuffer",
 *   "register 4096 bytes",
 * );
 * backend.deregisterBuffer(id);
 * backend.close(false);
 * ```
 *
 * @module
 */
export * from "./constants.ts";
export * from "./contract.ts";
export * from "./error_names.ts";
export * from "./error_numbers.ts";
export * from "./errors.ts";
export * from "./layout.ts";
export * from "./memory.ts";
export { openBackend, type RioSessionOptions } from "./open.ts";
export { openSession, RioSession } from "./session/session.ts";
export type { CallOptions } from "./winsock/backend.ts";
export {
  createWinsockBackend,
  openWinsock,
  type WinsockOptions,
} from "./winsock/open.ts";
export {
  type DispCallFunc,
  KERNEL32,
  type LibraryOptions,
  OLEAUT32,
  openLibrary,
  type WinsockSymbols,
  WS2_32,
} from "./winsock/library.ts";
export { resolveRioTable, type RioTable } from "./winsock/table.ts";
