import { assertEquals } from "@std/assert";
import { runProgram, statement } from "./harness.ts";

/** Programs that end although something waits, and what they print until then. */
const PROGRAMS: [name: string, prints: string, code: string][] = [
  [
    "conn.unref() lets the program end while a receive waits",
    "waiting",
    `const conn = listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
     conn.unref();
     console.log("waiting");
     await Promise.race([conn.receive(), Promise.resolve()]);
     conn.receive().then(() => console.log("never"));`,
  ],
  [
    "conn.ref() after unref() keeps the program until the datagram",
    "waiting received",
    `const conn = listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
     conn.unref();
     conn.ref();
     const timer = setTimeout(() => conn.send(new Uint8Array(1), conn.addr), 50);
     Deno.unrefTimer(timer);
     console.log("waiting");
     await conn.receive();
     console.log("received");
     conn.close();`,
  ],
  [
    "listener.unref() lets the program end while an accept waits",
    "waiting",
    `const listener = listen({ hostname: "127.0.0.1", port: 0 });
     listener.unref();
     console.log("waiting");
     listener.accept().then(() => console.log("never"));`,
  ],
  [
    "listener.unref() after an accept lets the program end at the next",
    "accepted",
    `const listener = listen({ hostname: "127.0.0.1", port: 0 });
     const accepted = listener.accept();
     const client = await connect(listener.addr);
     const server = await accepted;
     console.log("accepted");
     client.close();
     server.close();
     listener.unref();
     listener.accept().then(() => console.log("never"));`,
  ],
  [
    "listener.ref() after unref() keeps the program until the connection",
    "waiting accepted",
    `const listener = listen({ hostname: "127.0.0.1", port: 0 });
     listener.unref();
     listener.ref();
     const timer = setTimeout(async () => (await connect(listener.addr)).close(), 50);
     Deno.unrefTimer(timer);
     console.log("waiting");
     (await listener.accept()).close();
     console.log("accepted");
     listener.close();`,
  ],
  [
    "conn.unref() lets the program end while a read waits",
    "waiting",
    `const listener = listen({ hostname: "127.0.0.1", port: 0 });
     const accepted = listener.accept();
     const client = await connect(listener.addr);
     globalThis.server = await accepted;
     listener.close();
     client.unref();
     console.log("waiting");
     client.read(new Uint8Array(1)).then(() => console.log("never"));`,
  ],
  [
    "conn.unref() lets the program end while its stream is read",
    "waiting",
    `const listener = listen({ hostname: "127.0.0.1", port: 0 });
     const accepted = listener.accept();
     const client = await connect(listener.addr);
     globalThis.server = await accepted;
     listener.close();
     client.unref();
     console.log("waiting");
     client.readable.getReader().read().then(() => console.log("never"));`,
  ],
];

/** Replaces the timers by a clock that nobody moves, as tests of programs do. */
const FAKE_CLOCK = `
  const real = globalThis.setTimeout;
  globalThis.setTimeout = globalThis.setImmediate = () => 0;
  globalThis.setInterval = globalThis.queueMicrotask = () => 0;
  performance.now = Date.now = () => 0;
  real(async () => {
    await peer.send(new Uint8Array(1), conn.addr);
    await client.write(new Uint8Array(2));
    (await connect({ port: listener.addr.port })).close();
  }, 50);`;

PROGRAMS.push([
  "sockets go on while a clock is replaced that nobody moves",
  "1 2 accepted",
  `const listener = listen({ hostname: "127.0.0.1", port: 0 });
   const accepted = listener.accept();
   const client = await connect(listener.addr);
   const server = await accepted;
   const open = () =>
     listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
   const conn = open(), peer = open();
   ${FAKE_CLOCK}
   const waiting = [conn.receive(), server.read(new Uint8Array(9)), listener.accept()];
   console.log((await waiting[0])[0].length, await waiting[1]);
   (await waiting[2]).close();
   console.log("accepted");
   for (const socket of [listener, client, server, conn, peer]) socket.close();`,
]);

for (const [name, prints, code] of PROGRAMS) {
  statement(name, async (net) => {
    const printed = await runProgram(net, code);
    assertEquals(printed.trim().split(/\s+/).join(" "), prints);
  });
}
