/**
 * The socket options that the fake system knows.
 *
 * @module
 */
import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOL_SOCKET,
} from "../../ffi/constants.ts";

/** Names by level, as `ws2def.h` and `ws2ipdef.h` number them. */
const OPTIONS: Readonly<Record<number, readonly number[]>> = {
  [SOL_SOCKET]: [4, -5, 8, 32, 128, 4097, 4098, 4103, 4104, 8197],
  [IPPROTO_IP]: [
    3,
    4,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    21,
    31,
    40,
    43,
    44,
    45,
    46,
    50,
    73,
  ],
  [IPPROTO_IPV6]: [
    4,
    9,
    10,
    11,
    12,
    13,
    14,
    19,
    21,
    27,
    31,
    39,
    40,
    43,
    44,
    45,
    46,
    50,
    72,
  ],
  [IPPROTO_TCP]: [1, 3, 16, 17],
  [IPPROTO_UDP]: [2, 3],
};

/** Whether there is such an option. */
export function isOption(level: number, name: number): boolean {
  return OPTIONS[level]?.includes(name) ?? false;
}
