/**
 * What sockets of node:dgram's shape have beyond it: batches, and how they are
 * brought into a program.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { once } from "node:events";
import { BlockList } from "node:net";
import process from "node:process";
import dgram, {
  createSocket,
  type Message,
  Socket,
} from "../../ffi/dgram/mod.ts";
import { isBlocked, receiveError } from "../../ffi/dgram/receives.ts";
import { WSAECONNREFUSED, WSAENOBUFS } from "../../ffi/error_numbers.ts";
import { useSession } from "../../ffi/net/shared_session.ts";
import { RioError } from "../../mod.ts";
import { childTest, run, SANITIZERS } from "./child.ts";

const HERE = "127.0.0.1";
const builtIn = process.getBuiltinModule("node:dgram")!;

function socketTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ...SANITIZERS });
}

/** A socket that is bound to any port, and closed at the end of the block. */
async function bound(): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, HERE);
  await once(socket, "listening");
  return socket;
}

/** Resolves once a socket was told so many datagrams. */
function received(socket: Socket, count: number): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve) =>
    socket.on("message", (data) => {
      texts.push(String(data));
      if (texts.length === count) resolve(texts);
    })
  );
}

socketTest(
  "Socket is an instance of the built-in Socket, and of an event emitter alone",
  async () => {
    await using socket = createSocket("udp4");
    assert(socket instanceof builtIn.Socket);
    assert(!(builtIn.createSocket("udp4").close() instanceof Socket));
    assertEquals(Reflect.get(socket, "_handle"), undefined);
    assertEquals(Object.keys(dgram), ["createSocket", "Socket"]);
  },
);

socketTest("Socket can be extended, and made with new", async () => {
  class Server extends Socket {
    answers = 0;
    constructor() {
      super("udp4", () => this.answers++);
    }
  }
  await using server = new Server();
  server.bind(0, HERE);
  await once(server, "listening");
  await using client = await bound();
  const message = once(server, "message");
  client.send("a", server.address().port, HERE);
  await message;
  assertEquals(server.answers, 1);
});

socketTest(
  "send() hands all datagrams of one turn to the system with one commit",
  async () => {
    await using receiver = await bound();
    await using sender = await bound();
    using use = useSession();
    const { port } = receiver.address();
    const all = received(receiver, 40);
    const commits = () => use.session.stats().calls.RIOSend;
    const before = commits();
    // Of different sizes: equal ones leave as one packet, whoever commits.
    for (let i = 0; i < 20; i++) sender.send("x".repeat(i), port, HERE);
    await Promise.resolve();
    for (let i = 20; i < 40; i++) sender.send("x".repeat(i), port, HERE);
    assertEquals(commits(), before);
    assertEquals((await all).map(({ length }) => length), [
      ...Array(40).keys(),
    ]);
    assertEquals(commits() - before, 1);
  },
);

socketTest(
  "messages tells all that has arrived at once, and message each of it",
  async () => {
    await using receiver = await bound();
    await using sender = await bound();
    const { port } = receiver.address();
    const batches: Message[][] = [];
    receiver.on("messages", (messages) => batches.push(messages));
    const all = received(receiver, 60);
    for (let i = 0; i < 60; i++) sender.send(`number ${i}`, port, HERE);
    const texts = await all;
    assertEquals(texts, Array.from({ length: 60 }, (_, i) => `number ${i}`));
    assertEquals(batches.flat().map(({ data }) => String(data)), texts);
    assert(batches.length < 60, `${batches.length} batches`);
    const { rinfo, data } = batches[0]![0]!;
    assertEquals(rinfo, {
      address: HERE,
      family: "IPv4",
      port: sender.address().port,
      size: data.length,
    });
  },
);

socketTest(
  "messages is told without a listener of message, and a listener that throws loses nothing",
  async () => {
    await using receiver = await bound();
    await using sender = await bound();
    const { port } = receiver.address();
    const uncaught = new Promise<Error>((resolve) =>
      process.once("uncaughtException", resolve)
    );
    let count = 0;
    const all = new Promise<void>((resolve) =>
      receiver.on("messages", (messages) => {
        const first = count === 0;
        count += messages.length;
        if (count === 30) resolve();
        if (first) throw new Error("thrown by a listener");
      })
    );
    for (let i = 0; i < 30; i++) sender.send("a", port, HERE);
    assertEquals((await uncaught).message, "thrown by a listener");
    await all;
  },
);

childTest("error is told of a permission that is missing", async () => {
  const { printed } = await run("permissions.ts", [
    "--allow-ffi",
    "--allow-net=127.0.0.1,localhost",
  ]);
  assertEquals(printed, [
    "bind error NotCapable",
    "send callback NotCapable",
    "send error NotCapable",
    "connect callback NotCapable",
    "the one that is permitted arrived",
    "by its name: by name, to a peer",
  ]);
});

childTest(
  "a bound socket keeps the process alive until it is closed",
  async () => {
    const { printed } = await run("life.ts", ["-A"], ["closed"]);
    assertEquals(printed, ["a message", "the end"]);
  },
);

childTest(
  "an unreferenced socket lets the process end, before and after it is bound",
  async () => {
    const { printed } = await run("life.ts", ["-A"], ["unreferenced"]);
    assertEquals(printed, ["the end"]);
  },
);

childTest("an uncaught exception of a listener ends the process", async () => {
  const { success, errors } = await run("life.ts", ["-A"], ["throwing"]);
  assert(!success);
  assertStringIncludes(errors, "Uncaught Error: thrown by a listener");
});

childTest("install puts the sockets where packages require them", async () => {
  const { printed } = await run("required.cjs", [
    "-A",
    "--preload",
    new URL("../../ffi/dgram/install.ts", import.meta.url).href,
  ]);
  assertEquals(printed, ["required: ours", "a message over ours"]);
});

childTest("an import map leads node:dgram here", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const ours = new URL("../../ffi/dgram/mod.ts", import.meta.url).href;
  await Deno.writeTextFile(
    file,
    JSON.stringify({ imports: { "node:dgram": ours } }),
  );
  const { printed } = await run("mapped.ts", ["-A", `--import-map=${file}`]);
  await Deno.remove(file);
  assertEquals(printed, ["imported: ours", "a message over ours"]);
});

socketTest(
  "a socket that is closed while it is bound closes also where that fails",
  async () => {
    await using taken = await bound();
    const socket = createSocket("udp4");
    const errors: Error[] = [];
    socket.on("error", (error) => errors.push(error));
    const closed = new Promise<void>((resolve) => socket.on("close", resolve));
    socket.bind(taken.address().port, HERE);
    socket.send("never sent", 9, HERE);
    socket.close();
    await closed;
    assertEquals(errors.map((error) => Reflect.get(error, "code")), [
      "EADDRINUSE",
    ]);
  },
);

socketTest(
  "data that is transferred before it leaves fails the send, and is counted out",
  async () => {
    await using socket = await bound();
    const data = new Uint8Array(50);
    const { port } = socket.address();
    const told = (what: string | Uint8Array) =>
      new Promise<Error | null>((resolve) =>
        socket.send(what, port, HERE, resolve)
      );
    const outcomes = [told("first"), told(data)];
    data.buffer.transfer();
    const [first, second] = await Promise.all(outcomes);
    assertEquals(first, null);
    assert(second instanceof TypeError);
    assertEquals([socket.getSendQueueCount(), socket.getSendQueueSize()], [
      0,
      0,
    ]);
  },
);

Deno.test("receiveError() tells of what did not arrive where there is a peer alone", () => {
  const error = (errno: number) =>
    new RioError({ errno, syscall: "RIOReceive", attempt: "receive" });
  const told = (errno: number, connected: boolean) =>
    String(receiveError(error(errno), connected));
  assertEquals(told(WSAECONNREFUSED, true), "Error: recvmsg ECONNREFUSED");
  assertEquals(receiveError(error(WSAECONNREFUSED), false), null);
  assertEquals(told(WSAENOBUFS, false), "Error: recvmsg ENOBUFS");
  const other = new Error("of another kind");
  assertStrictEquals(receiveError(other, true), other);
});

Deno.test("isBlocked() finds addresses of both families, wherever they are", () => {
  const list = new BlockList();
  list.addAddress("192.0.2.1");
  list.addAddress("fe80::1", "ipv6");
  const blocked = ["192.0.2.1", "192.0.2.2", "fe80::1%eth0", "fe80::2%1"]
    .map((address) => isBlocked(list, address));
  assertEquals(blocked, [true, false, true, false]);
});

socketTest("sockets that are closed leave nothing behind", async () => {
  using use = useSession();
  const sockets = await Promise.all(Array.from({ length: 20 }, bound));
  const last = sockets.at(-1)!;
  const all = received(last, 20 * 9);
  for (const socket of sockets) {
    for (let i = 0; i < 9; i++) socket.send("a", last.address().port, HERE);
  }
  await all;
  await Promise.all(sockets.map((socket) => socket[Symbol.asyncDispose]()));
  const { sockets: open, outstanding, buffers, registered, deregistered } = use
    .session.stats();
  assertEquals({ open, outstanding, buffers }, {
    open: 0,
    outstanding: 0,
    buffers: 0,
  });
  assertEquals(registered, deregistered);
});
