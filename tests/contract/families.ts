/**
 * The address families, for statements that hold in each.
 *
 * @module
 */
import { AF_INET, AF_INET6 } from "../../ffi/constants.ts";

/** An address family, with what names this host in it. */
export interface Family {
  readonly name: string;
  readonly number: number;
  readonly loopback: string;
  readonly any: string;
}

/** IPv4. */
export const IPV4: Family = {
  name: "IPv4",
  number: AF_INET,
  loopback: "127.0.0.1",
  any: "0.0.0.0",
};

/** IPv6. */
export const IPV6: Family = {
  name: "IPv6",
  number: AF_INET6,
  loopback: "::1",
  any: "::",
};

/** Both, for statements that hold in each. */
export const FAMILIES: readonly Family[] = [IPV4, IPV6];
