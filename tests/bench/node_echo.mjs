// UDP echo with node:dgram, in Deno and in Node. Under Node it is a program:
//
//   node node_echo.mjs serve               until its input ends
//   node node_echo.mjs trips COUNT [PORT]  prints p50 and p99 in microseconds;
//                                          without a port it serves itself
import { createSocket } from "node:dgram";
import process from "node:process";

const HOST = "127.0.0.1";

async function open() {
  const socket = createSocket("udp4");
  await new Promise((done) => socket.bind(0, HOST, done));
  return {
    socket,
    port: socket.address().port,
    [Symbol.asyncDispose ?? Symbol("dispose")]: () =>
      new Promise((done) => socket.close(done)),
  };
}

/** Echoes until it is disposed. */
export async function serve() {
  const server = await open();
  const { socket } = server;
  socket.on("message", (data, from) => socket.send(data, from.port, HOST));
  return server;
}

/** A client whose `trip()` is one datagram there and back. */
export async function connect(port, size) {
  const client = await open();
  const data = new Uint8Array(size);
  let arrived = () => {};
  client.socket.on("message", () => arrived());
  const trip = () =>
    new Promise((resolve) => {
      arrived = resolve;
      client.socket.send(data, port, HOST);
    });
  return { ...client, trip };
}

const [role, count, port] = process.argv.slice(2);
if (globalThis.Deno === undefined && role === "serve") {
  const server = await serve();
  console.log(server.port);
  process.stdin.on("end", () => process.exit()).resume();
} else if (globalThis.Deno === undefined) {
  const client = await connect(Number(port ?? (await serve()).port), 64);
  // What the other candidates learn in a round that is not counted.
  for (let i = 0; i < Number(count) / 2; i++) await client.trip();
  const trips = [];
  for (let i = 0; i < Number(count); i++) {
    const start = performance.now();
    await client.trip();
    trips.push((performance.now() - start) * 1000);
  }
  trips.sort((a, b) => a - b);
  const at = (part) => trips[Math.floor(trips.length * part)];
  console.log(`${at(0.5)} ${at(0.99)}`);
  process.exit();
}
