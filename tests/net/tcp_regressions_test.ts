import { assertRejects } from "@std/assert";
import { listen } from "../../mod.ts";
import { descriptors, until } from "../session/harness.ts";

Deno.test({
  name:
    "conn.close() with a read pending closes the last socket of the shared session",
  // Elsewhere the library under test is not the system's own.
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const before = descriptors();
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const { port } = listener.addr;
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    const conn = await accepted;
    const read = conn.read(new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    listener.close();
    conn.close();
    await assertRejects(() => read, Deno.errors.Interrupted);
    client.close();
    // A wait on another thread returns first, and closes what it used.
    await until(() => descriptors() <= before, "the session to be closed");
  },
});
