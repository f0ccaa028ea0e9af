/** The verifier says at the end of a process what is left. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ignore } from "./setup.ts";

/** Runs a program in a process of its own and returns what its verifier wrote at the end. */
async function logOf(program: string): Promise<string> {
  const log = await Deno.makeTempFile();
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const imports = ["raw", "provider"].map((name) =>
      new URL(`./${name}.ts`, import.meta.url)
    );
    await Deno.writeTextFile(
      file,
      `import { Raw } from "${imports[0]}";
       import { library, Provider } from "${imports[1]}";
       const raw = new Raw(library);
       ${program}`,
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", file],
      env: { RIO_VERIFIER_LOG: log },
    }).output();
    assertEquals(code, 3, new TextDecoder().decode(stderr));
    return await Deno.readTextFile(log);
  } finally {
    await Deno.remove(file);
    await Deno.remove(log);
  }
}

Deno.test({
  name:
    "the verifier writes what is left at process exit to its log, unless that is meant",
  ignore,
  async fn() {
    const leave =
      `raw.rio("RIORegisterBuffer", raw.pages(4096), 4096); raw.socket(2);`;
    const log = await logOf(`${leave} Deno.exit(3);`);
    assertStringIncludes(
      log,
      "1 WSAStartup references are left at process exit\n",
    );
    assertStringIncludes(
      log,
      "of 4096 bytes is still registered at process exit",
    );
    assertStringIncludes(log, "1 sockets are still open at process exit");
    assertEquals(await logOf(`raw[Symbol.dispose](); Deno.exit(3);`), "");
    assertEquals(
      await logOf(
        `${leave} new Provider(library).ignoreExit(true); Deno.exit(3);`,
      ),
      "",
    );
  },
});
