// A program's own module: imports what an import map makes of the name.
import process from "node:process";
import dgram, { createSocket } from "node:dgram";

const builtIn = process.getBuiltinModule("node:dgram")!;
const ours = dgram.createSocket === createSocket &&
  dgram.Socket !== builtIn.Socket;
console.log("imported:", ours ? "ours" : "the built-in");
const socket = createSocket("udp4");
socket.on("message", (data) => {
  console.log(String(data));
  socket.close();
});
socket.bind(0, "127.0.0.1", () => {
  socket.send("a message over ours", socket.address().port, "127.0.0.1");
});
