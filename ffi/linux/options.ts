/**
 * Socket options: Winsock's numbers and values as the kernel's.
 *
 * Source: `socket(7)`, `ip(7)`, `ipv6(7)`, `tcp(7)`, `udp(7)`, and the Windows
 * headers `ws2def.h` and `ws2ipdef.h`.
 *
 * @module
 */
import * as winsock from "../constants.ts";
import { GROUP_SOURCE_REQ, LINGER } from "../layout.ts";
import { OPTION_NAMES, optionLevel, type OptionName } from "../option_names.ts";
import type { FamilyChoice } from "./control.ts";
import { winsockNumber } from "../system_errors.ts";
import { winsockError } from "./errno.ts";
import * as linux from "./numbers.ts";

type Convert = (value: Uint8Array) => Uint8Array<ArrayBuffer>;

/** An option of the kernel. */
export interface LinuxOption {
  readonly level: number;
  readonly name: number;
  /** Which control message of its family it asks for, if it asks for one. */
  readonly choice?: keyof FamilyChoice;
  /** A value as the kernel takes it, or `null` for one that is too short. */
  readonly toKernel: (value: Uint8Array) => Uint8Array<ArrayBuffer> | null;
  /** A value of the kernel as Winsock tells it. */
  readonly toWinsock: (value: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** Changes a whole number; Winsock takes one of a single byte as well. */
function integer(change: (value: number) => number): Convert {
  return (value) => {
    let number = 0;
    for (let i = Math.min(value.length, 4) - 1; i >= 0; i--) {
      number = number << 8 | value[i]!;
    }
    return new Uint8Array(new Int32Array([change(number)]).buffer);
  };
}

const INTEGER = integer((value) => value);
const OPPOSITE = integer((value) => value === 0 ? 1 : 0);

/**
 * The kernel doubles a buffer size to make room for its bookkeeping, and tells
 * the double; Winsock tells what was set.
 */
const BUFFER_SIZE: Difference = { toWinsock: integer((value) => value >> 1) };

/** `LINGER` is two 16-bit numbers, `struct linger` two of 32 bits. */
const LINGER_VALUE: Difference = {
  atLeast: LINGER.size,
  toKernel(value) {
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
 * `ip_mreq`: a group and the address of an interface. Winsock takes the index of
 * an interface in place of the address, in the form 0.x.x.x; the kernel takes
 * it in a third field.
 */
const MEMBERSHIP = {
  atLeast: 8,
  toKernel(value: Uint8Array): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(12);
    bytes.set(value.subarray(0, 8));
    if (bytes[4] === 0) {
      const view = new DataView(bytes.buffer);
      view.setInt32(8, view.getUint32(4), true);
      view.setUint32(4, 0);
    }
    return bytes;
  },
};

/** `ip_mreq_source`: the kernel has the interface before the source. */
const SOURCE_MEMBERSHIP = {
  atLeast: 12,
  toKernel(value: Uint8Array): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(12);
    bytes.set(value.subarray(0, 4));
    bytes.set(value.subarray(8, 12), 4);
    bytes.set(value.subarray(4, 8), 8);
    return bytes;
  },
};

/** `GROUP_SOURCE_REQ`: the same, but for the number of the IPv6 family. */
function groupSource(value: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (value.length < GROUP_SOURCE_REQ.size) return null;
  const bytes = value.slice(0, GROUP_SOURCE_REQ.size);
  for (const at of [GROUP_SOURCE_REQ.group, GROUP_SOURCE_REQ.source]) {
    if (bytes[at] === winsock.AF_INET6) bytes[at] = linux.AF_INET6;
  }
  return bytes;
}

const reversed = (value: Uint8Array) => value.slice(0, 4).reverse();

/** Never to fragment is a way to find the path MTU out. */
const PATH_MTU = {
  toKernel: integer((value) => value && linux.IP_PMTUDISC_DO),
  toWinsock: integer((value) => value >= linux.IP_PMTUDISC_DO ? 1 : 0),
};

type LinuxName = keyof typeof linux;

/** How an option of the kernel differs from the one of Winsock. */
interface Difference {
  readonly kernel?: LinuxName;
  readonly choice?: keyof FamilyChoice;
  /** Bytes of the shortest value; 1 where nothing is said. */
  readonly atLeast?: number;
  /** Where nothing is said, the value is a whole number. */
  readonly toKernel?: Convert;
  /** Where nothing is said, the value has the same bytes. */
  readonly toWinsock?: Convert;
}

/**
 * The options that are more than a whole number, or have another name in the
 * kernel. An option that both systems know by the same name needs no entry.
 */
const DIFFERENT: Partial<Record<OptionName, Difference>> = {
  // The kernel refuses others by default: what remains is to not share.
  SO_EXCLUSIVEADDRUSE: {
    kernel: "SO_REUSEADDR",
    toKernel: OPPOSITE,
    toWinsock: OPPOSITE,
  },
  SO_LINGER: LINGER_VALUE,
  SO_SNDBUF: BUFFER_SIZE,
  SO_RCVBUF: BUFFER_SIZE,
  SO_TIMESTAMP: { kernel: "SO_TIMESTAMPNS" },
  SO_ERROR: {
    toWinsock: integer((value) => value && winsockNumber(winsockError(value))),
  },
  // An array of counts, which the kernel does not let anybody set.
  SO_MEMINFO: {
    toWinsock: (value) =>
      value.subarray(4 * linux.SK_MEMINFO_DROPS).slice(0, 4),
  },
  IP_PKTINFO: { choice: "packetInfo" },
  IP_RECVTOS: { choice: "receivesTos" },
  IP_ECN: { kernel: "IP_RECVTOS", choice: "receivesEcn" },
  // An interface as in `ip_mreq`, which the kernel takes whole.
  IP_MULTICAST_IF: {
    atLeast: 4,
    toKernel: (value) =>
      MEMBERSHIP.toKernel(new Uint8Array([0, 0, 0, 0, ...value])),
  },
  IP_ADD_MEMBERSHIP: MEMBERSHIP,
  IP_DROP_MEMBERSHIP: MEMBERSHIP,
  IP_DONTFRAGMENT: { kernel: "IP_MTU_DISCOVER", ...PATH_MTU },
  IPV6_DONTFRAG: { kernel: "IPV6_MTU_DISCOVER", ...PATH_MTU },
  IPV6_PKTINFO: { kernel: "IPV6_RECVPKTINFO", choice: "packetInfo" },
  IPV6_HOPLIMIT: { kernel: "IPV6_RECVHOPLIMIT" },
  IPV6_RECVTCLASS: { choice: "receivesTos" },
  IPV6_ECN: { kernel: "IPV6_RECVTCLASS", choice: "receivesEcn" },
  IP_ADD_SOURCE_MEMBERSHIP: SOURCE_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP: SOURCE_MEMBERSHIP,
  IP_BLOCK_SOURCE: SOURCE_MEMBERSHIP,
  IP_UNBLOCK_SOURCE: SOURCE_MEMBERSHIP,
  SO_BINDTODEVICE: { atLeast: 0, toKernel: (value) => value.slice() },
  // The kernel tells 64 bits, the higher ones for what can't be set here.
  SO_MAX_PACING_RATE: { toWinsock: (value) => value.slice(0, 4) },
  // The kernel has it in network order, Windows for IPv4 alone.
  IPV6_UNICAST_IF: { atLeast: 4, toKernel: reversed, toWinsock: reversed },
  IPV6_ADD_MEMBERSHIP: { toKernel: (value) => value.slice() },
  IPV6_DROP_MEMBERSHIP: { toKernel: (value) => value.slice() },
  UDP_SEND_MSG_SIZE: { kernel: "UDP_SEGMENT" },
  // The kernel takes no bound: it coalesces up to 64 KiB, or not at all.
  UDP_RECV_MAX_COALESCED_SIZE: {
    kernel: "UDP_GRO",
    toKernel: integer((value) => value && 1),
    toWinsock: integer((value) => value && 0xFFFF),
  },
};

const OPTIONS = new Map<string, LinuxOption>();
for (const name of OPTION_NAMES) {
  const level = optionLevel(name);
  const {
    kernel = name as LinuxName,
    atLeast = 1,
    toKernel = INTEGER,
    toWinsock = (value: Uint8Array) => value,
    ...choice
  } = DIFFERENT[name] ?? {};
  if (!(kernel in linux)) continue;
  OPTIONS.set(`${level}:${winsock[name]}`, {
    level: level === winsock.SOL_SOCKET ? linux.SOL_SOCKET : level,
    name: linux[kernel],
    toKernel: (value) => value.length < atLeast ? null : toKernel(value),
    toWinsock,
    ...choice,
  });
}

for (const level of [winsock.IPPROTO_IP, winsock.IPPROTO_IPV6]) {
  for (
    const name of [
      "MCAST_JOIN_SOURCE_GROUP",
      "MCAST_LEAVE_SOURCE_GROUP",
      "MCAST_BLOCK_SOURCE",
      "MCAST_UNBLOCK_SOURCE",
    ] as const
  ) {
    OPTIONS.set(`${level}:${winsock[name]}`, {
      level,
      name: linux[name],
      toKernel: groupSource,
      toWinsock: (value) => value,
    });
  }
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
