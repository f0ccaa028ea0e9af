// Programs for `dgram`, unchanged over whose it is: Node's, Deno's, this
// package's. Under Node it is a program:
//
//   node dgram_program.mjs KIND COUNT WINDOW
//
// prints COUNT, seconds, and CPU seconds of user and system; for `trips` p50 and
// p99 in microseconds.
import process from "node:process";

const HERE = "127.0.0.1";
const SIZE = 64;
/** Peers that a node of a DHT knows. */
const PEERS = 10_000;

async function bind(createSocket, address = HERE) {
  const socket = createSocket("udp4");
  await new Promise((done) => socket.bind(0, address, done));
  return socket;
}

async function close(...sockets) {
  for (const socket of sockets) {
    await new Promise((done) => socket.close(done));
  }
}

/** From one socket to another, so many on their way at a time. */
async function pairs(createSocket, window) {
  const [sender, receiver] = [
    await bind(createSocket),
    await bind(createSocket),
  ];
  const { port } = receiver.address();
  const data = new Uint8Array(SIZE);
  let left = 0;
  let windowDone = () => {};
  receiver.on("message", () => {
    if (--left === 0) windowDone();
  });
  return {
    async run(count) {
      for (let done = 0; done < count; done += window) {
        left = window;
        const all = new Promise((resolve) => windowDone = resolve);
        for (let i = 0; i < window; i++) sender.send(data, port, HERE);
        await all;
      }
    },
    close: () => close(sender, receiver),
  };
}

/** Questions to many peers and their answers: each has an address of its own. */
async function peers(createSocket, window) {
  const node = await bind(createSocket, "0.0.0.0");
  const all = await bind(createSocket, "0.0.0.0");
  const { port } = all.address();
  const hosts = Array.from(
    { length: PEERS },
    (_, i) => `127.1.${i >> 8}.${i & 0xFF}`,
  );
  const question = Buffer.alloc(SIZE, "d1:ad2:id20:");
  all.on("message", (data, from) => all.send(data, from.port, from.address));
  let left = 0;
  let windowDone = () => {};
  node.on("message", () => {
    if (--left === 0) windowDone();
  });
  let next = 0;
  return {
    async run(count) {
      for (let done = 0; done < count; done += window) {
        left = window;
        const answered = new Promise((resolve) => windowDone = resolve);
        for (let i = 0; i < window; i++) {
          node.send(question, port, hosts[next++ % PEERS]);
        }
        await answered;
      }
    },
    close: () => close(node, all),
  };
}

/** One at a time, there and back. */
async function trips(createSocket) {
  const [client, server] = [await bind(createSocket), await bind(createSocket)];
  const { port } = server.address();
  const data = new Uint8Array(SIZE);
  server.on(
    "message",
    (data, from) => server.send(data, from.port, from.address),
  );
  let arrived = () => {};
  client.on("message", () => arrived());
  return {
    async run(count) {
      const all = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await new Promise((resolve) => {
          arrived = resolve;
          client.send(data, port, HERE);
        });
        all.push((performance.now() - start) * 1000);
      }
      return all;
    },
    close: () => close(client, server),
  };
}

/** The programs by name: each opens its sockets, and does its work then. */
export const PROGRAMS = { pairs, peers, trips };

if (globalThis.Deno === undefined) {
  const { createSocket } = await import("node:dgram");
  const [kind, ...numbers] = process.argv.slice(2);
  const [count, window] = numbers.map(Number);
  const program = await PROGRAMS[kind](createSocket, window);
  // What the other candidates learn in a round that is not counted.
  await program.run(Math.ceil(count / 2 / (window || 1)) * (window || 1));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const all = await program.run(count);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  if (all) {
    all.sort((a, b) => a - b);
    const at = (part) => all[Math.floor(all.length * part)];
    console.log(`${at(0.5)} ${at(0.99)}`);
  } else console.log(`${count} ${seconds} ${user / 1e6} ${system / 1e6}`);
  await program.close();
}
