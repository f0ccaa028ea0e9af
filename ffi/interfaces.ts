/**
 * Network interfaces of this host: their names and their numbers.
 *
 * Source: `if_nametoindex(3)`, and the Microsoft reference pages of the
 * functions named here.
 *
 * @module
 */
import { assertInteger, refuseType } from "./arguments.ts";
import { HeldLibrary } from "./held_library.ts";
import { openLibc } from "./libc.ts";

const LIBC = {
  // unsigned int if_nametoindex(const char *name)
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  // char *if_indextoname(unsigned int index, char *name)
  if_indextoname: { parameters: ["u32", "buffer"], result: "pointer" },
} as const;

const IPHLPAPI = {
  // NETIO_STATUS ConvertInterfaceAliasToLuid(const WCHAR *InterfaceAlias,
  //   PNET_LUID InterfaceLuid)
  ConvertInterfaceAliasToLuid: {
    parameters: ["buffer", "buffer"],
    result: "u32",
  },
  // NETIO_STATUS ConvertInterfaceLuidToIndex(const NET_LUID *InterfaceLuid,
  //   PNET_IFINDEX InterfaceIndex)
  ConvertInterfaceLuidToIndex: {
    parameters: ["buffer", "buffer"],
    result: "u32",
  },
  // NET_IFINDEX if_nametoindex(PCSTR InterfaceName)
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const;

const libc = new HeldLibrary(() => openLibc(LIBC));
const iphlpapi = new HeldLibrary(() => Deno.dlopen("iphlpapi.dll", IPHLPAPI));

/** Bytes of the longest name on Linux, with the 0 at its end. */
const IF_NAMESIZE = 16;

/**
 * The number of an interface.
 *
 * @param name Its name: on Windows the one that people see, for example
 * `Ethernet`, or the one of its kind, for example `ethernet_32769`.
 * @returns Its index; 0 where this host has no such interface.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 */
export function interfaceIndex(name: string): number {
  if (name === "" || name.includes("\0")) return 0;
  if (Deno.build.os === "windows") return windowsIndex(name);
  const text = new TextEncoder().encode(`${name}\0`);
  if (text.length > IF_NAMESIZE) return 0;
  return libc.use(({ symbols }) => symbols.if_nametoindex(text));
}

/**
 * The number of an interface that a program gives by number or name.
 *
 * @param name The argument, as the caller knows it.
 * @param given Its index, 0 for any, or its name.
 * @returns The index.
 * @throws {TypeError} If it is neither, or this host has none of that name.
 * @throws {RangeError} If it is no whole number, or negative.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 */
export function toInterface(name: string, given: unknown): number {
  if (typeof given === "number") {
    assertInteger(name, given, 0, 0x7FFFFFFF);
    return given;
  }
  if (typeof given !== "string") {
    refuseType(name, given, "give the index or the name of an interface");
  }
  const index = interfaceIndex(given);
  if (index !== 0) return index;
  refuseType(name, given, "this host has no interface of that name");
}

/**
 * The name of an interface, on Linux.
 *
 * @param index Its index.
 * @returns Its name; empty where this host has no such interface.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 */
export function interfaceName(index: number): string {
  const name = new Uint8Array(IF_NAMESIZE);
  const found = libc.use(({ symbols }) => symbols.if_indextoname(index, name));
  if (found === null) return "";
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

function windowsIndex(name: string): number {
  const luid = new BigUint64Array(1);
  const index = new Uint32Array(1);
  return iphlpapi.use(({ symbols }) =>
    symbols.ConvertInterfaceAliasToLuid(wide(name), luid) === 0 &&
      symbols.ConvertInterfaceLuidToIndex(luid, index) === 0
      ? index[0]!
      : symbols.if_nametoindex(new TextEncoder().encode(`${name}\0`))
  );
}

/** A text as Windows reads it, with the 0 at its end. */
export function wide(text: string): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(`${text}\0`, (unit) => unit.charCodeAt(0));
}
