/**
 * An echo server in a process of its own; prints its port, ends with its input.
 *
 *     deno run -A --unstable-net echo_server.ts udp rio
 *
 * @module
 */
import { told } from "./child.ts";
import { ECHOES, type Transport } from "./echo.ts";

const [transport, kind] = Deno.args as [Transport, string];
const server = await ECHOES[transport][kind]!.serve();
console.log(server.port);
for await (const _ of told());
// Closing needs the clients to be gone, which this does not know.
Deno.exit();
