/** Echoes, in a process that may have few files open; started by a test. */
import { listen } from "../../mod.ts";

const listener = listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);
for await (const conn of listener) {
  conn.readable.pipeTo(conn.writable).catch(() => {});
}
