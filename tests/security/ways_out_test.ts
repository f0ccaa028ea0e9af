/** Every way out to the network asks for the network permission. */
import { assertEquals } from "@std/assert";
import { runScript } from "../session/child.ts";

const FACE = new URL("../../mod.ts", import.meta.url).href;

Deno.test("every way out is closed where only one address is allowed", async () => {
  const port = freePort();
  const script = `
    const { connect, listen } = await import("${FACE}");
    const own = { hostname: "127.0.0.1", port: ${port} };
    const session = open();
    const buffer = session.registerBuffer(4096);
    const socket = udp(session, own.port);
    const remote = buffer.slice(0, 28);
    const sendTo = (hostname, port) => () => {
      socket.writeAddress(remote, { hostname, port });
      socket.send(buffer.slice(100, 10), { remote });
    };
    await attempt("session: own", sendTo(own.hostname, own.port));
    await attempt("session: multicast", sendTo("239.1.2.3", own.port));
    await attempt("session: broadcast", sendTo("255.255.255.255", own.port));
    await attempt("session: any", sendTo("0.0.0.0", own.port));
    await attempt("session: deferred", () => {
      socket.writeAddress(remote, { hostname: "127.0.0.2", port: 9 });
      socket.send(null, { remote, defer: true });
    });
    socket.close();
    await attempt("datagrams: elsewhere", () =>
      listenDatagram({ hostname: "127.0.0.2", port: own.port }));
    const conn = listenDatagram(own);
    const bytes = new Uint8Array(4);
    const to = (hostname, port) => ({ transport: "udp", hostname, port });
    await attempt("datagrams: own", () => conn.send(bytes, conn.addr));
    await attempt("datagrams: other port", () =>
      conn.send(bytes, to("127.0.0.1", own.port ^ 1)));
    await attempt("datagrams: multicast", () =>
      conn.send(bytes, to("239.1.2.3", own.port)));
    await attempt("datagrams: many", () =>
      conn.sendMany([
        { data: bytes, addr: conn.addr },
        { data: bytes, addr: to("127.0.0.2", own.port) },
      ]));
    await attempt("datagrams: connect", () =>
      conn.connect({ hostname: "127.0.0.2", port: own.port }));
    conn.close();
    await attempt("streams: connect", () =>
      connect({ hostname: "127.0.0.2", port: own.port }));
    await attempt("streams: listen", () =>
      listen({ hostname: "127.0.0.1", port: own.port ^ 1 }));
    console.log(session.stats().posted);
    await session.close();`;
  const flags = ["--allow-ffi", `--allow-net=127.0.0.1:${port}`];
  const { stdout, stderr, code } = await runScript(script, { flags });
  assertEquals([stderr, code], ["", 0]);
  assertEquals(stdout.trim().split("\n"), [
    "session: own ok",
    "session: multicast NotCapable",
    "session: broadcast NotCapable",
    "session: any NotCapable",
    "session: deferred NotCapable",
    "datagrams: elsewhere NotCapable",
    "datagrams: own ok",
    "datagrams: other port NotCapable",
    "datagrams: multicast NotCapable",
    "datagrams: many NotCapable",
    "datagrams: connect NotCapable",
    "streams: connect NotCapable",
    "streams: listen NotCapable",
    "1",
  ]);
});

/** A port that was free a moment ago. */
function freePort(): number {
  const conn = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = conn.addr;
  conn.close();
  return port;
}
