/**
 * `deno task test:windows`: runs the tests with the Windows build of Deno under
 * Wine, with a provider of Registered I/O that Wine does not have. Any
 * violation that the provider records fails the run.
 *
 * `--brief` leaves out what takes longest. With other arguments, it runs the
 * Windows build of Deno with those instead:
 *
 * ```sh
 * deno task test:windows eval "console.log(Deno.build)"
 * ```
 *
 * With `--system` as its first argument it runs all as on a real Windows: the
 * provider is in the place of the system's own `ws2_32.dll`, and no test is told.
 *
 * @module
 */

import { printTraces, WITHOUT_SPIN } from "../spec/spin.ts";
import { build } from "./build.ts";
import {
  BOUND_MET,
  IN_PLACE,
  prepare,
  prepareInPlace,
  type Rig,
  run,
  whyNot,
  wine,
} from "./rig.ts";

/** Programs find the provider, though nobody tells them of it. */
const UNCHANGED = ["--preload", "tests/windows/preload.ts"];

/** What runs without arguments, each in a process of its own. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  "the rig, its verifier and the ABI": ["tests/windows"],
  "unit tests": ["tests/unit"],
  "the contract over the provider": ["tests/contract/winsock_test.ts"],
  "the Winsock backend over a fake": ["tests/winsock"],
  "sessions and their lifetimes": ["tests/session"],
  "the written model of a session": ["tests/spec"],
  // Some of these open the session that all sockets share.
  "sockets like Deno's": [...UNCHANGED, "tests/dropin"],
  "what Deno's sockets lack": [...UNCHANGED, "tests/net"],
  "the shape of node:dgram": [...UNCHANGED, "tests/dgram"],
  "the examples": [...UNCHANGED, "tests/examples"],
  // The fake Windows, on which pairs of calls fail, is run on Linux.
  "calls that fail": [...UNCHANGED, "tests/faults"]
    .concat("--ignore=tests/faults/pairs_test.ts"),
  // Random use is the last: workers that are terminated leave what they have.
  "bad input and random use": [...UNCHANGED, "tests/fuzz", "tests/model"],
};

const MEANT = "it tells the verifier which misuse is meant";

/** What cannot run where nobody is told of the provider, and why. */
const NOT_IN_PLACE: Readonly<Record<string, string>> = {
  "the rig, its verifier and the ABI":
    "it drives the provider, whose path it would have to know",
  "the written model of a session": "it has the provider hold completions back",
  "calls that fail": MEANT,
  "bad input and random use": MEANT,
};

/** What `--brief` leaves out: the other run of the gate has it. */
const LONG = ["the examples", "unit tests", "the Winsock backend over a fake"];

/** The same of what it runs. */
const BRIEF = ["--filter=/^([^D]|D[^e])/"]
  .concat("--ignore=tests/net/named_permissions_test.ts");
const BRIEFLY = "skip: statements about Deno's own sockets, and which names " +
  "are permitted: left out of a brief run";

/** What is left out, and why. */
const LEFT_OUT = [
  "tests/linux, and the contract over the Linux backend: not this system",
  "the contract, calls that fail, bad input, random use, limits of time and races over the fake Windows: pure TypeScript, run on Linux",
];

/** Types are checked on Linux, in less time. */
const TEST = ["test", "-A", "--no-check", "--unstable-net"]
  .concat("--v8-flags=--expose-gc", "--preload", "tests/audit/preload.ts");

/** Seconds one process may take: many times what it does where nothing else runs. */
const BOUND = Number(Deno.env.get("RIO_WINDOWS_BOUND") ?? 600);

/** Lives of the model of a session that are replayed. */
const LIVES = Number(Deno.env.get("RIO_SPEC_LIVES") ?? 200);

async function main(args: string[]): Promise<number> {
  if (Deno.build.os === "windows") return await natively(args);
  const reason = await whyNot();
  if (reason !== undefined) {
    console.log(`skip: the Windows path can not run here, ${reason}`);
    return 0;
  }
  const checkout = await Deno.realPath(new URL("../..", import.meta.url));
  const rig = await prepare(checkout, build);
  await shareNpmCache(rig);
  const system = args[0] === "--system";
  if (system) {
    await prepareInPlace(rig);
    args = args.slice(1);
  }
  const brief = args[0] === "--brief";
  if (brief) args = args.slice(1);
  if (args.length > 0) return await deno(rig, args, system);
  let failed = 0;
  for (const [name, paths] of Object.entries(SUITES)) {
    const reason = system && NOT_IN_PLACE[name] ||
      brief && LONG.includes(name) && "left out of a brief run";
    if (reason) {
      console.log(`skip: ${name}: ${reason}`);
      continue;
    }
    const start = performance.now();
    console.log(`\nwindows: ${name}\n`);
    const flags = brief ? [...TEST, ...BRIEF] : TEST;
    const code = await deno(rig, [...flags, ...paths], system);
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`windows: ${name}: ${code ? "FAILED" : "ok"} (${seconds} s)`);
    if (code !== 0) failed++;
  }
  if (brief) console.log(BRIEFLY);
  for (const what of LEFT_OUT) console.log(`skip: ${what}`);
  return Math.min(failed, 1);
}

/** This is Windows itself: its own Deno runs, over its own Registered I/O. */
async function natively(args: string[]): Promise<number> {
  if (args.length === 0) {
    console.log("skip: this is Windows, where `deno task test` runs the tests");
    return 0;
  }
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn()
    .status;
  return code;
}

/** Runs the Windows build of Deno; violations make it fail. */
async function deno(
  rig: Rig,
  args: readonly string[],
  system: boolean,
): Promise<number> {
  // Each process that ends with violations adds to this file.
  const log = `${crypto.randomUUID()}.log`;
  const traces = args.some((arg) => arg.startsWith("tests/spec"))
    ? await printLives(rig)
    : undefined;
  const { code } = await wine(rig, ["Z:\\rio\\deno\\deno.exe", ...args], {
    seconds: BOUND,
    env: {
      ...ownSettings(),
      DENO_DIR: "Z:\\rio\\deno_dir",
      DENO_NO_UPDATE_CHECK: "1",
      ...(system ? IN_PLACE : {
        RIO_LIBRARY: "Z:\\rio\\build\\rio_provider.dll",
        RIO_ABI_JSON: "Z:\\rio\\build\\abi.json",
      }),
      RIO_VERIFIER_LOG: `Z:\\rio\\${log}`,
      ...(traces === undefined
        ? {}
        : { RIO_SPEC_TRACES: `Z:\\rio\\${traces}` }),
    },
  });
  if (traces !== undefined) await Deno.remove(`${rig.cache}/${traces}`);
  const path = `${rig.cache}/${log}`;
  const seen = await Deno.readTextFile(path).catch(() => "");
  if (seen !== "") await Deno.remove(path);
  // No test can say there that it has calls refused on purpose.
  const violations = system ? seen.replaceAll(/^refused:.*\n/gm, "") : seen;
  if (violations !== "") {
    console.error(
      `windows: the provider saw violations\n${violations.trimEnd()}`,
    );
  }
  // These say nothing in the summary of `deno test`, which is what is counted.
  if (violations !== "" || code === BOUND_MET) {
    console.log("FAILED | 0 passed | 1 failed");
  }
  return code || Number(violations !== "");
}

// SPIN is a program of this machine: the other Deno is given what it prints.
async function printLives({ cache }: Rig): Promise<string | undefined> {
  if (WITHOUT_SPIN !== undefined) return undefined;
  const seed = Date.now() % 1_000_000;
  console.log(`windows: lives of the model with seed ${seed}`);
  const name = `${crypto.randomUUID()}.traces`;
  const text = await printTraces({ eager: false, lives: LIVES, seed });
  await Deno.writeTextFile(`${cache}/${name}`, text);
  return name;
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
  Deno.exit(await main(args));
}
