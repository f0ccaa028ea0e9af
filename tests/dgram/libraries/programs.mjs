/**
 * What each library does, over loopback. The same for every `dgram`.
 *
 * A program gets `require`, which finds the libraries, and `open(type)`: where it
 * is given, it makes the sockets of the library, and returns them; without it the
 * library makes its own.
 *
 * @module
 */
import assert from "node:assert";
import { once } from "node:events";

const HERE = "127.0.0.1";
/** A group and a port that nobody else uses. */
const GROUP = "239.255.41.7";
const GROUP_PORT = 41007;

/** Two that speak multicast DNS: one asks, the other answers. */
async function multicastDns({ require, open }) {
  const make = require("multicast-dns");
  const speaker = () => {
    const options = {
      ip: GROUP,
      port: GROUP_PORT,
      interface: HERE,
      bind: "0.0.0.0",
    };
    const socket = open?.({ type: "udp4", reuseAddr: true });
    return make(socket ? { ...options, socket } : options);
  };
  const [asks, answers] = [speaker(), speaker()];
  await Promise.all([once(asks, "ready"), once(answers, "ready")]);
  answers.on("query", ({ questions }) => {
    const [{ name }] = questions;
    answers.respond([{ name, type: "A", data: "192.0.2.7" }]);
  });
  const response = once(asks, "response");
  asks.query("printer.local", "A");
  const [{ answers: [{ name, data }] }] = await response;
  assert.deepEqual([name, data], ["printer.local", "192.0.2.7"]);
  for (const mdns of [asks, answers]) {
    await new Promise((resolve) => mdns.destroy(resolve));
  }
}

/** Three nodes of a BitTorrent DHT: one announces, another finds it. */
async function bittorrentDht({ require, load, open }) {
  const { default: DHT } = await load("bittorrent-dht");
  const krpcSocket = open && require("k-rpc-socket");
  const krpc = open && require("k-rpc");
  const node = async (bootstrap) => {
    const dht = new DHT({
      bootstrap,
      host: HERE,
      ...open && {
        krpc: krpc({
          idLength: 20,
          nodes: bootstrap,
          krpcSocket: krpcSocket({ socket: open("udp4") }),
        }),
      },
    });
    await new Promise((resolve) => dht.listen(0, HERE, resolve));
    return dht;
  };
  const first = await node(false);
  const known = [`${HERE}:${first.address().port}`];
  const nodes = [await node(known), await node(known)];
  await Promise.all(nodes.map((dht) => dht.ready || once(dht, "ready")));
  const infoHash = Buffer.alloc(20, "torrent");
  await new Promise((resolve, reject) =>
    nodes[0].announce(
      infoHash,
      6881,
      (error) => error ? reject(error) : resolve(),
    )
  );
  const found = once(nodes[1], "peer");
  nodes[1].lookup(infoHash);
  const [{ host, port }] = await found;
  assert.deepEqual([host, port], [HERE, 6881]);
  for (const dht of [first, ...nodes]) {
    await new Promise((resolve) => dht.destroy(resolve));
  }
}

/** A DNS server, and a client that asks it 50 names at a time. */
async function dns2({ require, open }) {
  // It makes its sockets itself, and extends their class.
  if (open) return "it takes no socket";
  const { createUDPServer, UDPClient, Packet } = require("dns2");
  const server = createUDPServer((request, send) => {
    const response = Packet.createResponseFromRequest(request);
    const [{ name }] = request.questions;
    const address = `192.0.2.${parseInt(name)}`;
    const { TYPE: { A: type }, CLASS: { IN } } = Packet;
    response.answers.push({ name, type, class: IN, ttl: 60, address });
    send(response);
  });
  await server.listen(0, HERE);
  const resolve = UDPClient({ dns: HERE, port: server.address().port });
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  const all = await Promise.all(
    numbers.map((number) => resolve(`${number}.example.com`)),
  );
  assert.deepEqual(
    all.map(({ answers: [{ address }] }) => address),
    numbers.map((number) => `192.0.2.${number}`),
  );
  await new Promise((resolve) => server.close(resolve));
}

/** Open Sound Control: a client plays, a server hears. */
async function nodeOsc({ require, open }) {
  if (open) return "it takes no socket";
  const { Server, Client, Bundle } = require("node-osc");
  const server = new Server(0, HERE);
  await once(server, "listening");
  const client = new Client(HERE, server._sock.address().port);
  const message = once(server, "message");
  client.send("/note", 60, 0.5, "piano");
  const [[path, note, volume, name]] = await message;
  assert.deepEqual([path, note, volume, name], ["/note", 60, 0.5, "piano"]);
  const bundle = once(server, "bundle");
  client.send(new Bundle(["/one", 1], ["/two", 2]));
  const [{ elements }] = await bundle;
  assert.deepEqual(elements.map(([path]) => path), ["/one", "/two"]);
  for (const end of [client, server]) {
    await new Promise((resolve) => end.close(resolve));
  }
}

/** StatsD: a client counts, and a plain socket sees what it was told. */
async function hotShots({ require, open, listen }) {
  if (open) return "it takes no socket";
  const { StatsD } = require("hot-shots");
  const server = await listen();
  const lines = [];
  const all = new Promise((resolve) =>
    server.on("message", (data) => {
      lines.push(...data.toString().trim().split("\n"));
      if (lines.length === 102) resolve();
    })
  );
  const { port } = server.address();
  const client = new StatsD({ host: HERE, port, prefix: "app." });
  for (let i = 0; i < 100; i++) client.increment("requests");
  client.gauge("load", 0.5);
  await new Promise((resolve) => client.timing("answer", 12, resolve));
  await all;
  // In which order is told by the statements: Deno's own sends in another.
  const others = lines.filter((line) => line !== "app.requests:1|c");
  assert.deepEqual(others.sort(), ["app.answer:12|ms", "app.load:0.5|g"]);
  await new Promise((resolve) => client.close(resolve));
  await new Promise((resolve) => server.close(resolve));
}

/** CoAP: a server, a client, an answer in blocks, and something observed. */
async function coap({ require, open, listen }) {
  const { Agent, createServer, request } = require("coap");
  const long = Buffer.alloc(5000, "block by block ");
  const server = createServer((request, response) => {
    if (request.url === "/long") return response.end(long);
    if (request.headers.Observe === 0) {
      response.write("first");
      setTimeout(() => response.end("second"), 10);
      return;
    }
    response.end(`hello, ${request.url}`);
  });
  const socket = open ? await listen() : undefined;
  await new Promise((resolve) =>
    socket ? server.listen(socket, resolve) : server.listen(0, HERE, resolve)
  );
  const { port } = server._sock.address();
  const ask = async (options) => {
    // An agent closes its socket when nothing is asked any more.
    const agent = new Agent(open ? { socket: open("udp4") } : { type: "udp4" });
    const asked = request({ hostname: HERE, port, agent, ...options });
    const response = once(asked, "response");
    asked.end();
    return (await response)[0];
  };
  const hello = await ask({ pathname: "/world" });
  assert.equal(hello.payload.toString(), "hello, /world");
  const whole = await ask({ pathname: "/long" });
  assert(long.equals(whole.payload));
  const seen = [];
  const observed = await ask({ pathname: "/seen", observe: true });
  await new Promise((resolve) =>
    observed.on("data", (data) => {
      seen.push(data.toString());
      if (seen.length === 2) resolve();
    })
  );
  assert.deepEqual(seen, ["first", "second"]);
  observed.close();
  await new Promise((resolve) => server.close(resolve));
  socket?.close();
}

/** The programs by the names of the libraries. */
export const PROGRAMS = {
  "multicast-dns": multicastDns,
  "bittorrent-dht": bittorrentDht,
  dns2,
  "node-osc": nodeOsc,
  "hot-shots": hotShots,
  coap,
};
