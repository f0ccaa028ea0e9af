// Tells who is told of a permission that is missing.
import { once } from "node:events";
import { createSocket } from "../../../ffi/dgram/mod.ts";

const ELSEWHERE = "192.0.2.1";

const denied = createSocket("udp4").bind(0, ELSEWHERE);
console.log("bind error", (await once(denied, "error"))[0].name);
denied.close();

const receiver = createSocket("udp4").bind(0, "127.0.0.1");
await once(receiver, "listening");
const { port } = receiver.address();
const socket = createSocket("udp4").bind(0, "127.0.0.1");
await once(socket, "listening");
const told = await new Promise<Error>((resolve) =>
  socket.send("a", 9, ELSEWHERE, (error) => resolve(error!))
);
console.log("send callback", told.name);
const [error, message] = [once(socket, "error"), once(receiver, "message")];
socket.send("a", 9, ELSEWHERE);
socket.send("b", port, "127.0.0.1");
console.log("send error", (await error)[0].name);
const refused = await new Promise<Error>((resolve) =>
  socket.connect(9, ELSEWHERE, (error) => resolve(error!))
);
console.log("connect callback", refused.name);
console.log(
  "the one that is permitted",
  String((await message)[0]) === "b" ? "arrived" : "did not arrive",
);

// Not the address, but its name is permitted.
const texts: string[] = [];
const all = new Promise<void>((resolve) =>
  receiver.on("message", (data) => {
    texts.push(String(data));
    if (texts.length === 2) resolve();
  })
);
Deno.permissions.revokeSync({ name: "net", host: "127.0.0.1" });
const named = createSocket("udp4").bind(0, "localhost");
await once(named, "listening");
named.send("by name", port, "localhost", (error) => {
  if (error) console.log(error);
  named.connect(port, "localhost", (error) => {
    if (error) console.log(error);
    named.send("to a peer");
  });
});
await all;
console.log("by its name:", texts.join(", "));
named.close();
socket.close();
receiver.close();
