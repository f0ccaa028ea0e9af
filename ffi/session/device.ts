/**
 * Binding a socket to a network interface.
 *
 * Source: `SO_BINDTODEVICE` in socket(7), and Microsoft's pages on the
 * `IPPROTO_IP` and `IPPROTO_IPV6` socket options.
 *
 * @module
 */
import { assertInteger } from "../arguments.ts";
import {
  AF_INET,
  AF_INET6,
  SO_BINDTODEVICE,
  SOL_SOCKET,
} from "../constants.ts";
import { check } from "../errors.ts";
import { interfaceName, toInterface } from "../interfaces.ts";
import type { EndpointParts } from "./endpoint.ts";
import { optionBytes, optionNumbers } from "./socket_options.ts";

/** An interface that a socket is to use. */
export interface Device {
  readonly index: number;
  /** Its name, where sockets are bound to names. */
  readonly name: string;
}

/**
 * The interface that a program names.
 *
 * @param given Its index or its name.
 * @param byName Whether the system wants its name.
 * @throws {TypeError} If this host has no such interface.
 * @throws {RangeError} If it is a number, but no index.
 */
export function toDevice(given: unknown, byName: boolean): Device {
  if (typeof given === "number") {
    assertInteger("device", given, 1, 0x7FFFFFFF);
  }
  const index = toInterface("device", given);
  const name = byName ? interfaceName(index) : "";
  if (!byName || name !== "") return { index, name };
  throw new TypeError(
    `Invalid device ${index}: this host has no interface of that index`,
  );
}

/**
 * Has a socket use one interface alone, before it is bound.
 *
 * @param parts The socket.
 * @param device The interface.
 * @param isDual Whether it serves both families.
 * @throws {RioError} If the system refuses.
 */
export function useDevice(
  { core: { backend }, record: { handle }, family }: EndpointParts,
  device: Device,
  isDual: boolean,
): void {
  const { sockets, capabilities } = backend;
  const set = (level: number, name: number, value: Uint8Array) => {
    const errno = sockets.setOption(handle, level, name, value);
    check(errno, "setsockopt", `bind a socket to interface ${device.index}`);
  };
  if (capabilities.bindToDevice) {
    const name = new TextEncoder().encode(device.name);
    return set(SOL_SOCKET, SO_BINDTODEVICE, name);
  }
  for (const each of isDual ? [AF_INET6, AF_INET] : [family]) {
    for (const option of ["unicastInterface", "multicastInterface"] as const) {
      const [level, name] = optionNumbers(option, each);
      set(level, name, optionBytes(option, level, device.index));
    }
  }
}
