/** Where the output of the examples goes: to somebody who leaves, or little room. */
import { assert, assertEquals } from "@std/assert";
import { skipped } from "../skip.ts";
import { isWine } from "../windows/wine.ts";
import { example, exampleTest, Program } from "./program.ts";

/** Examples that write again and again, and for how long they would. */
const WRITERS: [name: string, args: string[]][] = [
  ["demo.ts", ["--count", "100000000"]],
  ["throughput.ts", ["--seconds", "1"]],
  ["udp_ping.ts", ["--count", "20"]],
  ["registration.ts", []],
];

WRITERS.push(["statsd_sink.ts", ["--port", "0", "--interval", "1"]]);
if (
  !skipped(
    "examples/mdns_browser.ts whose output nobody reads on",
    isWine() ? "Wine sends through no interface of loopback" : undefined,
  )
) {
  WRITERS.push(["mdns_browser.ts", ["--interface", "1", "--seconds", "1"]]);
}

for (const [name, args] of WRITERS) {
  exampleTest(
    `examples/${name} ends quietly when nobody reads on`,
    async () => {
      // Whatever it is in the middle of.
      const options = { leaves: true, waits: true };
      await using program = example(name, args, options);
      const { code, stderr } = await program.outcome;
      assertEquals(stderr, "");
      assert(code === 0 || code === 141, `code ${code}`);
    },
  );
}

/** The least that a terminal may have. */
const COLUMNS = 60;

for (
  const [name, args] of [
    ["throughput.ts", "--seconds 1"],
    ["udp_ping.ts", "--count 50"],
    ["demo.ts", "--count 100000"],
  ] as const
) {
  exampleTest(
    `examples/${name} draws no line that ${COLUMNS} columns would break`,
    async () => {
      const path = new URL(`../../examples/${name}`, import.meta.url).pathname;
      const command =
        `stty cols ${COLUMNS}; exec "${Deno.execPath()}" run -A --quiet --no-check "${path}" ${args}`;
      await using program = new Program("script", [
        "--quiet",
        "--return",
        "--command",
        command,
        "/dev/null",
      ]);
      const { code, stdout } = await program.outcome;
      assertEquals(code, 0);
      // deno-lint-ignore no-control-regex
      const drawn = stdout.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "\n");
      const lines = drawn.split(/[\r\n]+/);
      assert(lines.some((line) => line.length > 20), stdout);
      // What is printed once, at the end, may be longer.
      const live = name === "throughput.ts"
        ? lines.filter((line) => /[█▏▎▍▌▋▊▉]/.test(line))
        : name === "demo.ts"
        ? lines.filter((line) => /echoed \(/.test(line))
        : lines.filter((line) => /µs.*[█▏▎▍▌▋▊▉]/.test(line));
      const long = live.filter((line) => line.length > COLUMNS);
      assertEquals(long, []);
    },
    ["script", "stty"],
  );
}
