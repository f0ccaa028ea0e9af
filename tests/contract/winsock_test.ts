/**
 * Holds the Winsock backend to the contract on Windows: over the provider whose
 * path is in `RIO_LIBRARY`, else over Windows' own Registered I/O.
 *
 * @module
 */
import {
  IP_ECN,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ECN,
} from "../../ffi/constants.ts";
import { openWinsock } from "../../ffi/winsock/open.ts";
import { library, Provider } from "../windows/provider.ts";
import { isWine } from "../windows/wine.ts";
import { type Rig, testContract } from "./all.ts";
import type { System } from "./harness.ts";
import { pause } from "./waits.ts";

/** Windows knows ECN from build 20348 on, and Wine does not. */
const ECN = [
  `option ${IP_ECN} at level ${IPPROTO_IP}`,
  `option ${IPV6_ECN} at level ${IPPROTO_IPV6}`,
];
/** Windows leaves the type of service to its policies. */
const TOS = "the type of service of a send";

const WINDOWS: System = { name: "this Windows", lacks: [...ECN, TOS] };
const WINE: System = {
  name: "Wine",
  lacks: [...ECN, TOS, "the packet info of a send"],
};

/** Windows' own Registered I/O, where nobody counts what is left. */
const native: Rig = {
  name: "winsock",
  open: () => {
    const system = isWine() ? WINE : WINDOWS;
    return { rio: openWinsock(), system, faults: () => [] };
  },
  noMisuse: "a wrong call may crash without a verifier that catches it",
};

/** A provider that counts what is open and records what is wrong. */
function provided(library: string): Rig {
  const provider = new Provider(library);
  const left = () => {
    const { completed: _, notified: __, ...open } = provider.counters();
    return Object.entries(open)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${what} are left`);
  };
  return {
    name: "winsock provider",
    open() {
      provider.forget();
      return {
        rio: openWinsock({ library }),
        system: WINE,
        async faults(misuse) {
          for (let i = 0; i < 200 && left().length > 0; i++) await pause(5);
          const violations = provider.violations();
          provider.forget();
          return misuse ? left() : [...left(), ...violations];
        },
      };
    },
  };
}

/** Why nothing can be opened, or nothing. */
function whyNot(): string | undefined {
  if (Deno.build.os !== "windows") return `this is ${Deno.build.os}`;
  try {
    // Opening the libraries is counted here and not in the first test.
    openWinsock(library === undefined ? {} : { library }).close(false);
  } catch (error) {
    if (error instanceof Deno.errors.NotSupported) return error.message;
    throw error;
  }
}

const reason = whyNot();
if (reason !== undefined) {
  console.log(`skip: Winsock is not held to the contract, ${reason}`);
} else {
  testContract(library === undefined ? native : provided(library));
}
