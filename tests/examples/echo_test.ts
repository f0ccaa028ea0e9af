import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { example, exampleTest, run } from "./program.ts";

/** Starts an echo server; gives the program and its port. */
async function startEcho(protocol: "tcp" | "udp") {
  const program = example(`${protocol}_echo_server.ts`, ["--port", "0"], {
    flags: ["--allow-ffi", "--allow-net=127.0.0.1"],
  });
  const [, port = ""] = await program.printed(/ on 127\.0\.0\.1:(\d+),/);
  return { program, port };
}

async function readFully(conn: Deno.Conn, length: number) {
  const data = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await conn.read(data.subarray(at));
    if (count === null) break;
    at += count;
  }
  return data;
}

exampleTest(
  "examples/udp_echo_server.ts answers many clients at once",
  async () => {
    const { program, port } = await startEcho("udp");
    await using _program = program;
    const clients = Array.from({ length: 10 }, () =>
      Deno.listenDatagram({
        transport: "udp",
        hostname: "127.0.0.1",
        port: 0,
      }));
    const to = {
      transport: "udp" as const,
      hostname: "127.0.0.1",
      port: Number(port),
    };
    await Promise.all(clients.map(async (client, i) => {
      for (let round = 0; round < 20; round++) {
        await client.send(new Uint8Array([i, round]), to);
        assertEquals((await client.receive())[0], new Uint8Array([i, round]));
      }
      client.close();
    }));
    const { code, stdout, stderr } = await program.interrupt();
    assertEquals([code, stderr], [0, ""]);
    // Ctrl-C may come before the server knows that the last ones were sent.
    assertMatch(stdout, /^echoed (200|19\d) datagrams$/m);
  },
);

exampleTest("examples/udp_echo_server.ts answers nc", async () => {
  const { program, port } = await startEcho("udp");
  await using _program = program;
  const args = ["-u", "-w", "1", "127.0.0.1", port];
  assertEquals(await run("nc", args, "hello nc"), "hello nc");
}, ["nc"]);

exampleTest("examples/udp_echo_server.ts answers socat", async () => {
  const { program, port } = await startEcho("udp");
  await using _program = program;
  const args = ["-t", "1", "-", `UDP4:127.0.0.1:${port}`];
  assertEquals(await run("socat", args, "hello socat"), "hello socat");
}, ["socat"]);

exampleTest(
  "examples/tcp_echo_server.ts echoes until the client ends",
  async () => {
    const { program, port } = await startEcho("tcp");
    await using _program = program;
    const data = crypto.getRandomValues(new Uint8Array(60_000));
    const exchange = async () => {
      using conn = await Deno.connect({ port: Number(port) });
      const back = readFully(conn, data.length);
      for (let at = 0; at < data.length;) {
        at += await conn.write(data.subarray(at));
      }
      assertEquals(await back, data);
      await conn.closeWrite();
      assertEquals(await conn.read(new Uint8Array(1)), null);
    };
    await Promise.all([exchange(), exchange(), exchange()]);
    const { code, stdout, stderr } = await program.interrupt();
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "echoed 180000 bytes on 3 connections");
  },
);

exampleTest(
  "examples/tcp_echo_server.ts loses nobody to a client that breaks",
  async () => {
    const { program, port } = await startEcho("tcp");
    await using _program = program;
    using patient = await Deno.connect({ port: Number(port) });
    for (let i = 0; i < 5; i++) {
      // Closed with answers unread: the system resets the connection.
      const rude = await Deno.connect({ port: Number(port) });
      await rude.write(new Uint8Array(10_000));
      await rude.read(new Uint8Array(1));
      rude.close();
    }
    await patient.write(new Uint8Array([1, 2, 3]));
    assertEquals(await readFully(patient, 3), new Uint8Array([1, 2, 3]));
    // Ctrl-C ends with the connection open.
    const { code, stderr } = await program.interrupt();
    assertEquals([code, stderr], [0, ""]);
  },
);

exampleTest("examples/tcp_echo_server.ts answers nc", async () => {
  const { program, port } = await startEcho("tcp");
  await using _program = program;
  const args = ["-w", "5", "-N", "127.0.0.1", port];
  assertEquals(await run("nc", args, "hello nc\n"), "hello nc\n");
}, ["nc"]);

exampleTest("examples/tcp_echo_server.ts answers socat", async () => {
  const { program, port } = await startEcho("tcp");
  await using _program = program;
  const text = "hello socat\n".repeat(10_000);
  const args = ["-t", "5", "-", `TCP4:127.0.0.1:${port}`];
  assertEquals(await run("socat", args, text), text);
}, ["socat"]);

exampleTest("examples/tls_echo.ts gets its text back over TLS", async () => {
  for (const text of ["hello", "ünïcödé ".repeat(1000)]) {
    await using program = example("tls_echo.ts", ["--text", text], {
      flags: ["--allow-ffi", "--allow-net=127.0.0.1"],
    });
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, `echoed "${text}" over TLS\n`);
  }
});
