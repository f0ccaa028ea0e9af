/**
 * All deliberate faults, from the sockets down to the systems.
 *
 * @module
 */
import { collected } from "./collected.ts";
import { dgram } from "./dgram.ts";
import { linux } from "./linux.ts";
import type { Mutant } from "./mutant.ts";
import { net } from "./net.ts";
import { session } from "./session.ts";
import { winsock } from "./winsock.ts";

/** The faults. */
export const mutants: readonly Mutant[] = [
  ...dgram,
  ...net,
  ...session,
  ...collected,
  ...winsock,
  ...linux,
];
