import { assertEquals, assertRejects } from "@std/assert";
import { output } from "../bounded.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

Deno.test("output() gives what a program prints, and how it ends", async () => {
  const code = `console.log("é"); console.error("why"); Deno.exit(3);`;
  assertEquals(await output(Deno.execPath(), { args: ["eval", code] }), {
    success: false,
    code: 3,
    stdout: "é\n",
    stderr: "why\n",
  });
});

const name =
  "output() ends a program that does not end, and tells what it has printed";
Deno.test({
  name,
  ignore: skipped(name, NOT_LINUX),
  async fn() {
    // It takes no notice of a request, and its child holds its output open.
    const script = `trap "" TERM INT; sleep 600 & echo "so far, $!"; wait`;
    const { message } = await assertRejects(
      () => output("sh", { args: ["-c", script], seconds: 2 }),
      Error,
      "did not end within 2 s:\nso far, ",
    );
    Deno.kill(Number(/so far, (\d+)/.exec(message)![1]), "SIGKILL");
  },
});
