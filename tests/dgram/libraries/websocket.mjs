/**
 * The library `ws` over connections of this package, as streams: a server behind
 * `node:http`, and a client.
 *
 *     deno run -A websocket.mjs FOLDER
 *
 * @module
 */
import assert from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";
import { toDuplex } from "../../../ffi/net/streams/duplex.ts";
import { connect, listen } from "../../../mod.ts";

const [folder] = process.argv.slice(2);
const { WebSocket, WebSocketServer } = createRequire(`${folder}/main.js`)("ws");

const http = createServer();
const server = new WebSocketServer({ server: http });
server.on(
  "connection",
  (socket) =>
    socket.on("message", (data, binary) => socket.send(data, { binary })),
);
const listener = listen({ hostname: "127.0.0.1" });
const serving = (async () => {
  for await (const conn of listener) http.emit("connection", toDuplex(conn));
})();

const { port } = listener.addr;
const stream = toDuplex(await connect({ hostname: "127.0.0.1", port }));
const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
  createConnection: () => stream,
});
await once(socket, "open");
for (const text of ["hello", "long ".repeat(50_000)]) {
  socket.send(text);
  const [data] = await once(socket, "message");
  assert.equal(String(data), text);
}
socket.send(Buffer.from([1, 2, 3]));
assert.deepEqual([...(await once(socket, "message"))[0]], [1, 2, 3]);
socket.close(1000, "done");
const [code, reason] = await once(socket, "close");
assert.deepEqual([code, String(reason)], [1000, "done"]);
listener.close();
await serving;
console.log("done");
