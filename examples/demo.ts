/**
 * An echo server and a client, each with a session of its own, exchange
 * datagrams over loopback. Every payload is checked, and at the end every
 * buffer is accounted for.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 examples/demo.ts --count 200000
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import {
  RioSession,
  type RioSlice,
  type RioSocket,
  type RioStats,
} from "../mod.ts";
import { columns, usage, write } from "./arguments.ts";

const HELP = `Echoes datagrams between two sessions over loopback.

  --count N    datagrams to send there and back    [200000]
  --size N     bytes of each, 8 to 65507           [64]
  --window N   datagrams on their way at a time    [128]
  --port N     port of the server, 0 for any       [0]
  --help       this text

Exit code 0 if nothing was lost and nothing was left, 1 if
something was, 2 for a wrong argument, 130 after Ctrl-C.`;

/** Bytes of a socket address, rounded up to keep slices aligned. */
const ADDRESS_SIZE = 32;
/** Without progress for so long, what is on its way counts as lost. */
const PATIENCE_MS = 2000;

interface Options {
  count: number;
  size: number;
  window: number;
  port: number;
}

function readOptions(): Options {
  const flags = parseArgs(Deno.args, {
    string: ["count", "size", "window", "port"],
    boolean: ["help"],
    unknown: (argument) => usage(`Unknown argument ${argument}`),
  });
  if (flags.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  const whole = (
    name: keyof Options,
    fallback: number,
    min: number,
    max: number,
  ): number => {
    const text = flags[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (
      text.trim() !== "" && Number.isInteger(value) && value >= min &&
      value <= max
    ) {
      return value;
    }
    return usage(
      `Invalid --${name} "${text}": give a whole number from ${min} to ${max}`,
    );
  };
  return {
    count: whole("count", 200_000, 1, 100_000_000),
    size: whole("size", 64, 8, 65_507),
    window: whole("window", 128, 1, 4096),
    port: whole("port", 0, 0, 65_535),
  };
}

/**
 * Makes room for a whole window: the system drops what does not fit, and counts
 * about 1 KiB for each datagram besides its bytes.
 */
function makeRoom(socket: RioSocket, { size, window }: Options): void {
  socket.setOption("receiveBufferSize", window * (2 * size + 1024));
}

/** Sends every datagram back to where it came from, until the session closes. */
function startServer(session: RioSession, options: Options) {
  const { size, window, port } = options;
  const socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    port,
    receives: window,
    sends: window,
  });
  makeRoom(socket, options);
  const slot = size + ADDRESS_SIZE;
  const buffer = session.registerBuffer(window * slot);
  const receive = (data: RioSlice, remote: RioSlice) =>
    socket.receive(data, { remote, defer: true });
  for (let i = 0; i < window; i++) {
    receive(
      buffer.slice(i * slot, size),
      buffer.slice(i * slot + size, ADDRESS_SIZE),
    );
  }
  socket.commit("receive");

  const serve = async () => {
    for await (const batch of socket.completions) {
      for (const { kind, status, slice, remote } of batch) {
        if (!slice || !remote || socket.closed) continue;
        // A received datagram goes back; one that was sent makes room.
        if (kind === "receive" && status === 0) {
          socket.send(slice, { remote, defer: true });
        } else {
          receive(slice, remote);
        }
      }
      if (!socket.closed) socket.commit();
    }
  };
  return { socket, done: serve() };
}

interface Progress {
  sent: number;
  echoed: number;
  damaged: number;
}

/** Keeps a window of datagrams on their way, and checks each that comes back. */
async function runClient(
  session: RioSession,
  server: Deno.NetAddr,
  options: Options,
  progress: Progress,
): Promise<void> {
  const { count, size, window } = options;
  const socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    receives: window,
    sends: window,
  });
  makeRoom(socket, options);
  await socket.connect(server);
  const buffer = session.registerBuffer(2 * window * size);
  const view = new DataView(buffer.bytes.buffer);
  const seen = new Uint8Array(count);
  const free: RioSlice[] = [];
  for (let i = 0; i < window; i++) {
    socket.receive(buffer.slice(i * size, size), { defer: true });
    free.push(buffer.slice((window + i) * size, size));
  }
  socket.commit("receive");

  // A payload is its number, then a pattern made from it.
  const fill = (slice: RioSlice, number: number) => {
    view.setUint32(slice.offset, number);
    slice.bytes.fill(number & 0xFF, 4);
  };
  const accept = (slice: RioSlice, length: number) => {
    const number = view.getUint32(slice.offset);
    const intact = length === size && number < count && !seen[number] &&
      slice.bytes.subarray(4).every((byte) => byte === (number & 0xFF));
    if (intact) seen[number] = 1;
    else progress.damaged++;
    progress.echoed++;
  };
  const sendMore = () => {
    while (progress.sent < count && progress.sent - progress.echoed < window) {
      const slice = free.pop();
      if (!slice) break;
      fill(slice, progress.sent++);
      socket.send(slice, { defer: true });
    }
    socket.commit();
  };

  sendMore();
  for await (const batch of socket.completions) {
    for (const { kind, status, slice, bytesTransferred } of batch) {
      if (!slice) continue;
      if (kind === "send") {
        free.push(slice);
      } else {
        if (status === 0) accept(slice, bytesTransferred);
        if (!socket.closed) socket.receive(slice, { defer: true });
      }
    }
    if (progress.echoed === count || socket.closed) break;
    sendMore();
  }
}

/** Shows how far it is: one line that is redrawn, or plain lines. */
function showProgress(progress: Progress, count: number): () => void {
  const terminal = Deno.stdout.isTerminal();
  const timer = setInterval(() => {
    const share = Math.floor(100 * progress.echoed / count);
    const line = `${progress.echoed} of ${count} datagrams echoed (${share} %)`;
    write(terminal ? `\r${line.slice(0, columns() - 1)}` : `${line}\n`);
  }, 500);
  return () => {
    clearInterval(timer);
    if (terminal) write("\r\x1b[K");
  };
}

function printAccount(name: string, stats: RioStats): boolean {
  console.log(
    `${name}: registered ${stats.registered}, deregistered ${stats.deregistered}, ` +
      `outstanding ${stats.outstanding}, abandoned ${stats.abandoned}`,
  );
  for (const [call, count] of Object.entries(stats.calls)) {
    if (count > 0) {
      console.log(`  ${call.padEnd(26)}${String(count).padStart(10)}`);
    }
  }
  return stats.registered === stats.deregistered && stats.outstanding === 0 &&
    stats.abandoned === 0;
}

async function main(): Promise<number> {
  const options = readOptions();
  const progress: Progress = { sent: 0, echoed: 0, damaged: 0 };
  let interrupted = false;
  let clean = true;
  let seconds: number;
  await using serving = RioSession.open();
  const server = startServer(serving, options);
  await using client = RioSession.open();
  console.log(
    `${options.count} datagrams of ${options.size} bytes over loopback, ` +
      `${options.window} at a time, backend "${client.backend}"`,
  );
  const stop = () => {
    interrupted = true;
    client.close();
  };
  Deno.addSignalListener("SIGINT", stop);
  const hideProgress = showProgress(progress, options.count);
  let before = -1;
  const watchdog = setInterval(() => {
    if (progress.echoed === before) client.close();
    before = progress.echoed;
  }, PATIENCE_MS);
  const start = performance.now();
  try {
    await runClient(client, server.socket.address, options, progress);
  } finally {
    seconds = (performance.now() - start) / 1000;
    clearInterval(watchdog);
    hideProgress();
    Deno.removeSignalListener("SIGINT", stop);
    await client.close();
    await serving.close();
    await server.done;
  }
  const lost = progress.sent - progress.echoed;
  console.log(
    `${Math.round(progress.echoed / seconds)} echoed datagrams per second, ` +
      // At Ctrl-C some are on their way: nobody waited for them.
      `${lost} ${interrupted ? "still on their way" : "lost"}, ` +
      `${progress.damaged} damaged, in ${seconds.toFixed(2)} s`,
  );
  clean = printAccount("server", serving.stats()) && clean;
  clean = printAccount("client", client.stats()) && clean;
  if (interrupted) {
    console.log("Interrupted: everything was released");
    return clean ? 130 : 1;
  }
  return clean && lost === 0 && progress.damaged === 0 &&
      progress.echoed === options.count
    ? 0
    : 1;
}

Deno.exit(await main());
