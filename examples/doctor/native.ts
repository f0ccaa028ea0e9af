/**
 * The few native functions of Windows that only a doctor needs: plain socket
 * calls next to Registered I/O, and the module that an address is in.
 *
 * @module
 */
import {
  AF_INET,
  INVALID_SOCKET,
  openLibrary,
  resolveRioTable,
  type RioHandle,
  WINSOCK_VERSION,
  type WinsockSymbols,
  WSA_FLAG_OVERLAPPED,
  WSADATA_SIZE,
} from "../../ffi/mod.ts";
import type { Setting } from "./experiment.ts";

/** Plain calls on sockets. */
const SOCKETS = {
  // SOCKET accept(SOCKET s, sockaddr *addr, int *addrlen)
  accept: { parameters: ["usize", "usize", "usize"], result: "usize" },
  // int send(SOCKET s, const char *buf, int len, int flags)
  send: { parameters: ["usize", "buffer", "i32", "i32"], result: "i32" },
  // int recv(SOCKET s, char *buf, int len, int flags)
  recv: { parameters: ["usize", "buffer", "i32", "i32"], result: "i32" },
  // int WSAEventSelect(SOCKET s, WSAEVENT hEventObject, long lNetworkEvents)
  WSAEventSelect: { parameters: ["usize", "usize", "i32"], result: "i32" },
} as const;

const MODULES = {
  // BOOL GetModuleHandleExW(DWORD dwFlags, LPCWSTR lpModuleName,
  //   HMODULE *phModule)
  GetModuleHandleExW: { parameters: ["u32", "usize", "buffer"], result: "i32" },
  // DWORD GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize)
  GetModuleFileNameW: { parameters: ["usize", "buffer", "u32"], result: "u32" },
} as const;

// RIO_RQ RIOCreateRequestQueue(SOCKET Socket, ULONG MaxOutstandingReceive,
//   ULONG MaxReceiveDataBuffers, ULONG MaxOutstandingSend,
//   ULONG MaxSendDataBuffers, RIO_CQ ReceiveCQ, RIO_CQ SendCQ,
//   PVOID SocketContext)
const CREATE_REQUEST_QUEUE = {
  parameters: ["u64", "u32", "u32", "u32", "u32", "u64", "u64", "u64"],
  result: "u64",
} as const;

/** By address, and without a reference of our own. */
const FROM_ADDRESS = 0x4 | 0x2;

type Sockets = Deno.StaticForeignLibraryInterface<typeof SOCKETS>;
type Modules = Deno.StaticForeignLibraryInterface<typeof MODULES>;

/** Winsock without Registered I/O, from `WSAStartup` to `WSACleanup`. */
export class Winsock implements Disposable {
  /** What the package calls. */
  readonly symbols: WinsockSymbols;
  /** What the doctor calls beyond that. */
  readonly sockets: Sockets;
  #modules: Modules;

  constructor({ library }: Setting) {
    this.symbols = openLibrary(library === undefined ? {} : { library });
    // Loaded already, so the bare name cannot mean another file.
    const winsock = Deno.dlopen(library ?? "ws2_32.dll", SOCKETS);
    this.sockets = winsock.symbols;
    this.#modules = Deno.dlopen("kernel32.dll", MODULES).symbols;
    const error = this.symbols.WSAStartup(
      WINSOCK_VERSION,
      new Uint8Array(WSADATA_SIZE),
    );
    if (error !== 0) throw new Error(`Cannot start Winsock: error ${error}`);
  }

  /** Opens a plain socket, without the flag for Registered I/O. */
  open(type: number, protocol: number): RioHandle {
    const socket = this.symbols.WSASocketW(
      AF_INET,
      type,
      protocol,
      0n,
      0,
      WSA_FLAG_OVERLAPPED,
    );
    return socket === INVALID_SOCKET ? -this.error() : Number(socket);
  }

  /** Closes a socket that the backend does not know. */
  close(socket: RioHandle): void {
    this.symbols.closesocket(BigInt(socket));
  }

  /**
   * Calls `RIOCreateRequestQueue` by its address; 0 or an error number.
   *
   * @param buffers Slices in a receive and in a send.
   */
  tryRequestQueue(
    socket: RioHandle,
    queue: RioHandle,
    buffers: number,
  ): number {
    const table = resolveRioTable(socket, this.symbols);
    const create = new Deno.UnsafeFnPointer(
      Deno.UnsafePointer.create(table.RIOCreateRequestQueue)!,
      CREATE_REQUEST_QUEUE,
    );
    const [at, to] = [BigInt(socket), BigInt(queue)];
    const made = create.call(at, 1, buffers, 1, buffers, to, to, 0n);
    return made === 0n ? this.error() : 0;
  }

  /** The reason of the call just before. */
  error(): number {
    return this.symbols.WSAGetLastError();
  }

  /** The error of a call that returns 0, or -1 when it fails. */
  errorOf(result: number): number {
    return result < 0 ? this.error() : 0;
  }

  /** The file name of the module that an address is in. */
  moduleOf(address: bigint): string | null {
    const handle = new BigUint64Array(1);
    const { GetModuleHandleExW, GetModuleFileNameW } = this.#modules;
    if (GetModuleHandleExW(FROM_ADDRESS, address, handle) === 0) return null;
    const path = new Uint16Array(1024);
    const length = GetModuleFileNameW(handle[0]!, path, path.length);
    return String.fromCharCode(...path.subarray(0, length));
  }

  [Symbol.dispose](): void {
    this.symbols.WSACleanup();
  }
}
