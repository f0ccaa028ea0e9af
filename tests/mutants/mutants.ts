/**
 * All deliberate faults, from the sockets down to the systems.
 *
 * @module
 */
import { linux } from "./linux.ts";
import type { Mutant } from "./mutant.ts";
import { net } from "./net.ts";
import { session } from "./session.ts";
import { winsock } from "./winsock.ts";

/** The faults. */
export const mutants: readonly Mutant[] = [
  ...net,
  ...session,
  ...winsock,
  ...linux,
];
