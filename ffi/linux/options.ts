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
import { OPTION_NAMES, optionLevel, type OptionName } from "../option_names.ts";
import type { ControlChoice } from "./control.ts";
import { winsockError } from "./errno.ts";
import * as linux from "./numbers.ts";

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
  /** Which control message it asks for, if it asks for one. */
  readonly choice?: keyof ControlChoice;
}

/** The value has the same bytes on both sides. */
const SAME: Conversion = {
  toKernel: (value) => value.slice(),
  toWinsock: (value) => value,
};

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

type LinuxName = keyof typeof linux;

/** How an option of the kernel differs from the one of Winsock. */
interface Difference extends Partial<Conversion> {
  readonly kernel?: LinuxName;
  readonly choice?: keyof ControlChoice;
}

/**
 * The options that are more than a whole number, or have another name in the
 * kernel. An option that both systems know by the same name needs no entry.
 */
const DIFFERENT: Partial<Record<OptionName, Difference>> = {
  // The kernel refuses others by default: what remains is to not share.
  SO_EXCLUSIVEADDRUSE: {
    kernel: "SO_REUSEADDR",
    ...integer((value) => value === 0 ? 1 : 0, (value) => value === 0 ? 1 : 0),
  },
  SO_LINGER: LINGER_VALUE,
  SO_SNDBUF: BUFFER_SIZE,
  SO_RCVBUF: BUFFER_SIZE,
  SO_ERROR: integer((value) => value, (value) => value && winsockError(value)),
  IP_PKTINFO: { choice: "packetInfo" },
  IP_RECVTOS: { choice: "receivesTos" },
  IP_ECN: { kernel: "IP_RECVTOS", choice: "receivesEcn" },
  IP_MULTICAST_IF: {
    // An address, or an index in the form 0.x.x.x as in MEMBERSHIP.
    toKernel(value) {
      if (value.length < 4) return null;
      const request = new Uint8Array(8);
      request.set(value.subarray(0, 4), 4);
      return MEMBERSHIP.toKernel(request);
    },
    toWinsock: (value) => value,
  },
  IP_ADD_MEMBERSHIP: MEMBERSHIP,
  IP_DROP_MEMBERSHIP: MEMBERSHIP,
  IP_DONTFRAGMENT: {
    kernel: "IP_MTU_DISCOVER",
    ...integer(
      (value) => value === 0 ? 0 : linux.IP_PMTUDISC_DO,
      (value) => value >= linux.IP_PMTUDISC_DO ? 1 : 0,
    ),
  },
  IPV6_PKTINFO: { kernel: "IPV6_RECVPKTINFO", choice: "packetInfo" },
  IPV6_RECVTCLASS: { choice: "receivesTos" },
  IPV6_ECN: { kernel: "IPV6_RECVTCLASS", choice: "receivesEcn" },
  IPV6_ADD_MEMBERSHIP: SAME,
  IPV6_DROP_MEMBERSHIP: SAME,
  UDP_SEND_MSG_SIZE: { kernel: "UDP_SEGMENT" },
  // The kernel takes no bound: it coalesces up to 64 KiB, or not at all.
  UDP_RECV_MAX_COALESCED_SIZE: {
    kernel: "UDP_GRO",
    ...integer((value) => value === 0 ? 0 : 1, (value) => value && 0xFFFF),
  },
};

const OPTIONS = new Map<string, LinuxOption>();
for (const name of OPTION_NAMES) {
  const level = optionLevel(name);
  const { kernel = name as LinuxName, ...rest } = DIFFERENT[name] ?? {};
  if (!(kernel in linux)) continue;
  OPTIONS.set(`${level}:${winsock[name]}`, {
    level: level === winsock.SOL_SOCKET ? linux.SOL_SOCKET : level,
    name: linux[kernel],
    ...INTEGER,
    ...rest,
  });
}

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
