/** The program ends, and the process goes on: `deno test`, `--watch`. */
import { assertEquals } from "@std/assert";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { output } from "../bounded.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { library, Provider } from "../windows/provider.ts";
import { skipped } from "../skip.ts";
import { sessionTest, until } from "./harness.ts";

sessionTest(
  "what is open and has requests in flight is released when the program ends",
  async () => {
    using fake = createFakeWindows();
    const session = openSession(createWinsockBackend(fake.symbols));
    const buffer = session.registerBuffer(64);
    const socket = session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
    });
    socket.receive(buffer.slice());
    const notified = socket.completions.notify();
    globalThis.dispatchEvent(new Event("unload"));
    assertEquals(await notified, false);
    await until(() => fake.waiting === 0, "the wait to end");
    const { outstanding, buffers, sockets, abandoned } = session.stats();
    assertEquals([outstanding, buffers, sockets, abandoned], [0, 0, 0, 0]);
    assertEquals(fake.leftovers(), {});
    assertEquals(fake.violations, []);
    await session.close();
  },
  { only: ["fake"] },
);

const here = (path: string) => new URL(path, import.meta.url).href;

/** A test that leaves a receive in flight, and one that goes on after it. */
const FILES: Readonly<Record<string, string>> = {
  "a_test.ts": `
    import { RioSession } from "${here("../../mod.ts")}";
    Deno.test({ name: "leaves", ...CARELESS, fn() {
      const session = RioSession.open({ library: Deno.env.get("RIO_LIBRARY")! });
      const buffer = session.registerBuffer(65536);
      for (let i = 0; i < 8; i++) {
        const socket = session.openSocket({
          transport: "udp", hostname: "127.0.0.1", receives: 4, sends: 4,
        });
        socket.receive(buffer.slice(i * 64, 64));
      }
    } });`,
  "b_test.ts": `
    Deno.test("goes on", async () => {
      for (let i = 0; i < 20; i++) {
        new Uint8Array(1 << 20).fill(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });`,
};

const name = "no memory is freed under a request when a test file ends";
Deno.test({
  name: `windows: ${name}`,
  ignore: skipped(
    name,
    library === undefined || Deno.build.os !== "windows"
      ? "no provider that would see it"
      : undefined,
  ),
  async fn() {
    using provider = new Provider(library!);
    const folder = await Deno.makeTempDir();
    const log = `${folder}/log`;
    try {
      const careless = "const CARELESS = " +
        "{ sanitizeOps: false, sanitizeResources: false };";
      for (const [file, text] of Object.entries(FILES)) {
        await Deno.writeTextFile(`${folder}/${file}`, careless + text);
      }
      const { code } = await output(Deno.execPath(), {
        args: ["test", "-A", "--no-check", "--no-config", folder],
        env: { RIO_VERIFIER_LOG: log },
      });
      const seen = await Deno.readTextFile(log).catch(() => "");
      assertEquals([code, seen], [0, ""]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    assertEquals(provider.violations(), []);
  },
});
