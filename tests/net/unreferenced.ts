/** Ends although a listener and a connection wait; started by a test. */
import { connect, listen } from "../../mod.ts";

const listener = listen({ hostname: "127.0.0.1", port: 0 });
const accepted = listener.accept();
listener.unref();
const client = await connect({ port: listener.addr.port });
const server = await accepted;
client.unref();
// An unreferenced read is still served while something else goes on.
const other = setInterval(() => {}, 1000);
const read = client.read(new Uint8Array(4));
setTimeout(() => server.write(new Uint8Array(4)), 50);
if (await read === 4) console.log("echoed");
clearInterval(other);
listener.accept().catch(() => {});
client.read(new Uint8Array(4)).catch(() => {});
