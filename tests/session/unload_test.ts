/**
 * Programs that begin anew in the same process: what they had open is closed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runScript } from "./child.ts";
import { WAY_FLAGS } from "../linux/way.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

Deno.test("a program that unloads closes its sockets, and no descriptor twice", async () => {
  const { code, stdout, stderr } = await runScript(
    `
    import { connect, listen } from "${new URL(
      "../../mod.ts",
      import.meta.url,
    )}";
    const hostname = "127.0.0.1";
    const session = open();
    const conn = listenDatagram({ session, hostname, port: 0 });
    const listener = listen({ session, hostname, port: 0 });
    const { port } = listener.addr;
    const accepted = listener.accept();
    const client = await Deno.connect({ hostname, port });
    const server = await accepted;
    for (const waits of [conn.receive(), listener.accept(), server.read(new Uint8Array(1))]) {
      waits.catch(() => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.dispatchEvent(new Event("unload"));
    console.log(await client.read(new Uint8Array(1)).catch(({ name }) => name === "ConnectionReset" ? null : name));
    // They have the ports, and perhaps the numbers of the descriptors.
    const peer = Deno.listenDatagram({ transport: "udp", hostname, port: conn.addr.port });
    const again = Deno.listen({ hostname, port });
    for (const one of [conn, listener, server]) one.close();
    const connecting = Deno.connect({ hostname, port });
    (await again.accept()).close();
    console.log(await (await connecting).read(new Uint8Array(1)));
    await peer.send(new Uint8Array(3), peer.addr);
    console.log((await peer.receive())[0].length);
    Deno.exit(0);`,
    { flags: ["-A", "--unstable-net"], leaves: true },
  );
  assertEquals([code, stdout, stderr], [0, "null\nnull\n3\n", ""]);
});

Deno.test({
  name: "a program can send while it unloads, to all who listen",
  // There sends leave together, after those who listen.
  ignore: skipped("sending while a program unloads", NOT_LINUX),
  async fn() {
    const { code, stdout, stderr } = await runScript(
      `
    const hostname = "127.0.0.1";
    const session = open();
    const conn = listenDatagram({ session, hostname, port: 0 });
    const peer = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    addEventListener("unload", () => conn.send(new Uint8Array(7), peer.addr));
    globalThis.dispatchEvent(new Event("unload"));
    Deno.listenDatagram({ transport: "udp", hostname, port: conn.addr.port });
    console.log((await peer.receive())[0].length);
    Deno.exit(0);`,
      { flags: ["-A", "--unstable-net"], leaves: true },
    );
    assertEquals([code, stdout, stderr], [0, "7\n", ""]);
  },
});

Deno.test("atUnload() calls all back, in order, after those who listen", async () => {
  const { code, stdout, stderr } = await runScript(
    `
    import { atUnload } from "${new URL(
      "../../ffi/unload.ts",
      import.meta.url,
    )}";
    import * as again from "${new URL(
      "../../ffi/unload.ts?again",
      import.meta.url,
    )}";
    atUnload(() => console.log("first"));
    atUnload(() => console.log("second"));
    again.atUnload(() => console.log("another version"));
    addEventListener("unload", () => console.log("listener"));
    globalThis.dispatchEvent(new Event("unload"));
    Deno.exit(0);`,
    { flags: ["-A", "--unstable-net"], leaves: true },
  );
  assertEquals(
    [code, stdout, stderr],
    [0, "listener\nfirst\nsecond\nanother version\n", ""],
  );
});

const RESTARTS = 3;
/** The most that they take together, in milliseconds. */
const BOUND_MS = 120_000;

Deno.test({
  name:
    "a program that starts again with --watch finds its ports free, and its peers are told",
  ignore: skipped("deno run --watch", NOT_LINUX),
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "rio-watch-" });
    const path = `${directory}/main.js`;
    const source = (port: number, text: string) => `
      import { listen, listenDatagram } from "${new URL(
      "../../mod.ts",
      import.meta.url,
    )}";
      const hostname = "127.0.0.1";
      try {
        const udp = listenDatagram({ hostname, port: ${port} });
        const tcp = listen({ hostname, port: udp.addr.port });
        console.log("listens", udp.addr.port, "${text}");
        udp.receive();
        for await (const conn of tcp) conn.read(new Uint8Array(1));
      } catch (error) {
        console.log("failed", error.name);
      }`;
    await Deno.writeTextFile(path, source(0, "0"));
    const late = AbortSignal.timeout(BOUND_MS);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--watch",
        "--quiet",
        "--no-check",
        "-A",
        "--unstable-net",
        ...WAY_FLAGS,
        path,
      ],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdout: "piped",
      stderr: "null",
      signal: late,
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const next = async (): Promise<string> => {
      while (!text.includes("\n")) {
        const { value, done } = await lines.read();
        if (done) return text;
        text += value;
      }
      const [line] = text.split("\n", 1);
      text = text.slice(line!.length + 1);
      return line!;
    };
    try {
      let before = await next();
      const port = Number(before.split(" ")[1]);
      assertEquals(before, `listens ${port} 0`);
      for (let i = 1; i <= RESTARTS; i++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        const told = conn.read(new Uint8Array(1)).catch(() => null);
        // Deno does not say when it watches.
        const write = () => Deno.writeTextFileSync(path, source(port, `${i}`));
        const timer = setInterval(write, 500);
        write();
        // It may have begun twice with the text before.
        let line: string;
        do line = await next(); while (line === before);
        clearInterval(timer);
        assertEquals(line, before = `listens ${port} ${i}`);
        assertEquals(await told, null);
        conn.close();
      }
    } finally {
      if (!late.aborted) child.kill("SIGKILL");
      await child.status;
      await lines.cancel();
      await Deno.remove(directory, { recursive: true });
    }
  },
});
