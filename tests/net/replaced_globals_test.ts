/** Programs replace what the platform gives them: sockets do not notice. */
import { assertEquals } from "@std/assert";
import { runScript } from "../session/child.ts";

/** What throws as soon as somebody asks for it. */
const TAKEN_AWAY = [
  "AbortController",
  "AbortSignal",
  "Buffer",
  "DOMException",
  "Date",
  "DisposableStack",
  "Event",
  "EventTarget",
  "FinalizationRegistry",
  "MessageChannel",
  "Promise",
  "ReadableStream",
  "WeakRef",
  "WritableStream",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "crypto",
  "performance",
  "process",
  "queueMicrotask",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "structuredClone",
];

const face = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);

/** Uses everything that waits, in a session and with what is in it. */
const TRAFFIC = `
  const bytes = (length) => new Uint8Array(length);
  const session = open();
  const options = { hostname: "127.0.0.1", session };
  const alice = listenDatagram(options), bob = listenDatagram(options);
  // A receive that waits, one that finds something, and batches.
  const waiting = bob.receive();
  await alice.send(bytes(1), bob.addr);
  const sizes = [(await waiting)[0].length];
  await alice.send(bytes(2), bob.addr);
  sizes.push((await bob.receive())[0].length);
  const many = Array.from({ length: 40 }, () => ({ data: bytes(3), addr: bob.addr }));
  const arriving = bob.receiveMany();
  await alice.sendMany(many);
  let count = 0;
  for (const batch = await arriving; ; ) {
    count += batch.length;
    batch[Symbol.dispose]();
    break;
  }
  while (count < 40) {
    using batch = await bob.receiveMany();
    count += batch.length;
  }
  const ended = bob.receive(undefined, { signal }).catch((error) => error.name);
  abort();
  sizes.push(count, await ended);
  await bob[Symbol.asyncDispose]();
  alice.close();

  const listener = listen(options);
  const accepted = listener.accept();
  const client = await connect({ hostname: "localhost", port: listener.addr.port, session });
  const server = await accepted;
  listener.unref();
  const next = listener.accept().catch((error) => error.name);
  // More than fits at a time: writes wait, too.
  const long = 5_000_000;
  const writing = client.write(bytes(long)).then(() => client.closeWrite());
  let received = 0;
  for await (const chunk of server.readable) received += chunk.length;
  const writer = server.writable.getWriter();
  await writer.write(bytes(9));
  const answer = await client.read(bytes(20));
  await writing;
  await writer.close();
  client.close();
  listener.close();
  sizes.push(received, answer, await next);
  const { outstanding, sockets } = session.stats();
  await session.close();
`;

/** What the traffic comes to. */
const DONE = [1, 2, 40, "given up", 5_000_000, 9, "BadResource"];

async function check(replace: string): Promise<void> {
  const { code, stdout, stderr } = await runScript(
    `import { connect, listen } from ${face};
    const controller = new AbortController(), { signal } = controller;
    const abort = () => controller.abort({ name: "given up" });
    ${replace}
    ${TRAFFIC}
    console.log(JSON.stringify(sizes), outstanding, sockets);
    Deno.exit();`,
    { flags: ["-A"] },
  );
  assertEquals([stdout, stderr, code], [
    `${JSON.stringify(DONE)} 0 0\n`,
    "",
    0,
  ]);
}

Deno.test("sockets ask for nothing that a program may have replaced", () =>
  check(`
    for (const name of ${JSON.stringify(TAKEN_AWAY)}) {
      Object.defineProperty(globalThis, name, {
        get() { throw new Error("Somebody asked for " + name); },
      });
    }`));

Deno.test("a clock that nobody moves hangs no socket", () =>
  check(`
    globalThis.setTimeout = globalThis.setImmediate = () => 0;
    globalThis.setInterval = globalThis.queueMicrotask = () => 0;
    performance.now = Date.now = () => 0;`));
