/**
 * Runs races in many orders, or one again.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { auditLedgers } from "../../ffi/session/ledger.ts";
import { audit } from "../audit/ledger.ts";
import { PLACES, RACES, runOrders } from "./run.ts";

const HELP = `Has calls of sockets race in orders that seeds choose.

  --race NAME    ${Object.keys(RACES).join(", ")}
  --place NAME   ${PLACES.join(", ")}
  --seed N       the first seed            [one of the time]
  --count N      how many there are        [1000]
  --help         this text`;

const options = parseArgs(Deno.args, {
  string: ["race", "place", "seed", "count"],
  boolean: ["help"],
  default: { seed: String(Date.now() >>> 0), count: "1000" },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}
auditLedgers(audit);
const [seed, count] = [Number(options.seed), Number(options.count)];
for (const race of Object.keys(RACES)) {
  if (options.race !== undefined && options.race !== race) continue;
  for (const place of PLACES) {
    if (options.place !== undefined && options.place !== place) continue;
    const start = performance.now();
    await runOrders({ race, place, seed, count });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${race}, ${place}: ${count} orders from seed ${seed}, ${seconds} s`,
    );
  }
}
