/**
 * Deno's permissions, with programs that run under real flags.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runScript } from "./child.ts";

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Runs a script and gives its lines. */
async function lines(script: string, flags: string[]): Promise<string[]> {
  const { stdout, stderr, code } = await runScript(script, { flags });
  assertEquals([stderr, code], ["", 0]);
  return stdout.trim().split("\n");
}

Deno.test("mod.ts needs no permission to be imported", async () => {
  assertEquals(await lines(`console.log(typeof RioSession.open);`, []), [
    "function",
  ]);
});

Deno.test("RioSession.open() throws NotCapable without --allow-ffi", async () => {
  const script = `
    try { open(); } catch (error) {
      console.log(error instanceof Deno.errors.NotCapable, error.message);
    }`;
  const [line] = await lines(script, ["--allow-net"]);
  assertStringIncludes(line!, "true Requires ffi access");
});

Deno.test("rioSupport() says without throwing that --allow-ffi is missing", async () => {
  const script = `
    const { supported, backend, reason, functions, osRelease } = rioSupport(OPTIONS);
    console.log(JSON.stringify([supported, backend !== null, osRelease]));
    console.log(reason);
    console.log(Object.values(functions).join());`;
  const [first, reason, functions] = await lines(script, []);
  assertEquals(first, "[false,true,null]");
  assertStringIncludes(reason!, "--allow-ffi");
  assertEquals(functions, new Array(13).fill("false").join());
});

Deno.test("rioSupport() says that --allow-ffi with a path is not enough", async () => {
  const script = `
    const { supported, reason } = rioSupport(OPTIONS);
    console.log(supported);
    console.log(reason);`;
  const [supported, reason] = await lines(script, ["--allow-ffi=/nowhere"]);
  assertEquals(supported, "false");
  assertStringIncludes(reason!, "--allow-ffi");
});

Deno.test("a session without --allow-net registers, and refuses every address", async () => {
  const script = `
    const session = open();
    const buffer = session.registerBuffer(4096);
    await attempt("udp", () => udp(session));
    await attempt("any", () => session.openSocket({ transport: "udp" }));
    await attempt("six", () => udp(session, 0, "::1"));
    await attempt("listener", () =>
      session.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 }));
    const client = session.openSocket({ transport: "tcp" });
    await attempt("connect", () => client.connect({ hostname: "127.0.0.1", port: 9 }));
    client.close();
    const { sockets, completionQueues } = session.stats();
    console.log(sockets, completionQueues);
    session[Symbol.dispose]();
    console.log(session.stats().deregistered);`;
  assertEquals(await lines(script, ["--allow-ffi"]), [
    "udp NotCapable",
    "any NotCapable",
    "six NotCapable",
    "listener NotCapable",
    "connect NotCapable",
    "0 0",
    "1",
  ]);
});

Deno.test("where every host is permitted nothing is kept for each", async () => {
  // Deno keeps what it answers for each host and port that it was asked for.
  const script = `
    const asked = new Set();
    for (const name of ["querySync", "requestSync"]) {
      const native = Deno.permissions[name].bind(Deno.permissions);
      Deno.permissions[name] = (descriptor) => {
        if (descriptor.name === "net") asked.add(descriptor.host);
        return native(descriptor);
      };
    }
    const kept = [];
    const { add } = Set.prototype;
    Set.prototype.add = function (value) {
      if (/^127.* /.test(String(value))) kept.push(value);
      return add.call(this, value);
    };
    const session = open();
    for (let port = 1; port <= 2; port++) {
      const socket = udp(session);
      await socket.connect({ hostname: "127.0.0.1", port });
    }
    console.log("asked", [...asked].join());
    console.log("kept", kept.join());
    session[Symbol.dispose]();`;
  const all = ["--allow-ffi", "--allow-net"];
  assertEquals(await lines(script, all), ["asked ", "kept"]);
  const one = ["--allow-ffi", "--allow-net=127.0.0.1"];
  assertEquals(await lines(script, one), [
    "asked ,127.0.0.1:0,127.0.0.1:1,127.0.0.1:2",
    "kept 127.0.0.1 0,127.0.0.1 1,127.0.0.1 2",
  ]);
});

Deno.test("a session with --allow-net of one port allows that one alone", async () => {
  const port = freePort();
  const other = freePort();
  const script = `
    const session = open();
    const buffer = session.registerBuffer(4096);
    const [port, other] = [${port}, ${other}];
    let socket;
    await attempt("bind", () => { socket = udp(session, port); });
    await attempt("bind other", () => udp(session, other));
    await attempt("bind any", () => udp(session));
    await attempt("bind elsewhere", () => udp(session, port, "0.0.0.0"));
    const to = buffer.slice(0, 28);
    const send = (hostname, port) => () => {
      socket.writeAddress(to, { hostname, port });
      socket.send(buffer.slice(100, 10), { remote: to });
    };
    await attempt("send", send("127.0.0.1", port));
    await attempt("send again", send("127.0.0.1", port));
    await attempt("send other", send("127.0.0.1", other));
    await attempt("send elsewhere", send("127.0.0.2", port));
    console.log(session.stats().posted);
    await attempt("connect", () => socket.connect({ hostname: "127.0.0.1", port }));
    await attempt("connect other", () =>
      socket.connect({ hostname: "127.0.0.1", port: other }));
    await session.close();
    const { registered, deregistered, outstanding } = session.stats();
    console.log(registered, deregistered, outstanding);`;
  const flags = ["--allow-ffi", `--allow-net=127.0.0.1:${port}`];
  assertEquals(await lines(script, flags), [
    "bind ok",
    "bind other NotCapable",
    "bind any NotCapable",
    "bind elsewhere NotCapable",
    "send ok",
    "send again ok",
    "send other NotCapable",
    "send elsewhere NotCapable",
    "2",
    "connect ok",
    "connect other NotCapable",
    "1 1 0",
  ]);
});

Deno.test("a session with --allow-net of a host allows all its ports", async () => {
  const script = `
    const session = open();
    // What is dropped may be collected before the end, with a warning.
    const kept = [];
    await attempt("four", async () => kept.push(await udp(session)));
    await attempt("six", () => udp(session, 0, "::1"));
    await attempt("any", () => udp(session, 0, "0.0.0.0"));
    const listener = session.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 });
    const client = session.openSocket({ transport: "tcp" });
    const accepted = listener.accept();
    await attempt("connect", () => client.connect(listener.address));
    await attempt("accept", async () => kept.push(await accepted));
    await session.close();
    kept.push(listener, client);`;
  assertEquals(await lines(script, ["--allow-ffi", "--allow-net=127.0.0.1"]), [
    "four ok",
    "six NotCapable",
    "any NotCapable",
    "connect ok",
    "accept ok",
  ]);
});

Deno.test("a session with --allow-net of an IPv6 host allows it", async () => {
  const script = `
    const session = open();
    await attempt("six", () => udp(session, 0, "::1"));
    await attempt("four", () => udp(session));
    await session.close();`;
  assertEquals(await lines(script, ["--allow-ffi", "--allow-net=[::1]"]), [
    "six ok",
    "four NotCapable",
  ]);
});

Deno.test("a session refuses what --deny-net takes out of --allow-net", async () => {
  const port = freePort();
  const script = `
    const session = open();
    const buffer = session.registerBuffer(4096);
    const socket = udp(session);
    const to = buffer.slice(0, 28);
    const address = { hostname: "127.0.0.1", port: ${port} };
    socket.writeAddress(to, address);
    await attempt("send", () => socket.send(buffer.slice(100, 10), { remote: to }));
    await attempt("bind", () => udp(session, ${port}));
    await attempt("connect", () => socket.connect(address));
    socket.writeAddress(to, socket.address);
    await attempt("send to another", () =>
      socket.send(buffer.slice(100, 10), { remote: to }));
    // The IPv4-mapped form is the same destination.
    const dual = session.openSocket({ transport: "udp", hostname: "::" });
    dual.writeAddress(to, address);
    await attempt("send mapped", () => dual.send(buffer.slice(100, 10), { remote: to }));
    await session.close();`;
  const flags = ["--allow-ffi", "--allow-net", `--deny-net=127.0.0.1:${port}`];
  assertEquals(await lines(script, flags), [
    "send NotCapable",
    "bind NotCapable",
    "connect NotCapable",
    "send to another ok",
    "send mapped NotCapable",
  ]);
});
