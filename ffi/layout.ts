/**
 * Sizes and offsets of the native structures, in bytes, and the reader of
 * completion results.
 *
 * All structures are those of 64-bit Windows (x64 and ARM64 agree), little
 * endian. Source: the Windows SDK headers `mswsock.h`, `mswsockdef.h`,
 * `ws2def.h`, `ws2ipdef.h`, `minwinbase.h` and `oaidl.h`.
 *
 * @module
 */
import { allocate, type RioMemory } from "./memory.ts";

/** `RIO_BUF`: a slice of a registered buffer. */
export const RIO_BUF = {
  size: 16,
  bufferId: 0,
  offset: 8,
  length: 12,
} as const;

/** `RIORESULT`: one completion. */
export const RIORESULT = {
  size: 24,
  status: 0,
  bytesTransferred: 4,
  socketContext: 8,
  requestContext: 16,
} as const;

/** `RIO_NOTIFICATION_COMPLETION`: how a completion queue notifies. */
export const RIO_NOTIFICATION_COMPLETION = {
  size: 32,
  type: 0,
  eventHandle: 8,
  notifyReset: 16,
  iocpHandle: 8,
  completionKey: 16,
  overlapped: 24,
} as const;

/** `RIO_EXTENSION_FUNCTION_TABLE`: a size, then 13 function pointers. */
export const RIO_EXTENSION_FUNCTION_TABLE = {
  size: 112,
  cbSize: 0,
  functions: 8,
} as const;

/** `SOCKADDR_INET`: an IPv4 or IPv6 socket address. */
export const SOCKADDR_INET = {
  size: 28,
  family: 0,
  port: 2,
  ipv4Address: 4,
  ipv6FlowInfo: 4,
  ipv6Address: 8,
  ipv6ScopeId: 24,
} as const;

/** `SOCKADDR_IN`: bytes of an IPv4 socket address. */
export const SOCKADDR_IN_SIZE = 16;

/** `WSACMSGHDR`: the header of one control message. */
export const WSACMSGHDR = { size: 16, length: 0, level: 8, type: 12 } as const;

/** `IN_PKTINFO`: where an IPv4 datagram arrived. */
export const IN_PKTINFO = { size: 8, address: 0, interfaceIndex: 4 } as const;

/** `IN6_PKTINFO`: where an IPv6 datagram arrived. */
export const IN6_PKTINFO = {
  size: 20,
  address: 0,
  interfaceIndex: 16,
} as const;

/** `GROUP_SOURCE_REQ`: the index of an interface, a group and a source. */
export const GROUP_SOURCE_REQ = {
  size: 264,
  interface: 0,
  group: 8,
  source: 136,
} as const;
/** `WSADATA`: what `WSAStartup` fills. */
export const WSADATA_SIZE = 408;

/** `OVERLAPPED`: the state of one overlapped call. */
export const OVERLAPPED = {
  size: 32,
  internal: 0,
  internalHigh: 8,
  event: 24,
} as const;

/** `OVERLAPPED_ENTRY`: one packet of an I/O completion port. */
export const OVERLAPPED_ENTRY = {
  size: 32,
  completionKey: 0,
  overlapped: 8,
  internal: 16,
  bytesTransferred: 24,
} as const;

/** `WSAPROTOCOL_INFOW`: a protocol and the provider behind it. */
export const WSAPROTOCOL_INFOW = {
  size: 628,
  serviceFlags1: 0,
  providerId: 20,
  addressFamily: 76,
  socketType: 88,
  protocol: 92,
  name: 116,
} as const;

/** `VARIANT`: one argument of `DispCallFunc`. */
export const VARIANT = { size: 24, type: 0, value: 8 } as const;

/** `LINGER`: the value of `SO_LINGER`. */
export const LINGER = { size: 4, onOff: 0, seconds: 2 } as const;

/** Rounds a byte count up to the alignment of control messages. */
export function alignControl(byteLength: number): number {
  return (byteLength + 7) & ~7;
}

/**
 * Turns the text of a GUID into its 16 bytes.
 *
 * @param text Five groups of hexadecimal digits with hyphens.
 * @returns The bytes as native code stores them.
 */
export function guidBytes(text: string): Uint8Array<ArrayBuffer> {
  const pairs = text.replaceAll("-", "").match(/../g)!;
  const bytes = Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
  // The first three groups are numbers, stored in little-endian order.
  for (const [from, to] of [[0, 4], [4, 6], [6, 8]]) {
    bytes.subarray(from, to).reverse();
  }
  return bytes;
}

/**
 * An array of `RIORESULT` that one `RIODequeueCompletion` fills.
 *
 * Request contexts have 64 bits natively. This package only gives whole Numbers
 * below 2^53, which a Number holds exactly.
 *
 * @example Write and read a result, as a backend does
 * ```ts
 * import { RioResults } from "@winsock/rio/ffi";
 *
 * const results = new RioResults(64);
 * results.set(0, 0, 1500, 7);
 * console.log(results.status(0), results.bytesTransferred(0)); // 0 1500
 * console.log(results.requestContext(0)); // 7
 * ```
 */
export class RioResults {
  /** How many results fit. */
  readonly capacity: number;
  /** The native array. */
  readonly memory: RioMemory;
  /** The native array as 32-bit words, six to a result. */
  readonly words: Int32Array;

  /**
   * Makes room for results.
   *
   * @param capacity How many results one call can fetch.
   */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.memory = allocate(capacity * RIORESULT.size);
    this.words = new Int32Array(this.memory.bytes.buffer, 0, capacity * 6);
  }

  /** The status of result `i`: 0, or an error number. */
  status(i: number): number {
    return this.words[i * 6]!;
  }

  /** The bytes transferred of result `i`. */
  bytesTransferred(i: number): number {
    return this.words[i * 6 + 1]! >>> 0;
  }

  /** The request context of result `i`. */
  requestContext(i: number): number {
    return joinWords(this.words[i * 6 + 4]!, this.words[i * 6 + 5]!);
  }

  /** Writes result `i`, as a backend without a native queue does. */
  set(
    i: number,
    status: number,
    bytesTransferred: number,
    requestContext: number,
  ): void {
    const words = this.words;
    const at = i * 6;
    words[at] = status;
    words[at + 1] = bytesTransferred;
    words[at + 4] = requestContext;
    words[at + 5] = highWord(requestContext);
  }
}

/** The whole Number made of two 32-bit words. */
export function joinWords(low: number, high: number): number {
  return high === 0 ? low >>> 0 : (high >>> 0) * 0x100000000 + (low >>> 0);
}

/** The upper 32 bits of a whole Number; its lower 32 are `value >>> 0`. */
export function highWord(value: number): number {
  return value <= 0xFFFFFFFF ? 0 : Math.floor(value / 0x100000000);
}
