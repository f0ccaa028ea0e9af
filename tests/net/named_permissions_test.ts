/** Names in the network permission, as Deno's own sockets take them. */
import { assertEquals } from "@std/assert";
import { skipped } from "../skip.ts";

/** Connects and sends to a name under given flags, in a process of its own. */
async function reach(name: string, ...allowed: string[]): Promise<string[]> {
  const face = new URL("../../mod.ts", import.meta.url).href;
  const program = `
    import { connect, listen, listenDatagram } from "${face}";
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const outcome = (call) => call.then(() => "ok", (error) => error.name);
    const { port } = listener.addr;
    const accepted = listener.accept().catch(() => null);
    const connected = connect({ hostname: "${name}", port });
    console.log(await outcome(connected));
    const conn = await connected.catch(() => null);
    conn?.close();
    if (!conn) listener.close();
    (await accepted)?.close();
    using udp = listenDatagram({ hostname: "127.0.0.1" });
    console.log(await outcome(
      udp.send(new Uint8Array(3), { hostname: "${name}", port: udp.addr.port }),
    ));
    Deno.exit(0);
  `;
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(file, program);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-prompt",
        "--allow-ffi",
        "--allow-read",
        "--allow-import",
        `--allow-net=${["127.0.0.1:0", ...allowed].join(",")}`,
        file,
      ],
      stdin: "null",
      stderr: "inherit",
    }).output();
    return new TextDecoder().decode(stdout).trim().split("\n");
  } finally {
    await Deno.remove(file);
  }
}

/** A name beside `localhost` that leads to loopback here. */
async function loopbackName(): Promise<string | null> {
  const name = Deno.hostname();
  try {
    const { lookup } = await import("node:dns/promises");
    const { address } = await lookup(name, { family: 4 });
    return address === "127.0.0.1" ? name : null;
  } catch {
    return null;
  }
}

const name = Deno.build.os === "linux" ? await loopbackName() : null;
const ignore = skipped(
  "permissions by name",
  name === null ? "no name of this host means 127.0.0.1" : undefined,
);

Deno.test({
  name: "connect() and conn.send() reach a name that is permitted",
  ignore,
  async fn() {
    assertEquals(await reach(name!, name!), ["ok", "ok"]);
  },
});

Deno.test({
  name: "connect() and conn.send() refuse a name that is not permitted",
  ignore,
  async fn() {
    assertEquals(await reach(name!), ["NotCapable", "NotCapable"]);
  },
});
