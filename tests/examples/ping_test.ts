import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { example, exampleTest } from "./program.ts";

exampleTest(
  "examples/udp_ping.ts draws the answers of its own server",
  async () => {
    await using program = example("udp_ping.ts", ["--count", "50"], {
      flags: ["--allow-ffi", "--allow-net=127.0.0.1"],
    });
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "50 sent, 50 answered, 0 lost; median");
    const rows = [...stdout.matchAll(/^ +≤ \d+ µs (.{40}) (\d+)$/gm)];
    const answers = rows.map(([, , count]) => Number(count));
    assertEquals(answers.reduce((a, b) => a + b), 50);
    assertEquals(rows.some(([, bar]) => bar === "█".repeat(40)), true);
  },
);

exampleTest(
  "examples/udp_ping.ts counts what a server does not answer",
  async () => {
    const server = Deno.listenDatagram({
      transport: "udp",
      hostname: "127.0.0.1",
      port: 0,
    });
    const serving = (async () => {
      let odd = false;
      for await (const [data, from] of server) {
        odd = !odd;
        if (odd) continue;
        await server.send(data, from);
        await server.send(data, from); // a second answer counts once
      }
    })();
    const { port } = server.addr as Deno.NetAddr;
    const args = ["--count", "20", "--timeout", "300", "--interval", "1"];
    await using program = example("udp_ping.ts", [
      ...args,
      "--port",
      String(port),
    ]);
    const { code, stdout } = await program.outcome;
    server.close();
    await serving;
    assertEquals(code, 1);
    assertStringIncludes(stdout, `pinging 127.0.0.1:${port}`);
    assertStringIncludes(stdout, "20 sent, 10 answered, 10 lost");
  },
);

exampleTest(
  "examples/udp_ping.ts ends with code 1 where nobody answers",
  async () => {
    const gone = Deno.listenDatagram({
      transport: "udp",
      hostname: "127.0.0.1",
      port: 0,
    });
    const { port } = gone.addr as Deno.NetAddr;
    gone.close();
    const args = ["--count", "5", "--timeout", "100", "--port", String(port)];
    await using program = example("udp_ping.ts", args);
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stderr], [1, ""]);
    assertMatch(stdout, /no answers\n5 sent, 0 answered, 5 lost\n$/);
  },
);

exampleTest("examples/udp_ping.ts tells what it has at Ctrl-C", async () => {
  await using program = example("udp_ping.ts", ["--count", "1000000"]);
  await program.printed(/pinging/);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { code, stdout } = await program.interrupt();
  assertEquals(code, 130);
  assertMatch(stdout, /\d+ sent, \d+ answered/);
});

exampleTest("examples/throughput.ts compares three programs", async () => {
  await using program = example("throughput.ts", ["--seconds", "1"], {
    flags: ["--allow-ffi", "--allow-net=127.0.0.1", "--unstable-net"],
  });
  const { code, stdout, stderr } = await program.outcome;
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Deno\.listenDatagram +\d+ +\d+\.\d +1\.00x$/m);
  assertMatch(
    stdout,
    /^listenDatagram, the same program +\d+ +[\d.]+ +[\d.]+x$/m,
  );
  assertMatch(stdout, /^listenDatagram, in batches +\d+ +[\d.]+ +[\d.]+x$/m);
});

exampleTest("examples/throughput.ts leaves out what needs a flag", async () => {
  await using program = example("throughput.ts", ["--seconds", "1"]);
  const { code, stdout } = await program.outcome;
  assertEquals(code, 0);
  assertStringIncludes(stdout, "is left out: it needs --unstable-net");
});

exampleTest("examples/throughput.ts ends at Ctrl-C", async () => {
  await using program = example("throughput.ts", ["--seconds", "3600"]);
  await program.printed(/left out/);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { code, stdout, stderr } = await program.interrupt();
  assertEquals([code, stderr], [130, ""]);
  assertStringIncludes(stdout, "datagrams/s");
});
