/**
 * `deno task test:windows`: runs the tests with the Windows build of Deno under Wine, against the
 * provider in `provider/`. With arguments, it runs the Windows build of Deno with those instead:
 *
 *     deno task test:windows eval "console.log(Deno.build)"
 */

import { build } from "./build.ts";
import { prepare, run, whyNot, wine } from "./rig.ts";

/** The files of the suite, from the checkout's folder. */
const SUITE = ["tests/windows"];

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
  await shareNpmCache(`${rig.cache}/deno_dir`);
  const runs = await Deno.makeTempDir({ dir: rig.cache, prefix: "run-" });
  try {
    const { code } = await wine(rig, ["Z:\\rio\\deno\\deno.exe", ...args], {
      seconds: BOUND,
      env: {
        ...ownSettings(),
        DENO_DIR: "Z:\\rio\\deno_dir",
        DENO_NO_UPDATE_CHECK: "1",
        RIO_LIBRARY: "Z:\\rio\\build\\rio_provider.dll",
        RIO_ABI_JSON: "Z:\\rio\\build\\abi.json",
        RIO_VERIFIER_LOG: `Z:\\rio\\${
          runs.slice(rig.cache.length + 1)
        }\\verifier.log`,
      },
    });
    const log = await Deno.readTextFile(`${runs}/verifier.log`).catch(() => "");
    if (log === "") return code;
    console.error(`windows: the provider saw violations\n${log.trimEnd()}`);
    return code || 1;
  } finally {
    await Deno.remove(runs, { recursive: true });
  }
}

// The Windows build can not check the npm registry's certificate under Wine, so it is given what
// this Deno has fetched already.
async function shareNpmCache(folder: string): Promise<void> {
  const info: { npmCache: string } = JSON.parse(
    await run(Deno.execPath(), ["info", "--json"], { seconds: 30 }),
  );
  await Deno.mkdir(folder, { recursive: true });
  if (await Deno.stat(info.npmCache).then(() => true, () => false)) {
    await run("cp", ["-a", "--update", info.npmCache, `${folder}/`], {
      seconds: 60,
    });
  }
}

// Settings of the tests themselves go through; the machine's other variables stay out.
function ownSettings(): Record<string, string> {
  const names = Object.entries(Deno.env.toObject());
  return Object.fromEntries(
    names.filter(([name]) => /^(RIO_|NO_COLOR$)/.test(name)),
  );
}

if (import.meta.main) {
  const args = Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args;
  Deno.exit(await main(args.length > 0 ? args : ["test", "-A", ...SUITE]));
}
