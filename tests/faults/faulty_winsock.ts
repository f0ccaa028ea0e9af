/**
 * Native functions of Windows that fail on request, around those of any system:
 * a fake one, or a real one.
 *
 * @module
 */
import {
  INVALID_SOCKET,
  RIO_CORRUPT_CQ,
  RIO_FUNCTIONS,
  RIO_INVALID_BUFFERID,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
  WSAID_ACCEPTEX,
} from "../../ffi/constants.ts";
import {
  guidBytes,
  RIO_EXTENSION_FUNCTION_TABLE,
  VARIANT,
} from "../../ffi/layout.ts";
import type { WinsockSymbols } from "../../ffi/winsock/library.ts";
import { bytesAt } from "../fake/memory.ts";
import type { Way } from "./faults.ts";
import { Injection } from "./injection.ts";

type Native = (...values: unknown[]) => unknown;

/** What a function answers when it fails; the others answer -1. */
const FAILURES: Readonly<Record<string, (errno: number) => unknown>> = {
  WSAStartup: (errno) => errno,
  WSASocketW: () => INVALID_SOCKET,
  WSAGetOverlappedResult: () => 0,
  GetModuleHandleW: () => 0n,
  GetProcAddress: () => 0n,
  VerSetConditionMask: () => 0n,
  CloseHandle: () => 0,
  CreateEventW: () => 0n,
  SetEvent: () => 0,
  ResetEvent: () => 0,
  WaitForSingleObject: () => 0xFFFFFFFF,
  WaitForMultipleObjects: () => Promise.resolve(0xFFFFFFFF),
  CreateIoCompletionPort: () => 0n,
  PostQueuedCompletionStatus: () => 0,
  GetQueuedCompletionStatusEx: () => Promise.resolve(0),
  DrainQueuedCompletionStatusEx: () => 0,
  DispCallFunc: () => 0x80070057 | 0,
};

/** The same for functions that exist only as pointers; the others answer 0. */
const POINTER_FAILURES: Readonly<Record<string, (errno: number) => number>> = {
  RIORegisterBuffer: () => RIO_INVALID_BUFFERID,
  RIODequeueCompletion: () => RIO_CORRUPT_CQ,
  RIONotify: (errno) => errno,
};

/** Which argument of a function says how much is asked for. */
const AMOUNTS: Readonly<Record<string, number>> = {
  RIODequeueCompletion: 2,
  GetQueuedCompletionStatusEx: 2,
  DrainQueuedCompletionStatusEx: 2,
};

/** What answers of a failed call are not about: they ask and release nothing. */
const UNCOUNTED: ReadonlySet<string> = new Set([
  "GetSystemDirectoryW",
  "WSAGetLastError",
]);

/** The native functions of one system, counted, and failing on request. */
export class FaultyWinsock {
  /** What the Winsock backend is opened on. */
  readonly symbols: WinsockSymbols;
  /** Which calls fail. */
  readonly injection: Injection = new Injection();
  /** Events and ports that were made and not closed. */
  readonly handles: Set<unknown> = new Set();

  readonly #pointers: Map<bigint, string> = new Map();
  /** What an injected failure left for `WSAGetLastError`. */
  #lastError: number | null = null;

  /** Wraps the functions of a system. */
  constructor(symbols: WinsockSymbols) {
    const wrapped: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(symbols)) {
      const native = call as Native | null;
      wrapped[name] = native === null || UNCOUNTED.has(name)
        ? native
        : (...values: unknown[]) => this.#call(name, native, values);
    }
    const { WSAGetLastError, DispCallFunc } = symbols;
    wrapped.WSAGetLastError = () => this.#lastError ?? WSAGetLastError();
    if (DispCallFunc !== null) {
      wrapped.DispCallFunc = (...frame: Parameters<typeof DispCallFunc>) =>
        this.#call(
          "DispCallFunc",
          () => this.#callPointer(DispCallFunc, frame),
          frame,
        );
    }
    this.symbols = wrapped as unknown as WinsockSymbols;
  }

  #call(name: string, native: Native, values: readonly unknown[]): unknown {
    const way = this.#count(name);
    const amount = AMOUNTS[name];
    if (way?.short && amount !== undefined) {
      return native(...values.with(amount, 1));
    }
    if (way === undefined || way.accept) {
      const answer = native(...values);
      this.#account(name, values, answer);
      if (way === undefined) return answer;
    }
    // What it refuses, the backend calls in another way, which is not seen here.
    this.#lastError = name === "DispCallFunc" ? null : way.errno;
    return (FAILURES[name] ?? (() => -1))(way.errno);
  }

  /** Calls a function that exists only as a pointer, by the frame of the call. */
  #callPointer(
    call: NonNullable<WinsockSymbols["DispCallFunc"]>,
    frame: Parameters<NonNullable<WinsockSymbols["DispCallFunc"]>>,
  ): number {
    const [, address, , , , , pointers, result] = frame;
    const name = this.#pointers.get(BigInt(address)) ?? "unknown";
    const way = this.#count(name);
    const amount = AMOUNTS[name];
    if (way?.short && amount !== undefined) {
      const variants = viewAt(pointers, 8 * (amount + 1));
      const variant = variants.getBigUint64(8 * amount, true);
      viewAt(variant, VARIANT.size).setUint32(VARIANT.value, 1, true);
    }
    if (way === undefined || way.accept || way.short) {
      const answer = call(...frame);
      if (way === undefined || way.short) return answer;
    }
    const failure = way.answer ??
      (POINTER_FAILURES[name] ?? (() => 0))(way.errno);
    viewAt(result, VARIANT.size)
      .setBigUint64(VARIANT.value, BigInt(failure), true);
    this.#lastError = way.errno;
    return 0;
  }

  /** Counts a call, and tells how it is to fail, if it is. */
  #count(name: string): Way | undefined {
    this.#lastError = null;
    return this.injection.count(name);
  }

  #account(name: string, values: readonly unknown[], answer: unknown): void {
    if (name === "CreateEventW" && answer !== 0n) this.handles.add(answer);
    if (
      name === "CreateIoCompletionPort" && values[0] === INVALID_SOCKET &&
      answer !== 0n
    ) this.handles.add(answer);
    if (name === "CloseHandle" && answer !== 0) this.handles.delete(values[0]);
    if (name === "WSAIoctl" && answer === 0) this.#learn(values);
  }

  /** Learns which function is behind which pointer. */
  #learn([, code, guid, , output]: readonly unknown[]): void {
    if (code === SIO_GET_EXTENSION_FUNCTION_POINTER) {
      const [address] = output as BigUint64Array;
      const isAccept = `${guid}` === `${guidBytes(WSAID_ACCEPTEX)}`;
      this.#pointers.set(address!, isAccept ? "AcceptEx" : "ConnectEx");
    }
    if (code !== SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER) return;
    const table = new DataView((output as Uint8Array).buffer);
    RIO_FUNCTIONS.forEach((name, i) => {
      const at = RIO_EXTENSION_FUNCTION_TABLE.functions + 8 * i;
      this.#pointers.set(table.getBigUint64(at, true), name);
    });
  }
}

function viewAt(address: number | bigint, byteLength: number): DataView {
  return new DataView(bytesAt(BigInt(address), byteLength).buffer);
}
