import { assertRejects } from "@std/assert";
import { listen } from "../../mod.ts";

Deno.test({
  name:
    "conn.close() with a read pending closes the last socket of the shared session",
  // Elsewhere the library under test is not the system's own.
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const { port } = listener.addr;
    using _client = await Deno.connect({ hostname: "127.0.0.1", port });
    const conn = await accepted;
    const read = conn.read(new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    listener.close();
    conn.close();
    await assertRejects(() => read, Deno.errors.Interrupted);
  },
});
