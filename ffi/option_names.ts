/**
 * Which of the constants name socket options, and at which level.
 *
 * @module
 */
import * as constants from "./constants.ts";

/** The name of a constant that names a socket option. */
export type OptionName = Extract<
  keyof typeof constants,
  `${"SO" | "TCP" | "IP" | "IPV6" | "UDP"}_${string}`
>;

const LEVELS: Readonly<Record<string, number>> = {
  SO: constants.SOL_SOCKET,
  TCP: constants.IPPROTO_TCP,
  IP: constants.IPPROTO_IP,
  IPV6: constants.IPPROTO_IPV6,
  UDP: constants.IPPROTO_UDP,
};

const prefix = (name: string) => name.slice(0, name.indexOf("_"));

/** The names of all constants that name socket options. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(constants)
  .filter((name): name is OptionName => prefix(name) in LEVELS);

/** The level of an option, which the beginning of its name tells. */
export function optionLevel(name: OptionName): number {
  return LEVELS[prefix(name)]!;
}
