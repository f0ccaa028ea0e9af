// As an npm package: requires the built-in.
const { createSocket, Socket } = require("dgram");

const socket = createSocket("udp4");
// Deno's own has a handle of Node's inside.
const ours = socket instanceof Socket && socket._handle === undefined;
console.log("required:", ours ? "ours" : "the built-in");
socket.on("message", (data) => {
  console.log(String(data));
  socket.close();
});
socket.bind(0, "127.0.0.1", () => {
  socket.send("a message over ours", socket.address().port, "127.0.0.1");
});
