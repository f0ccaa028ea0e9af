// Ends when nothing keeps it alive, and says so.
import { once } from "node:events";
import { createSocket } from "../../../ffi/dgram/mod.ts";

const [what] = Deno.args;
const socket = createSocket("udp4");
if (what === "unreferenced") {
  socket.unref().bind(0, "127.0.0.1");
  const other = createSocket("udp4").bind(0, "127.0.0.1");
  await once(other, "listening");
  other.unref();
} else {
  socket.on("message", () => {
    if (what === "throwing") throw new Error("thrown by a listener");
    console.log("a message");
    socket.close();
  });
  socket.bind(0, "127.0.0.1", () => {
    const sender = createSocket("udp4");
    const { port } = socket.address();
    sender.send("a", port, "127.0.0.1", () => sender.close());
  });
}
addEventListener("unload", () => console.log("the end"));
