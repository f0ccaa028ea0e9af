/**
 * All deliberate faults, from the session down to the systems.
 *
 * @module
 */
import { linux } from "./linux.ts";
import type { Mutant } from "./mutant.ts";
import { session } from "./session.ts";
import { winsock } from "./winsock.ts";

/** The faults. */
export const mutants: readonly Mutant[] = [...session, ...winsock, ...linux];
