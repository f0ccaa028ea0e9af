/**
 * Socket options: Winsock's numbers and values as the kernel's.
 *
 * Source: `socket(7)`, `ip(7)`, `ipv6(7)`, `tcp(7)`, `udp(7)`, and the Windows
 * headers `ws2def.h` and `ws2ipdef.h`.
 *
 * @module
 */
import * as winsock from "../constants.ts";
import { LINGER } from "../layout.ts";
import { winsockError } from "./errno.ts";
import * as linux from "./numbers.ts";

/** The value has the same bytes on both sides. */
const SAME: Conversion = {
  toKernel: (value) => value.slice(),
  toWinsock: (value) => value,
};

/** A value in the form of the other side, or `null` for a malformed one. */
type Convert = (value: Uint8Array) => Uint8Array<ArrayBuffer> | null;

interface Conversion {
  readonly toKernel: Convert;
  readonly toWinsock: (value: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** An option of the kernel. */
export interface LinuxOption extends Conversion {
  readonly level: number;
  readonly name: number;
}

/** A whole number of up to 4 bytes, changed on the way. */
function integer(
  toKernel: (value: number) => number,
  toWinsock: (value: number) => number,
): Conversion {
  return {
    toKernel: (value) =>
      value.length === 0 ? null : fromInteger(toKernel(toInteger(value))),
    toWinsock: (value) => fromInteger(toWinsock(toInteger(value))),
  };
}

/** Whole numbers as they are; Winsock takes a single byte as well. */
const INTEGER = integer((value) => value, (value) => value);

/**
 * The kernel doubles a buffer size to make room for its bookkeeping, and tells
 * the double; Winsock tells what was set.
 */
const BUFFER_SIZE = integer((value) => value, (value) => value >> 1);

/** `LINGER` is two 16-bit numbers, `struct linger` two of 32 bits. */
const LINGER_VALUE: Conversion = {
  toKernel(value) {
    if (value.length < LINGER.size) return null;
    const view = new DataView(value.buffer, value.byteOffset, LINGER.size);
    return new Uint8Array(
      new Int32Array([
        view.getUint16(LINGER.onOff, true),
        view.getUint16(LINGER.seconds, true),
      ]).buffer,
    );
  },
  toWinsock(value) {
    const [onOff = 0, seconds = 0] = new Int32Array(value.buffer, 0, 2);
    return new Uint8Array(new Uint16Array([onOff, seconds]).buffer);
  },
};

/**
 * `ip_mreq`. Winsock takes an interface index in the form 0.x.x.x; the kernel
 * takes it in a third field.
 */
const MEMBERSHIP: Conversion = {
  toKernel(value) {
    if (value.length < 8) return null;
    const bytes = new Uint8Array(12);
    bytes.set(value.subarray(0, 8));
    if (bytes[4] === 0) {
      const view = new DataView(bytes.buffer);
      view.setInt32(8, view.getUint32(4), true);
      view.setUint32(4, 0);
    }
    return bytes;
  },
  toWinsock: (value) => value,
};

/** IP_PMTUDISC_DO; 0 lets routers fragment. */
const NEVER_FRAGMENT = 2;

const OPTIONS: ReadonlyMap<string, LinuxOption> = new Map([
  option(winsock.SOL_SOCKET, winsock.SO_REUSEADDR, [
    linux.SOL_SOCKET,
    linux.SO_REUSEADDR,
  ]),
  option(winsock.SOL_SOCKET, winsock.SO_REUSEPORT, [
    linux.SOL_SOCKET,
    linux.SO_REUSEPORT,
  ]),
  // The kernel refuses others by default: what remains is to not share.
  option(winsock.SOL_SOCKET, winsock.SO_EXCLUSIVEADDRUSE, [
    linux.SOL_SOCKET,
    linux.SO_REUSEADDR,
  ], integer((value) => value === 0 ? 1 : 0, (value) => value === 0 ? 1 : 0)),
  option(winsock.SOL_SOCKET, winsock.SO_KEEPALIVE, [
    linux.SOL_SOCKET,
    linux.SO_KEEPALIVE,
  ]),
  option(winsock.SOL_SOCKET, winsock.SO_BROADCAST, [
    linux.SOL_SOCKET,
    linux.SO_BROADCAST,
  ]),
  option(winsock.SOL_SOCKET, winsock.SO_LINGER, [
    linux.SOL_SOCKET,
    linux.SO_LINGER,
  ], LINGER_VALUE),
  option(winsock.SOL_SOCKET, winsock.SO_SNDBUF, [
    linux.SOL_SOCKET,
    linux.SO_SNDBUF,
  ], BUFFER_SIZE),
  option(winsock.SOL_SOCKET, winsock.SO_RCVBUF, [
    linux.SOL_SOCKET,
    linux.SO_RCVBUF,
  ], BUFFER_SIZE),
  option(
    winsock.SOL_SOCKET,
    winsock.SO_ERROR,
    [linux.SOL_SOCKET, linux.SO_ERROR],
    integer(
      (value) => value,
      (value) => value === 0 ? 0 : winsockError(value),
    ),
  ),
  option(winsock.SOL_SOCKET, winsock.SO_TYPE, [
    linux.SOL_SOCKET,
    linux.SO_TYPE,
  ]),
  ...same(winsock.IPPROTO_TCP, [
    [winsock.TCP_NODELAY, linux.TCP_NODELAY],
    [winsock.TCP_KEEPIDLE, linux.TCP_KEEPIDLE],
    [winsock.TCP_KEEPCNT, linux.TCP_KEEPCNT],
    [winsock.TCP_KEEPINTVL, linux.TCP_KEEPINTVL],
  ]),
  ...same(winsock.IPPROTO_IP, [
    [winsock.IP_TOS, linux.IP_TOS],
    [winsock.IP_TTL, linux.IP_TTL],
    [winsock.IP_MULTICAST_TTL, linux.IP_MULTICAST_TTL],
    [winsock.IP_MULTICAST_LOOP, linux.IP_MULTICAST_LOOP],
    [winsock.IP_PKTINFO, linux.IP_PKTINFO],
    [winsock.IP_RECVTOS, linux.IP_RECVTOS],
    [winsock.IP_ECN, linux.IP_RECVTOS],
  ]),
  option(winsock.IPPROTO_IP, winsock.IP_MULTICAST_IF, [
    winsock.IPPROTO_IP,
    linux.IP_MULTICAST_IF,
  ], {
    // An address, or an index in the form 0.x.x.x: the third field again.
    toKernel(value) {
      if (value.length < 4) return null;
      const request = new Uint8Array(8);
      request.set(value.subarray(0, 4), 4);
      return MEMBERSHIP.toKernel(request);
    },
    toWinsock: (value) => value,
  }),
  option(winsock.IPPROTO_IP, winsock.IP_ADD_MEMBERSHIP, [
    winsock.IPPROTO_IP,
    linux.IP_ADD_MEMBERSHIP,
  ], MEMBERSHIP),
  option(winsock.IPPROTO_IP, winsock.IP_DROP_MEMBERSHIP, [
    winsock.IPPROTO_IP,
    linux.IP_DROP_MEMBERSHIP,
  ], MEMBERSHIP),
  option(
    winsock.IPPROTO_IP,
    winsock.IP_DONTFRAGMENT,
    [
      winsock.IPPROTO_IP,
      linux.IP_MTU_DISCOVER,
    ],
    integer(
      (value) => value === 0 ? 0 : NEVER_FRAGMENT,
      (value) => value >= NEVER_FRAGMENT ? 1 : 0,
    ),
  ),
  ...same(winsock.IPPROTO_IPV6, [
    [winsock.IPV6_UNICAST_HOPS, linux.IPV6_UNICAST_HOPS],
    [winsock.IPV6_MULTICAST_IF, linux.IPV6_MULTICAST_IF],
    [winsock.IPV6_MULTICAST_HOPS, linux.IPV6_MULTICAST_HOPS],
    [winsock.IPV6_MULTICAST_LOOP, linux.IPV6_MULTICAST_LOOP],
    [winsock.IPV6_V6ONLY, linux.IPV6_V6ONLY],
    [winsock.IPV6_PKTINFO, linux.IPV6_RECVPKTINFO],
    [winsock.IPV6_TCLASS, linux.IPV6_TCLASS],
    [winsock.IPV6_RECVTCLASS, linux.IPV6_RECVTCLASS],
    [winsock.IPV6_ECN, linux.IPV6_RECVTCLASS],
  ]),
  option(winsock.IPPROTO_IPV6, winsock.IPV6_ADD_MEMBERSHIP, [
    winsock.IPPROTO_IPV6,
    linux.IPV6_ADD_MEMBERSHIP,
  ], SAME),
  option(winsock.IPPROTO_IPV6, winsock.IPV6_DROP_MEMBERSHIP, [
    winsock.IPPROTO_IPV6,
    linux.IPV6_DROP_MEMBERSHIP,
  ], SAME),
  option(winsock.IPPROTO_UDP, winsock.UDP_SEND_MSG_SIZE, [
    winsock.IPPROTO_UDP,
    linux.UDP_SEGMENT,
  ]),
  // The kernel takes no bound: it coalesces up to 64 KiB, or not at all.
  option(
    winsock.IPPROTO_UDP,
    winsock.UDP_RECV_MAX_COALESCED_SIZE,
    [winsock.IPPROTO_UDP, linux.UDP_GRO],
    integer((value) => value === 0 ? 0 : 1, (value) => value && 0xFFFF),
  ),
]);

/**
 * The kernel's option for one of Winsock's.
 *
 * @param level The Winsock level.
 * @param name The Winsock name; also as an unsigned number.
 * @returns The option, or `undefined` if the kernel has none like it.
 */
export function findOption(
  level: number,
  name: number,
): LinuxOption | undefined {
  return OPTIONS.get(`${level}:${name | 0}`);
}

function option(
  level: number,
  name: number,
  kernel: readonly [level: number, name: number],
  conversion: Conversion = INTEGER,
): [string, LinuxOption] {
  return [
    `${level}:${name}`,
    { level: kernel[0], name: kernel[1], ...conversion },
  ];
}

/** Integer options at a level that has the same number on both sides. */
function same(
  level: number,
  names: readonly (readonly [number, number])[],
): [string, LinuxOption][] {
  return names.map(([name, kernel]) => option(level, name, [level, kernel]));
}

function toInteger(value: Uint8Array): number {
  let result = 0;
  for (let i = Math.min(value.length, 4) - 1; i >= 0; i--) {
    result = result << 8 | value[i]!;
  }
  return result;
}

function fromInteger(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array([value]).buffer);
}
