/**
 * The examples, as a person would run them.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { runExample, signalWhen } from "./child.ts";
import * as unchanged from "../windows/unchanged.ts";
import { skipped } from "../skip.ts";

const FLAGS = ["--allow-ffi", "--allow-net=127.0.0.1"];
const ignore = skipped("the examples", unchanged.reason);

/** The account lines of the demo: one for each session. */
const ACCOUNT =
  /^(server|client): registered (\d+), deregistered \2, outstanding 0, abandoned 0$/gm;

function example(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

example(
  "examples/demo.ts echoes every datagram and accounts for every buffer",
  async () => {
    const { code, stdout, stderr } = await runExample("demo.ts", {
      flags: FLAGS,
      args: ["--count", "3000"],
    });
    assertEquals([stderr, code], ["", 0]);
    assertStringIncludes(
      stdout,
      `3000 datagrams of 64 bytes over loopback, 128 at a time, backend "${
        Deno.build.os === "windows" ? "winsock" : "linux"
      }"`,
    );
    assertMatch(
      stdout,
      /^\d+ echoed datagrams per second, 0 lost, 0 damaged, in \d+\.\d\d s$/m,
    );
    const accounts = [...stdout.matchAll(ACCOUNT)].map(([, name]) => name);
    assertEquals(accounts, ["server", "client"]);
    assertMatch(stdout, /^ {2}RIOSend {2,}\d+$/m);
    assertMatch(stdout, /^ {2}RIODeregisterBuffer +1$/m);
  },
);

const SIZES = [
  "--count 1",
  "--count 50 --size 8",
  "--count 50 --window 1",
  "--count 3000 --size 1400",
  "--count 20 --size 65507 --window 2",
];

for (const args of SIZES.map((text) => text.split(" "))) {
  example(`examples/demo.ts loses nothing with ${args.join(" ")}`, async () => {
    const { code, stdout } = await runExample("demo.ts", {
      flags: FLAGS,
      args,
    });
    assertStringIncludes(stdout, "0 lost, 0 damaged");
    assertEquals(code, 0);
  });
}

const WRONG: readonly (readonly [string[], string])[] = [
  [["--count", "0"], 'Invalid --count "0": give a whole number from 1 to'],
  [["--count", "many"], 'Invalid --count "many"'],
  [["--count="], 'Invalid --count ""'],
  [["--size", "7"], 'Invalid --size "7": give a whole number from 8 to 65507'],
  [["--size", "65508"], 'Invalid --size "65508"'],
  [["--window", "1.5"], 'Invalid --window "1.5"'],
  [
    ["--port", "65536"],
    'Invalid --port "65536": give a whole number from 0 to 65535',
  ],
  [["--port=-1"], 'Invalid --port "-1"'],
  [["--unknown"], "Unknown argument --unknown"],
  [["stray"], "Unknown argument stray"],
];

for (const [args, message] of WRONG) {
  example(
    `examples/demo.ts ends with code 2 for ${JSON.stringify(args)}`,
    async () => {
      const { code, stdout, stderr } = await runExample("demo.ts", {
        flags: FLAGS,
        args,
      });
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr, message);
      assertStringIncludes(stderr, "Run with --help for the options.");
    },
  );
}

for (const name of ["demo.ts", "udp_echo_server.ts"]) {
  example(`examples/${name} explains its options with --help`, async () => {
    const { code, stdout } = await runExample(name, {
      flags: FLAGS,
      args: ["--help"],
    });
    assertEquals(code, 0);
    assertStringIncludes(stdout, "--port N");
  });
}

example(
  "examples/demo.ts releases everything when it is interrupted",
  async () => {
    const { code, stdout, stderr } = await runExample("demo.ts", {
      flags: FLAGS,
      args: ["--count", "50000000"],
      watch: signalWhen("datagrams echoed", "SIGINT"),
    });
    assertEquals([stderr, code], ["", 130]);
    assertStringIncludes(stdout, "Interrupted: everything was released");
    assertEquals([...stdout.matchAll(ACCOUNT)].length, 2);
  },
);

example(
  "examples/demo.ts ends with an error where its port is taken",
  async () => {
    const taken = Deno.listenDatagram({
      transport: "udp",
      hostname: "127.0.0.1",
      port: 0,
    });
    try {
      const { port } = taken.addr as Deno.NetAddr;
      const { code, stderr } = await runExample("demo.ts", {
        flags: FLAGS,
        args: ["--port", `${port}`, "--count", "10"],
      });
      assert(code !== 0);
      assertStringIncludes(stderr, `Cannot bind 127.0.0.1:${port}`);
    } finally {
      taken.close();
    }
  },
);

example(
  "examples/registration.ts registers and deregisters one buffer",
  async () => {
    const { code, stdout, stderr } = await runExample("registration.ts", {
      flags: ["--allow-ffi"],
    });
    assertEquals([stderr, code], ["", 0]);
    assertMatch(
      stdout,
      /^registered 65536 bytes as buffer \d+\nregistered 1, deregistered 1\n$/,
    );
  },
);

example(
  "examples/udp_echo_server.ts answers a UDP client until Ctrl-C",
  async () => {
    const client = Deno.listenDatagram({
      transport: "udp",
      hostname: "127.0.0.1",
      port: 0,
    });
    const answers: string[] = [];
    try {
      const { code, stdout, stderr } = await runExample("udp_echo_server.ts", {
        flags: FLAGS,
        args: ["--port", "0"],
        watch: async (child, stdout) => {
          const [, port] = stdout.match(/echoing UDP on 127\.0\.0\.1:(\d+)/) ??
            [];
          if (port === undefined || answers.length > 0) return;
          for (const text of ["hello", "", "x".repeat(60_000)]) {
            await client.send(new TextEncoder().encode(text), {
              transport: "udp",
              hostname: "127.0.0.1",
              port: Number(port),
            });
            const [bytes] = await client.receive(new Uint8Array(65_536));
            answers.push(new TextDecoder().decode(bytes));
          }
          await unchanged.interrupt(child);
        },
      });
      assertEquals([stderr, code], ["", 0]);
      // Ctrl-C may come before the server knows that the last one was sent.
      assertMatch(stdout, /^echoed [23] datagrams$/m);
    } finally {
      client.close();
    }
    assertEquals(answers, ["hello", "", "x".repeat(60_000)]);
  },
);

for (
  const [args, message] of [
    [["--port", "70000"], 'Invalid --port "70000"'],
    [["--hostname", "no host"], 'Invalid hostname "no host"'],
    [["--hostname", "192.0.2.1"], "Cannot bind 192.0.2.1:7777"],
  ] as const
) {
  example(
    `examples/udp_echo_server.ts ends with code 2 for ${args.join(" ")}`,
    async () => {
      const { code, stderr } = await runExample("udp_echo_server.ts", {
        flags: ["--allow-ffi", "--allow-net"],
        args,
      });
      assertEquals(code, 2);
      assertStringIncludes(stderr, message);
    },
  );
}
