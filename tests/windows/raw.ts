/**
 * Winsock and RIO of the provider with nothing in between: plain symbols and plain function
 * pointers, so that its own test depends on no code of the package.
 */

const winsock = {
  WSAStartup: { parameters: ["u16", "buffer"], result: "i32" },
  WSACleanup: { parameters: [], result: "i32" },
  WSAGetLastError: { parameters: [], result: "i32" },
  WSASocketW: {
    parameters: ["i32", "i32", "i32", "pointer", "u32", "u32"],
    result: "usize",
  },
  closesocket: { parameters: ["usize"], result: "i32" },
  bind: { parameters: ["usize", "buffer", "i32"], result: "i32" },
  connect: { parameters: ["usize", "buffer", "i32"], result: "i32" },
  listen: { parameters: ["usize", "i32"], result: "i32" },
  accept: { parameters: ["usize", "pointer", "pointer"], result: "usize" },
  shutdown: { parameters: ["usize", "i32"], result: "i32" },
  getsockname: { parameters: ["usize", "buffer", "buffer"], result: "i32" },
  setsockopt: {
    parameters: ["usize", "i32", "i32", "buffer", "i32"],
    result: "i32",
  },
  ioctlsocket: { parameters: ["usize", "i32", "buffer"], result: "i32" },
  WSAIoctl: {
    parameters: [
      "usize",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "pointer",
      "pointer",
    ],
    result: "i32",
  },
} as const;

const kernel = {
  CreateEventW: {
    parameters: ["pointer", "i32", "i32", "pointer"],
    result: "usize",
  },
  WaitForSingleObject: { parameters: ["usize", "u32"], result: "u32" },
  CreateIoCompletionPort: {
    parameters: ["isize", "usize", "usize", "u32"],
    result: "usize",
  },
  GetQueuedCompletionStatus: {
    parameters: ["usize", "buffer", "buffer", "buffer", "u32"],
    result: "i32",
  },
  CloseHandle: { parameters: ["usize"], result: "i32" },
  VirtualAlloc: {
    parameters: ["usize", "usize", "u32", "u32"],
    result: "usize",
  },
  VirtualFree: { parameters: ["usize", "usize", "u32"], result: "i32" },
} as const;

const request = ["usize", "usize", "u32", "u32", "usize"] as const;
const requestEx = [
  "usize",
  "usize",
  "u32",
  "usize",
  "usize",
  "usize",
  "usize",
  "u32",
  "usize",
] as const;

const PROTOTYPES = {
  RIOReceive: { parameters: request, result: "i32" },
  RIOReceiveEx: { parameters: requestEx, result: "i32" },
  RIOSend: { parameters: request, result: "i32" },
  RIOSendEx: { parameters: requestEx, result: "i32" },
  RIOCloseCompletionQueue: { parameters: ["usize"], result: "void" },
  RIOCreateCompletionQueue: { parameters: ["u32", "usize"], result: "usize" },
  RIOCreateRequestQueue: {
    parameters: [
      "usize",
      "u32",
      "u32",
      "u32",
      "u32",
      "usize",
      "usize",
      "usize",
    ],
    result: "usize",
  },
  RIODequeueCompletion: {
    parameters: ["usize", "usize", "u32"],
    result: "u32",
  },
  RIODeregisterBuffer: { parameters: ["usize"], result: "void" },
  RIONotify: { parameters: ["usize"], result: "i32" },
  RIORegisterBuffer: { parameters: ["usize", "u32"], result: "usize" },
  RIOResizeCompletionQueue: { parameters: ["usize", "u32"], result: "i32" },
  RIOResizeRequestQueue: { parameters: ["usize", "u32", "u32"], result: "i32" },
} as const;

/** Names of the 13, in the order of the table. */
export const NAMES = Object.keys(PROTOTYPES) as (keyof typeof PROTOTYPES)[];

/** `WSAID_MULTIPLE_RIO`, as it lies in memory. */
export const RIO_GUID = Uint8Array.fromHex("81e00985dd960540b1659e2ee8c79e3f");

/** Control code of the function table. */
export const GET_TABLE = 0xC8000024;

/** Flags of `WSASocketW` for a RIO socket. */
export const RIO_SOCKET = 0x101;

/** One of the 13 functions; wide numbers go in and come out as they are. */
export type Call = (...args: (number | bigint)[]) => number;

/** One `RIORESULT`. */
export interface Result {
  status: number;
  bytes: number;
  socketContext: bigint;
  context: bigint;
}

/** A socket address of 28 bytes. */
export interface Address {
  family: 2 | 23;
  port: number;
}

/** The calls and the memory of one test, with a WSAStartup reference. */
export class Raw implements Disposable {
  readonly #winsock: Deno.DynamicLibrary<typeof winsock>;
  readonly #kernel: Deno.DynamicLibrary<typeof kernel>;
  readonly #table = new Uint8Array(112);
  readonly #scratch: number;
  readonly #functions = new Map<string, Call>();
  readonly #pages: number[] = [];

  constructor(library: string) {
    this.#winsock = Deno.dlopen(library, winsock);
    this.#kernel = Deno.dlopen("kernel32.dll", kernel);
    this.ok(this.ws.WSAStartup(0x202, new Uint8Array(408)), "WSAStartup");
    const probe = this.ws.WSASocketW(2, 2, 17, null, 0, 0);
    this.ok(
      this.ws.WSAIoctl(
        probe,
        GET_TABLE,
        RIO_GUID,
        16,
        this.#table,
        112,
        new Uint8Array(4),
        null,
        null,
      ),
      "WSAIoctl",
    );
    this.ws.closesocket(probe);
    const view = new DataView(this.#table.buffer);
    NAMES.forEach((name, index) => {
      const at = view.getBigUint64(8 + 8 * index, true);
      const pointer = Deno.UnsafePointer.create<Deno.ForeignFunction>(at);
      if (pointer === null) throw new Error(`${name} is null`);
      const prototype: Deno.ForeignFunction = PROTOTYPES[name];
      const { parameters } = prototype;
      const fn = new Deno.UnsafeFnPointer<Deno.ForeignFunction>(
        pointer,
        prototype,
      );
      this.#functions.set(name, (...args) => {
        const wide = args.map((arg, i) =>
          parameters[i] === "usize" ? BigInt(arg) : Number(arg)
        );
        return Number(fn.call(...wide));
      });
    });
    this.#scratch = this.pages(65536);
  }

  /** Winsock's plain symbols. */
  get ws(): Deno.DynamicLibrary<typeof winsock>["symbols"] {
    return this.#winsock.symbols;
  }

  /** Symbols of the system. */
  get os(): Deno.DynamicLibrary<typeof kernel>["symbols"] {
    return this.#kernel.symbols;
  }

  /** One of the 13. */
  rio(name: keyof typeof PROTOTYPES, ...args: (number | bigint)[]): number {
    return this.#functions.get(name)!(...args);
  }

  /** Address of one of the 13. */
  address(name: keyof typeof PROTOTYPES): bigint {
    return new DataView(this.#table.buffer).getBigUint64(
      8 + 8 * NAMES.indexOf(name),
      true,
    );
  }

  /** Reserves memory that stays until it is freed or this is disposed. */
  pages(size: number): number {
    const at = Number(this.os.VirtualAlloc(0n, BigInt(size), 0x3000, 0x04));
    if (at === 0) throw new Error("VirtualAlloc failed");
    this.#pages.push(at);
    return at;
  }

  /** Gives memory back early. */
  free(at: number): void {
    this.os.VirtualFree(BigInt(at), 0n, 0x8000);
    this.#pages.splice(this.#pages.indexOf(at), 1);
  }

  /** Bytes at an address. */
  bytes(at: number, length: number): Uint8Array {
    const pointer = Deno.UnsafePointer.create(BigInt(at))!;
    return new Uint8Array(
      Deno.UnsafePointerView.getArrayBuffer(pointer, length),
    );
  }

  /** Writes a `RIO_BUF` to one of eight places that only last for a call, and returns its address. */
  buf(id: number, offset: number, length: number, place = 0): number {
    const at = this.#scratch + 16 * place;
    const view = new DataView(this.bytes(at, 16).buffer);
    view.setBigUint64(0, BigInt(id), true);
    view.setUint32(8, offset, true);
    view.setUint32(12, length, true);
    return at;
  }

  /** Creates a completion queue with an event, a port or neither. */
  queue(
    size: number,
    notify: { event?: bigint; reset?: boolean; port?: bigint } = {},
  ): number {
    const at = this.#scratch + 1024;
    const view = new DataView(this.bytes(at, 32).buffer);
    view.setUint32(0, notify.event ? 1 : 2, true);
    view.setBigUint64(8, notify.event ?? notify.port ?? 0n, true);
    view.setBigUint64(
      16,
      notify.event ? BigInt(notify.reset ?? true) : 77n,
      true,
    );
    view.setBigUint64(
      24,
      notify.port ? BigInt(this.#scratch + 2048) : 0n,
      true,
    );
    return this.rio(
      "RIOCreateCompletionQueue",
      size,
      notify.event || notify.port ? at : 0,
    );
  }

  /** Opens a RIO socket, by default bound to loopback. */
  socket(
    type: 1 | 2,
    options: { family?: 2 | 23; flags?: number; bound?: boolean } = {},
  ): bigint {
    const { family = 2, flags = RIO_SOCKET, bound = true } = options;
    const protocol = type === 1 ? 6 : 17;
    const socket = this.ws.WSASocketW(family, type, protocol, null, 0, flags);
    const address = loopback({ family, port: 0 });
    const length = family === 2 ? 16 : 28;
    if (bound) this.ok(this.ws.bind(socket, address, length), "bind");
    return socket;
  }

  /** The port a socket is bound to. */
  port(socket: bigint): number {
    const address = new Uint8Array(28);
    this.ok(
      this.ws.getsockname(socket, address, new Uint8Array([28, 0, 0, 0])),
      "getsockname",
    );
    return new DataView(address.buffer).getUint16(2);
  }

  /** Takes what is queued. */
  dequeue(cq: number, max = 64): Result[] {
    const at = this.#scratch + 4096;
    const count = this.rio("RIODequeueCompletion", cq, at, max);
    if (count === 0xFFFFFFFF) throw new Error("RIO_CORRUPT_CQ");
    const view = new DataView(this.bytes(at, 24 * max).buffer);
    return Array.from({ length: count }, (_, index) => ({
      status: view.getInt32(24 * index, true),
      bytes: view.getUint32(24 * index + 4, true),
      socketContext: view.getBigUint64(24 * index + 8, true),
      context: view.getBigUint64(24 * index + 16, true),
    }));
  }

  /** Takes completions until there are `count`. */
  async results(cq: number, count: number): Promise<Result[]> {
    const all: Result[] = [];
    for (let attempt = 0; all.length < count; attempt++) {
      if (attempt === 2000) {
        throw new Error(`only ${all.length} of ${count} completions came`);
      }
      all.push(...this.dequeue(cq));
      if (all.length < count) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
    return all;
  }

  /** Throws with the last error when a call failed. */
  ok(result: number, call: string): void {
    if (result !== 0) {
      throw new Error(`${call} failed with ${this.ws.WSAGetLastError()}`);
    }
  }

  [Symbol.dispose](): void {
    this.ws.WSACleanup();
    for (const at of this.#pages) this.os.VirtualFree(BigInt(at), 0n, 0x8000);
    this.#winsock.close();
    this.#kernel.close();
  }
}

/** Bytes of the loopback address with a port. */
export function loopback({ family, port }: Address): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  if (family === 2) view.setUint32(4, 0x7F000001);
  else view.setUint8(23, 1);
  return bytes;
}
