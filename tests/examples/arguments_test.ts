import { assertEquals, assertStringIncludes } from "@std/assert";
import { skipped } from "../skip.ts";
import { isWine } from "../windows/wine.ts";
import { example, exampleTest } from "./program.ts";

/** Under Wine, where a process takes long, what asks nothing of the system. */
const LEFT_OUT = skipped(
  "arguments that are refused before anything is opened",
  isWine() ? "they are read alike everywhere" : undefined,
);

const EXAMPLES = [
  "dns_forwarder.ts",
  "dns_server.ts",
  "game_server.ts",
  "mdns_browser.ts",
  "media_relay.ts",
  "registration.ts",
  "statsd_sink.ts",
  "tcp_echo_server.ts",
  "throughput.ts",
  "tls_echo.ts",
  "udp_echo_server.ts",
  "udp_ping.ts",
  "worker_pool.ts",
];

/** The least that a terminal may have. */
const COLUMNS = 60;

for (const name of EXAMPLES) {
  exampleTest(`examples/${name} tells its options with --help`, async () => {
    await using program = example(name, ["--help"], { flags: [] });
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "--help");
    assertStringIncludes(stdout, "Exit code 0");
    const wide = stdout.split("\n").filter((line) => line.length > COLUMNS);
    assertEquals(wide, []);
  });

  if (LEFT_OUT) continue;
  exampleTest(`examples/${name} ends with code 2 for --unknown`, async () => {
    await using program = example(name, ["--unknown"], { flags: [] });
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "Unknown argument --unknown");
    assertStringIncludes(stderr, "Run with --help for the options.");
  });
}

const WRONG: [name: string, args: string, message: string][] = [
  ["udp_echo_server.ts", "--port x", 'Invalid --port "x": give a whole number'],
  ["udp_echo_server.ts", "--port 65536", 'Invalid --port "65536"'],
  ["udp_echo_server.ts", "--port=", 'Invalid --port ""'],
  ["udp_echo_server.ts", "stray", "Unknown argument stray"],
  ["tcp_echo_server.ts", "--port=-1", 'Invalid --port "-1"'],
  ["tcp_echo_server.ts", "--hostname 203.0.113.7", "Cannot bind 203.0.113.7"],
  ["udp_ping.ts", "--count 0", 'Invalid --count "0"'],
  ["udp_ping.ts", "--size 3", 'Invalid --size "3": give a whole number from 4'],
  ["udp_ping.ts", "--interval 1.5", 'Invalid --interval "1.5"'],
  ["registration.ts", "stray", "Unknown argument stray"],
  ["dns_forwarder.ts", "", "Missing UPSTREAM"],
  ["dns_forwarder.ts", "127.0.0.1:0", 'Invalid UPSTREAM port "0"'],
  ["dns_forwarder.ts", "127.0.0.1:x", 'Invalid UPSTREAM port "x"'],
  ["dns_forwarder.ts", "127.0.0.1 127.0.0.2", "Unknown argument 127.0.0.2"],
  ["dns_server.ts", "www", 'Invalid record "www": give NAME=VALUE'],
  [
    "dns_server.ts",
    "www.example.org=192.0.2.1",
    "not in the zone example.test",
  ],
  ["dns_server.ts", "--zone a..b", 'Invalid name "ns.a..b"'],
  ["game_server.ts", "--ticks 129", 'Invalid --ticks "129"'],
  ["mdns_browser.ts", "--interface lo", 'Invalid --interface "lo"'],
  ["media_relay.ts", "--rate=-1", 'Invalid --rate "-1"'],
  ["media_relay.ts", "--hostname 203.0.113.7", "Cannot bind 203.0.113.7"],
  ["statsd_sink.ts", "--interval 0", 'Invalid --interval "0"'],
  ["worker_pool.ts", "--workers 65", 'Invalid --workers "65"'],
  ["throughput.ts", "--window 65", 'Invalid --window "65"'],
  ["throughput.ts", "--seconds 0", 'Invalid --seconds "0"'],
];

for (const [name, args, message] of WRONG) {
  if (LEFT_OUT && !message.startsWith("Cannot bind")) continue;
  exampleTest(`examples/${name} ends with code 2 for "${args}"`, async () => {
    await using program = example(name, args.split(" ").filter(Boolean));
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, message);
  });
}
