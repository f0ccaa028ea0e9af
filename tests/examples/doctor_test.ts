/**
 * The doctor, run as a user runs it: what it prints, how it exits, and that
 * nothing takes it along.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { skipped } from "../skip.ts";

const SCRIPT = new URL("../../examples/doctor.ts", import.meta.url).href;
/** Ends a doctor that does not end by itself, in milliseconds. */
const BOUND = 240_000;

const WINDOWS = Deno.build.os === "windows";
const LIBRARY = WINDOWS ? Deno.env.get("RIO_LIBRARY") : undefined;
const ON_LIBRARY = LIBRARY === undefined ? [] : ["--library", LIBRARY];
const ALL = ["-A"];
const QUESTIONS = Array.from({ length: 11 }, (_, i) => String(i + 1));

/** What it measures and tries beside the questions. */
const PRACTICE = ["calls", "closing", "pending", "locked", "latency"]
  .concat("families", "segments", "multicast");

interface Experiment {
  name: string;
  end: string;
  reason?: string;
  findings: {
    what: string;
    expected?: string;
    seen: string;
    verdict: string;
  }[];
}

interface Report {
  works: boolean;
  trouble?: string;
  system: { os: string; release: string | null };
  permissions: Record<string, { granted: boolean }>;
  support: { supported: boolean } | null;
  counts: Record<string, number>;
  experiments: Experiment[];
}

/** Starts the doctor; what the experiments provoke is not for the rig's log. */
function start(
  permissions: string[],
  args: string[],
  log: string,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt"]
      .concat(permissions, SCRIPT, args),
    env: { NO_COLOR: "1", RIO_VERIFIER_LOG: log },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(BOUND),
  }).spawn();
}

async function doctor(permissions: string[], ...args: string[]) {
  const log = await Deno.makeTempFile();
  try {
    const output = await start(permissions, args, log).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const seen = await Deno.readTextFile(log);
    // What is refused is asked on purpose; nothing may be worse than that.
    const violations = seen.split("\n")
      .filter((line) => line !== "" && !line.startsWith("refused:"));
    assertEquals(violations, []);
    return {
      code: output.code,
      stdout: text(output.stdout),
      stderr: text(output.stderr),
    };
  } finally {
    await Deno.remove(log);
  }
}

async function report(
  permissions: string[],
  ...args: string[]
): Promise<Report & { code: number }> {
  const { code, stdout, stderr } = await doctor(
    permissions,
    "--json",
    ...ON_LIBRARY,
    ...args,
  );
  assertEquals(stderr, "");
  return { code, ...JSON.parse(stdout) };
}

function endsOf({ experiments }: Report): Record<string, string> {
  return Object.fromEntries(experiments.map(({ name, end }) => [name, end]));
}

Deno.test("the doctor answers every question when it may do everything", async () => {
  const { code, works, system, support, counts, experiments } = await report(
    ALL,
  );
  assertEquals({ code, works }, { code: 0, works: true });
  assertEquals(system.os, Deno.build.os);
  assertEquals(system.release, Deno.osRelease());
  assertEquals(support?.supported, true);
  const names = experiments.map(({ name }) => name);
  assertEquals(names.slice(-QUESTIONS.length), QUESTIONS);
  for (const name of PRACTICE) assert(names.includes(name), name);
  for (const { name, end, reason, findings } of experiments) {
    assertEquals(end, "done", `${name}: ${reason}`);
    assert(findings.length > 0, `${name} found nothing`);
  }
  const all = experiments.flatMap(({ findings }) => findings);
  assertEquals(
    counts.match,
    all.filter(({ verdict }) => verdict === "match").length,
  );
  for (const { what, expected, seen, verdict } of all) {
    // What a stand-in for Windows does otherwise is not this package's.
    const differs = verdict === "differs" && Deno.build.os === "linux";
    assert(!differs, `${what} differs: ${seen}`);
    assert(what !== "" && seen !== "", `${what}: ${seen}`);
    assertEquals(expected === undefined, verdict === "fact", what);
  }
});

Deno.test("the doctor is exported, published, and needs no other package", async () => {
  const config = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  assertEquals(config.exports["./doctor"], "./examples/doctor.ts");
  const { include } = config.publish;
  for (const path of ["examples/doctor.ts", "examples/doctor/"]) {
    assert(include.includes(path), path);
  }
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", SCRIPT],
  }).output();
  const { modules }: { modules: { specifier: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const root = new URL("../../", import.meta.url).href;
  const foreign = modules.map(({ specifier }) => specifier)
    .filter((specifier) => !/^node:/.test(specifier))
    .filter((specifier) =>
      !["ffi/", "examples/doctor", "mod.ts"].some((path) =>
        specifier.startsWith(`${root}${path}`)
      )
    );
  assertEquals(foreign, []);
});

Deno.test("the doctor prints for people when --json is not given", async () => {
  const { code, stdout } = await doctor(ALL, "--only", "5", ...ON_LIBRARY);
  assertEquals(code, 0);
  assertStringIncludes(stdout, `Deno            ${Deno.version.deno}`);
  assertStringIncludes(stdout, "\nQuestion 5: ");
  assertStringIncludes(stdout, "  match        resize to 0 ");
  assertStringIncludes(stdout, "\n  Registered I/O works here\n");
  assert(!stdout.includes("\x1b"), "colours where there is no terminal");
  assert(!stdout.includes("\nQuestion 6: "), "an experiment nobody asked for");
});

Deno.test("the doctor explains itself when --help is given", async () => {
  const { code, stdout } = await doctor([], "--help");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "--timeout SECONDS");
});

Deno.test("the doctor exits with 2 when an argument is wrong", async () => {
  const wrong = [
    ["--frobnicate"],
    ["now"],
    ["--timeout", "0"],
    ["--timeout", "soon"],
    ["--timeout="],
    ["--only", "12"],
    ["--library="],
    ...(WINDOWS ? [] : [["--library", "other.dll"]]),
  ];
  for (const args of wrong) {
    const { code, stdout, stderr } = await doctor([], ...args);
    assertEquals({ args, code, stdout }, { args, code: 2, stdout: "" });
    assertStringIncludes(stderr, "Run with --help for the options.");
  }
});

Deno.test("the doctor exits with 1 when --allow-ffi is missing", async () => {
  const { code, stdout, stderr } = await doctor([], ...ON_LIBRARY);
  assertEquals({ code, stderr }, { code: 1, stderr: "" });
  assertStringIncludes(stdout, "missing (--allow-ffi)");
  assertStringIncludes(stdout, "\nLeft out: --allow-ffi is missing\n");
  assertStringIncludes(stdout, "not seen working");
});

Deno.test("the doctor sends nothing when --allow-net is missing", async () => {
  const found = await report(
    ["--allow-ffi", "--allow-run", "--allow-sys=osRelease"],
  );
  assertEquals({ code: found.code, works: found.works }, {
    code: 1,
    works: false,
  });
  assertEquals(found.support?.supported, true);
  const { support, provider, calls, locked, ...others } = endsOf(found);
  assertEquals(
    [support, provider, calls, locked],
    ["done", "done", "done", "done"],
  );
  assertEquals([...new Set(Object.values(others))], ["left out"]);
});

Deno.test("the doctor leaves out the risks when --allow-run is missing", async () => {
  const found = await report(["--allow-ffi", "--allow-net=127.0.0.1"]);
  const { code, works, system, permissions } = found;
  assertEquals({ code, works, release: system.release }, {
    code: 0,
    works: true,
    release: null,
  });
  assertEquals(permissions.run?.granted, false);
  const ends = endsOf(found);
  assertEquals({ 2: ends["2"], 5: ends["5"] }, { 2: "left out", 5: "done" });
});

Deno.test("the doctor goes on when an experiment hangs or crashes", async () => {
  // Wine takes its time to start a process and to end one that crashed.
  const seconds = WINDOWS ? "8" : "2";
  const experiments = "hang,crash,5";
  const found = await report(
    ALL,
    ...["--only", experiments, "--timeout", seconds],
  );
  assertEquals(found.code, 0);
  assertEquals(endsOf(found), {
    support: "done",
    functions: "done",
    session: "done",
    hang: "hung",
    crash: "crashed",
    5: "done",
  });
  const crash = found.experiments.find(({ name }) => name === "crash");
  assertEquals(crash?.findings.map(({ seen }) => seen), [
    "this much was known",
  ]);
  assertEquals({ hung: found.counts.hung, crashed: found.counts.crashed }, {
    hung: 1,
    crashed: 1,
  });
});

Deno.test({
  name: "the doctor says what it knows when Ctrl-C ends it",
  ignore: skipped(
    "the doctor and Ctrl-C",
    WINDOWS ? "Windows sends none to one process" : undefined,
  ),
  async fn() {
    const log = await Deno.makeTempFile();
    await using child = start(ALL, ["--only", "hang"], log);
    let text = "";
    const decoder: TransformStream<Uint8Array, string> =
      new TextDecoderStream();
    for await (const part of child.stdout.pipeThrough(decoder)) {
      const before = text;
      text += part;
      // The last line before the experiment that hangs.
      const line = "what closing left";
      if (text.includes(line) && !before.includes(line)) child.kill("SIGINT");
    }
    const { code } = await child.status;
    await child.stderr.cancel();
    await Deno.remove(log);
    assertEquals(code, 130);
    assertStringIncludes(text, "\nResult\n");
    assertStringIncludes(text, "1 interrupted");
  },
});

Deno.test({
  name: "the doctor exits with 1 when the system has no Registered I/O",
  ignore: skipped(
    "the doctor without Registered I/O",
    LIBRARY === undefined ? "RIO_LIBRARY is not set" : undefined,
  ),
  async fn() {
    const { code, stdout } = await doctor(ALL, "--json");
    const found: Report = JSON.parse(stdout);
    assertEquals({ code, works: found.works }, { code: 1, works: false });
    assertStringIncludes(found.trouble ?? "", "is not available");
    const { support, provider, functions } = endsOf(found);
    assertEquals({ support, provider, functions }, {
      support: "done",
      provider: "done",
      functions: "left out",
    });
  },
});
