/**
 * An echo server in a process of its own. It prints its port and, for each line
 * it is told, how many bytes of memory it occupies; it ends with its input.
 *
 *     deno run -A --unstable-net echo_server.ts udp rio
 *
 * @module
 */
import { told } from "./child.ts";
import { ECHOES, type Transport } from "./echo.ts";

/** V8's collector, as `--expose-gc` gives it. */
type Collect = (options: { type: string; flavor: string }) => void;
const { gc } = globalThis as { gc?: Collect };

const [transport, kind] = Deno.args as [Transport, string];
const server = await ECHOES[transport][kind]!.serve();
console.log(server.port);
for await (const _ of told()) console.log(await resident());
// Closing needs the clients to be gone, which this does not know.
Deno.exit();

/** What the process occupies, when the garbage is gone. */
async function resident(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    gc?.({ type: "major", flavor: "last-resort" });
  }
  return Deno.memoryUsage().rss;
}
