/**
 * `deno task test:windows`: runs the tests with the Windows build of Deno under
 * Wine, with a provider of Registered I/O that Wine does not have. Any
 * violation that the provider records fails the run.
 *
 * With arguments, it runs the Windows build of Deno with those instead:
 *
 * ```sh
 * deno task test:windows eval "console.log(Deno.build)"
 * ```
 *
 * @module
 */

import { build } from "./build.ts";
import { prepare, type Rig, run, whyNot, wine } from "./rig.ts";

/** What runs without arguments; types are checked on Linux, in less time. */
const SUITE = ["test", "-A", "--no-check", "--unstable-net"]
  .concat("--v8-flags=--expose-gc", "tests/windows", "tests/dropin")
  .concat("tests/net/datagram_test.ts");

/** Seconds the Windows build of Deno may take. */
const BOUND = Number(Deno.env.get("RIO_WINDOWS_BOUND") ?? 900);

async function main(args: string[]): Promise<number> {
  const reason = await whyNot();
  if (reason !== undefined) {
    console.log(`skip: the Windows path can not run here, ${reason}`);
    return 0;
  }
  const checkout = await Deno.realPath(new URL("../..", import.meta.url));
  const rig = await prepare(checkout, build);
  await shareNpmCache(rig);
  // Each process that ends with violations adds to this file.
  const log = `${crypto.randomUUID()}.log`;
  const { code } = await wine(rig, ["Z:\\rio\\deno\\deno.exe", ...args], {
    seconds: BOUND,
    env: {
      ...ownSettings(),
      DENO_DIR: "Z:\\rio\\deno_dir",
      DENO_NO_UPDATE_CHECK: "1",
      RIO_LIBRARY: "Z:\\rio\\build\\rio_provider.dll",
      RIO_ABI_JSON: "Z:\\rio\\build\\abi.json",
      RIO_VERIFIER_LOG: `Z:\\rio\\${log}`,
    },
  });
  const violations = await Deno.readTextFile(`${rig.cache}/${log}`)
    .catch(() => "");
  if (violations === "") return code;
  await Deno.remove(`${rig.cache}/${log}`);
  console.error(
    `windows: the provider saw violations\n${violations.trimEnd()}`,
  );
  return code || 1;
}

// Under Wine, Deno can not check the certificate of the npm registry. So the
// Deno of this machine fetches, and the other one is given a copy.
async function shareNpmCache({ checkout, cache }: Rig): Promise<void> {
  const deno = Deno.execPath();
  await run(deno, ["install", "--quiet"], { cwd: checkout, seconds: 120 });
  const info: { npmCache: string } = JSON.parse(
    await run(deno, ["info", "--json"], { seconds: 30 }),
  );
  await Deno.mkdir(`${cache}/deno_dir`, { recursive: true });
  await run("cp", ["-a", "--update", info.npmCache, `${cache}/deno_dir/`], {
    seconds: 60,
  });
}

// Settings of the tests go through; the machine's other variables stay out.
function ownSettings(): Record<string, string> {
  const names = Object.entries(Deno.env.toObject());
  return Object.fromEntries(
    names.filter(([name]) => /^(RIO_|NO_COLOR$)/.test(name)),
  );
}

if (import.meta.main) {
  const args = Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args;
  Deno.exit(await main(args.length > 0 ? args : SUITE));
}
