/**
 * Workers that end in every way with sockets open: the ports are free again,
 * and peers are told.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runScript } from "./child.ts";

/** How a worker ends: what its main thread does, or what it does itself. */
const ENDS = {
  "is terminated": "terminate",
  "closes itself": "self.close()",
  "throws": `throw new Error("on purpose")`,
  "exits": "Deno.exit(1)",
} as const;

for (const [what, how] of Object.entries(ENDS)) {
  Deno.test(`a worker that ${what} frees the ports of its sockets, and their peers are told`, async () => {
    const { code, stdout, stderr } = await runScript(
      `
      import { connect, listen } from "${new URL(
        "../../mod.ts",
        import.meta.url,
      )}";
      const hostname = "127.0.0.1";
      const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
      const message = (port) => new Promise((resolve) => {
        port.onmessage = ({ data }) => resolve(data);
      });
      if ("WorkerGlobalScope" in globalThis) worker();
      else main();

      async function worker() {
        const told = message(self);
        self.postMessage("");
        const port = await told;
        const session = open();
        const conn = listenDatagram({ session, hostname, port: 0 });
        const closed = listenDatagram({ session, hostname, port: 0 });
        const listener = listen({ session, hostname, port: 0 });
        const client = await connect({ session, hostname, port });
        for (const waits of [conn.receive(), listener.accept(), client.read(new Uint8Array(1))]) {
          waits.catch(() => {});
        }
        closed.close();
        await pause();
        self.onmessage = () => { ${how === "terminate" ? "" : how} };
        self.postMessage([conn.addr.port, listener.addr.port]);
      }

      async function main() {
        const acceptor = Deno.listen({ hostname, port: 0 });
        const worker = new Worker(import.meta.url, { type: "module" });
        worker.onerror = (event) => event.preventDefault();
        await message(worker);
        const told = message(worker);
        worker.postMessage(acceptor.addr.port);
        const peer = await acceptor.accept();
        const [udp, tcp] = await told;
        const free = (port, listens) => {
          try {
            if (listens) Deno.listen({ hostname, port }).close();
            else Deno.listenDatagram({ transport: "udp", hostname, port }).close();
            return true;
          } catch {
            return false;
          }
        };
        console.log(free(udp, false), free(tcp, true));
        if (${how === "terminate"}) worker.terminate();
        else worker.postMessage("");
        // Nobody is told of the end of a thread.
        while (!free(udp, false) || !free(tcp, true)) await pause();
        console.log(await peer.read(new Uint8Array(1)).catch(({ name }) => name === "ConnectionReset" ? null : name));
        Deno.exit(0);
      }`,
      { flags: ["-A", "--unstable-net"], leaves: true },
    );
    assertEquals([code, stdout], [0, "false false\nnull\n"], stderr);
  });
}
