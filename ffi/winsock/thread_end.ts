/**
 * Sockets that end with the thread that opened them, also where none of our
 * code runs any more: a worker is terminated, or ends with an error.
 *
 * A thread of the system waits for the end of the worker's, and calls
 * `closesocket` with each socket. The main thread ends with the process, or
 * begins anew with another program (`--watch`): then the event `unload` is told.
 *
 * Source: `RegisterWaitForSingleObject`, `UnregisterWait`, `OpenThread` and
 * `GetModuleHandleExW` in the Microsoft reference.
 *
 * @module
 */
import { INFINITE } from "../constants.ts";
import { IN_WORKER } from "../memory.ts";
import { atUnload } from "../unload.ts";

const KERNEL32 = {
  // DWORD GetCurrentThreadId(void)
  GetCurrentThreadId: { parameters: [], result: "u32" },
  // HANDLE OpenThread(DWORD dwDesiredAccess, BOOL bInheritHandle,
  //   DWORD dwThreadId)
  OpenThread: { parameters: ["u32", "i32", "u32"], result: "usize" },
  // BOOL RegisterWaitForSingleObject(PHANDLE phNewWaitObject, HANDLE hObject,
  //   WAITORTIMERCALLBACK Callback, PVOID Context, ULONG dwMilliseconds,
  //   ULONG dwFlags)
  RegisterWaitForSingleObject: {
    parameters: ["buffer", "usize", "pointer", "usize", "u32", "u32"],
    result: "i32",
  },
  // BOOL GetModuleHandleExW(DWORD dwFlags, LPCWSTR lpModuleName,
  //   HMODULE *phModule)
  GetModuleHandleExW: {
    parameters: ["u32", "pointer", "buffer"],
    result: "i32",
  },
  // BOOL UnregisterWait(HANDLE WaitHandle)
  UnregisterWait: { parameters: ["usize"], result: "i32" },
} as const;

const WS2_32 = {
  // int closesocket(SOCKET s)
  // Its address: the system calls it.
  closesocket: { type: "pointer" },
} as const;

const SYNCHRONIZE = 0x00100000;
const WT_EXECUTEONLYONCE = 8;
/** The module of an address stays loaded until the process ends. */
const GET_MODULE_HANDLE_EX_FLAG_PIN_FROM_ADDRESS = 5;

/** The end of a thread, for which the system waits. */
interface ThreadEnd {
  /** Has a socket closed then; returns what ends that, or 0. */
  watch(socket: bigint): bigint;
  /** Does not. */
  unwatch(wait: bigint): void;
}

/** By the functions that sockets are opened with; none in the main thread. */
const ends: WeakMap<object, ThreadEnd> = new WeakMap();

/**
 * Has sockets closed at the end of a worker.
 *
 * @param symbols What they are opened with.
 * @param library The DLL that this comes from.
 */
export function awaitThreadEnd(symbols: object, library: string): void {
  const end = IN_WORKER ? openThreadEnd(library) : null;
  if (end !== null) ends.set(symbols, end);
}

function openThreadEnd(library: string): ThreadEnd | null {
  try {
    const { symbols } = Deno.dlopen("kernel32.dll", KERNEL32);
    const { closesocket } = Deno.dlopen(library, WS2_32).symbols;
    const id = symbols.GetCurrentThreadId();
    const thread = symbols.OpenThread(SYNCHRONIZE, 0, id);
    const made = new BigUint64Array(1);
    const bytes = new Uint8Array(made.buffer);
    // It is called when Deno has closed the library.
    const pinned = symbols.GetModuleHandleExW(
      GET_MODULE_HANDLE_EX_FLAG_PIN_FROM_ADDRESS,
      closesocket,
      bytes,
    );
    if (thread === 0n || pinned === 0) return null;
    return {
      watch(socket) {
        const registered = symbols.RegisterWaitForSingleObject(
          bytes,
          thread,
          closesocket,
          socket,
          INFINITE,
          WT_EXECUTEONLYONCE,
        );
        return registered === 0 ? 0n : made[0]!;
      },
      unwatch(wait) {
        symbols.UnregisterWait(wait);
      },
    };
  } catch {
    // Its sockets stay until the process ends.
    return null;
  }
}

/** A socket that is open. */
interface Held {
  /** What it was opened with. */
  readonly symbols: object;
  /** What waits for the end of the thread; 0 for nothing. */
  readonly wait: bigint;
  /** Closes it at `unload`. */
  readonly unload: () => void;
}

/** What is open, by socket. */
const held: Map<bigint, Held> = new Map();
let listens = false;

/**
 * Takes note of a socket that was opened.
 *
 * @param symbols What it was opened with.
 * @param unload Closes it at `unload`.
 */
export function hold(
  symbols: object,
  socket: bigint,
  unload: () => void,
): void {
  if (!IN_WORKER && !listens) {
    atUnload(unloadAll);
    listens = true;
  }
  const wait = ends.get(symbols)?.watch(socket) ?? 0n;
  held.set(socket, { symbols, wait, unload });
}

/**
 * Leaves a socket to who is about to close it.
 *
 * @returns Whether it is open: at `unload` it was closed.
 */
export function forget(socket: bigint): boolean {
  const known = held.get(socket);
  if (known === undefined) return false;
  held.delete(socket);
  if (known.wait !== 0n) ends.get(known.symbols)!.unwatch(known.wait);
  return true;
}

function unloadAll(): void {
  for (const [socket, { unload }] of [...held]) {
    held.delete(socket);
    unload();
  }
}
