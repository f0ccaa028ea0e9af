/**
 * Small requests over many connections, in a process of its own. It prints its
 * process id, makes as many requests as each line that it is told says, and
 * prints a line after each.
 *
 *     deno run -A many_child.ts "Deno.connect and Deno.listen" 100
 *
 * @module
 */
import { told } from "./child.ts";
import { tcpManyOf } from "./tcp.ts";

const [name, connections] = Deno.args;
const candidate = await tcpManyOf(name!, Number(connections));
console.log(Deno.pid);
for await (const line of told()) {
  await candidate.run(Number(line));
  console.log(line);
}
Deno.exit();
