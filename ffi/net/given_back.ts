/**
 * Addresses as Deno's sockets give them back: without the interface of a
 * link-local one.
 *
 * An answer needs the interface all the same. So it is kept with the object, and
 * found again where that is given as a destination.
 *
 * @module
 */

/** The hostnames of such addresses, with their interfaces. */
const zoned: WeakMap<object, string> = new WeakMap();

/** An address as Deno's sockets give it. */
export function givenBack(address: Deno.NetAddr): Deno.NetAddr {
  const at = address.hostname.indexOf("%");
  if (at < 0) return address;
  const given = { ...address, hostname: address.hostname.slice(0, at) };
  zoned.set(given, address.hostname);
  return given;
}

/** The same address once more, as an object of its own. */
export function copyOf(address: Deno.NetAddr): Deno.NetAddr {
  const copy = { ...address };
  const hostname = withZone(address, address.hostname);
  if (hostname !== address.hostname) zoned.set(copy, hostname);
  return copy;
}

/**
 * The hostname of an address, with the interface that it was given back without.
 *
 * @param address What a program gives; it may be no such address.
 * @param hostname Its hostname, which is read once.
 */
export function withZone<T>(address: object, hostname: T): T | string {
  // Few addresses are link-local, and have to be looked for.
  if (typeof hostname !== "string" || !hostname.startsWith("fe")) {
    return hostname;
  }
  const known = zoned.get(address);
  return known?.startsWith(`${hostname}%`) ? known : hostname;
}
