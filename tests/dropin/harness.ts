/**
 * Runs one statement about sockets over every implementation that is here:
 * Deno's own, and this package's on the system's backend. Each has to leave
 * nothing behind.
 *
 * @module
 */
import { assertEquals, fail } from "@std/assert";
import * as rio from "../../mod.ts";
import { WAY_FLAGS } from "../linux/way.ts";
import { PROGRAM_MS, until, within } from "../patience.ts";
import { skipped } from "../skip.ts";

export { within };

/** What both kinds of UDP sockets are; Deno declares two methods nowhere. */
export type DatagramConn = Deno.DatagramConn & {
  ref(): void;
  unref(): void;
};

/** Deno's own options of a UDP socket. */
export type DatagramOptions = Deno.UdpListenOptions & { transport: "udp" };

/** Deno's own options of a connection; an address is enough. */
export type ConnectOptions =
  & Omit<Deno.ConnectOptions, "transport">
  & Partial<Pick<Deno.NetAddr, "transport">>;

/** One implementation of Deno's sockets. */
export interface Net {
  /** Whether it is Deno's own. */
  readonly native: boolean;
  /** The system. */
  readonly os: typeof Deno.build.os;
  /** Opens a UDP socket. */
  listenDatagram(options: DatagramOptions): DatagramConn;
  /** Opens a TCP connection. */
  connect(options: ConnectOptions): Promise<Deno.TcpConn>;
  /** Opens a TCP listener. */
  listen(options: Deno.TcpListenOptions): Deno.TcpListener;
}

/** What a statement needs beyond sockets. */
export interface Needs {
  /** Why it is left out, if it is. */
  skip?: string | undefined;
  /** What it may do. */
  permissions?: Deno.PermissionOptionsObject;
}

type Body = (net: Net) => void | Promise<void>;

const library = Deno.build.os === "windows"
  ? Deno.env.get("RIO_LIBRARY")
  : undefined;

// Libraries stay open once they were: the sanitizers count from here.
openSession().close();

function openSession(): rio.RioSession {
  return rio.RioSession.open(library === undefined ? {} : { library });
}

/** Registers a statement, once for each implementation. */
export function statement(name: string, body: Body, needs: Needs = {}): void {
  const ignore = skipped(name, needs.skip);
  const register = (who: string, run: (body: Body) => Promise<void>) =>
    Deno.test({
      name: `${who}: ${name}`,
      ignore,
      permissions: needs.permissions ?? "inherit",
      fn: () => leavingNoDescriptor(() => run(body)),
    });
  register("Deno", runNative);
  register(Deno.build.os, runOurs);
}

const NATIVE: Omit<Net, "native" | "os"> = {
  listenDatagram: (options) => Deno.listenDatagram(options) as DatagramConn,
  connect: (options) => Deno.connect(options as Deno.ConnectOptions),
  listen: (options) => Deno.listen(options),
};

async function runNative(body: Body): Promise<void> {
  await run(body, true, NATIVE);
}

async function runOurs(body: Body): Promise<void> {
  const session = openSession();
  try {
    await run(body, false, {
      listenDatagram: (options) =>
        rio.listenDatagram(Object.assign({ session }, options)),
      connect: (options) =>
        rio.connect(
          Object.assign({ session }, options as Deno.ConnectOptions),
        ),
      listen: (options) => rio.listen(Object.assign({ session }, options)),
    });
    await until(() => holds(session) === "", () => holds(session));
  } finally {
    await session.close();
  }
  const { registered, deregistered, abandoned } = session.stats();
  assertEquals({ registered: deregistered, abandoned: 0 }, {
    registered,
    abandoned,
  });
}

/** What a session still holds when every socket was closed. */
function holds(session: rio.RioSession): string {
  const { sockets, outstanding } = session.stats();
  return sockets === 0 && outstanding === 0
    ? ""
    : `${sockets} sockets, ${outstanding} requests`;
}

async function run(
  body: Body,
  native: boolean,
  { listenDatagram, connect, listen }: Omit<Net, "native" | "os">,
): Promise<void> {
  const open: { close(): void }[] = [];
  const keep = <T extends { close(): void }>(socket: T): T => {
    open.push(socket);
    return socket;
  };
  try {
    await body({
      native,
      os: Deno.build.os,
      listenDatagram: (options) => keep(listenDatagram(options)),
      connect: async (options) => keep(await connect(options)),
      listen: (options) => {
        const listener = keep(listen(options));
        const accept = listener.accept.bind(listener);
        listener.accept = async () => keep(await accept());
        return listener;
      },
    });
  } finally {
    for (const socket of open) close(socket);
  }
}

async function leavingNoDescriptor(run: () => Promise<void>): Promise<void> {
  const before = descriptors();
  await run();
  await until(
    () => descriptors() <= before,
    () => `${descriptors() - before} descriptors more than before`,
  );
}

function close(socket: { close(): void }): void {
  try {
    socket.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** How many descriptors this process has open; 0 where that cannot be seen. */
function descriptors(): number {
  if (Deno.build.os !== "linux") return 0;
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return 0;
    throw error;
  }
}

/** A pause in which the system can do what it has begun. */
export function pause(milliseconds = 20): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A UDP socket on loopback, at a free port. */
export function udp(
  net: Net,
  options: Partial<DatagramOptions> = {},
): DatagramConn & { readonly addr: Deno.NetAddr } {
  return net.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
    ...options,
  }) as DatagramConn & { readonly addr: Deno.NetAddr };
}

/** A TCP listener on loopback, at a free port. */
export function tcp(
  net: Net,
  options: Partial<Deno.TcpListenOptions> = {},
): Deno.TcpListener {
  return net.listen({ hostname: "127.0.0.1", port: 0, ...options });
}

/** Both ends of a TCP connection over loopback. */
export async function pair(
  net: Net,
): Promise<[client: Deno.TcpConn, server: Deno.TcpConn]> {
  using listener = tcp(net);
  const accepted = listener.accept();
  const client = await within(net.connect(listener.addr));
  return [client, await within(accepted)];
}

/** Reads so many bytes. */
export async function readFully(
  conn: Deno.TcpConn,
  length: number,
): Promise<Uint8Array> {
  const data = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const count = await within(conn.read(data.subarray(at)));
    if (count === null) fail(`The peer ended after ${at} of ${length} bytes`);
    at += count;
  }
  return data;
}

/** An address as a plain object. */
export function plain(addr: Deno.Addr): Record<string, unknown> {
  return { ...addr };
}

/** Some bytes. */
export function bytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, i) => i * 7 + length);
}

/** Passes a value of the wrong type on purpose. */
export function wrong<T>(value: unknown): T {
  return value as T;
}

/** Runs a program in a child process until its end; returns what it printed. */
export async function runProgram(net: Net, code: string): Promise<string> {
  const face = new URL("../../mod.ts", import.meta.url);
  const provider = new URL("../windows/provider.ts", import.meta.url);
  const names = "{ connect, listen, listenDatagram }";
  const prelude = net.native
    ? `const ${names} = Deno;`
    : `import { RioSession, connect as connectIn, listen as listenIn,
         listenDatagram as listenDatagramIn } from "${face}";
       const library = Deno.build.os === "windows"
         ? Deno.env.get("RIO_LIBRARY") : undefined;
       if (library) {
         // Such a program ends with its sockets open, on purpose.
         const { Provider } = await import("${provider}");
         new Provider(library).ignoreExit(true);
       }
       const session = RioSession.open(library ? { library } : {});
       const connect = (o) => connectIn({ session, ...o });
       const listen = (o) => listenIn({ session, ...o });
       const listenDatagram = (o) => listenDatagramIn({ session, ...o });`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--unstable-net", "--ext=ts"]
      .concat(WAY_FLAGS, "-"),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const late = setTimeout(() => child.kill(), PROGRAM_MS);
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${prelude}\n${code}`));
    await writer.close();
    const { code: exit, stdout } = await child.output();
    assertEquals(exit, 0);
    return new TextDecoder().decode(stdout);
  } finally {
    clearTimeout(late);
  }
}
