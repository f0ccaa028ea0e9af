/**
 * Looks for services in the local network, by multicast DNS.
 *
 * ```sh
 * deno run --allow-ffi --allow-net examples/mdns_browser.ts
 * deno run --allow-ffi --allow-net examples/mdns_browser.ts --service _http._tcp.local
 * ```
 *
 * @module
 */
import { listenDatagram } from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  usage,
  wholeNumber,
  write,
} from "./arguments.ts";
import {
  type Answer,
  MalformedError,
  readMessage,
  readName,
  TYPE,
  writeMessage,
} from "./dns/message.ts";

const HELP = `Finds services in the local network (mDNS, DNS-SD).

  --service NAME  what to look for; all kinds by default
                  [_services._dns-sd._udp.local]
  --seconds N     how long                         [3]
  --interface I   its index, 0 for the system's    [0]
  --port N        port of the protocol             [5353]
  --help          this text

Exit code 0 if something was found, 1 if not, 2 for a wrong
argument, 130 after Ctrl-C.`;

const GROUP = "224.0.0.251";

const flags = readArguments(HELP, {
  service: "_services._dns-sd._udp.local",
  seconds: "3",
  interface: "0",
  port: "5353",
});
const seconds = wholeNumber("--seconds", flags.seconds, [1, 3600]);
const index = wholeNumber("--interface", flags.interface, [0, 0x7FFFFFFF]);
const port = wholeNumber("--port", flags.port, [1, 65_535]);
const service = flags.service.replace(/\.$/, "");

// From a port of its own it is a one-shot question, which is answered to that
// port: RFC 6762, 5.1.
using conn = await openOrExit(() => {
  const open = listenDatagram({ loopback: true });
  open.socket.setOption("multicastTimeToLive", 255);
  if (index > 0) open.socket.setOption("multicastInterface", index);
  return open;
});
const stop = new AbortController();
let interrupted = false;
using _ = onInterrupt(() => {
  interrupted = true;
  stop.abort();
});
/** Lines that were printed. */
const found = new Set<string>();
const timer = setTimeout(() => stop.abort(), 1000 * seconds);
const hearing = hear(stop.signal);
write(`looking for ${service}\n`);
await ask();
const asking = setInterval(() => void ask(), 1000);
await hearing;
clearTimeout(timer);
clearInterval(asking);
write(`${found.size} found\n`);
Deno.exitCode = interrupted ? 130 : found.size > 0 ? 0 : 1;

async function ask(): Promise<void> {
  const question = { name: service, type: TYPE.PTR };
  const data = writeMessage({ id: 0, flags: 0, question });
  try {
    await conn.send(data, { hostname: GROUP, port });
  } catch (error) {
    if (stop.signal.aborted) return;
    usage(`Cannot ask: ${(error as Error).message}`);
  }
}

async function hear(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      using batch = await conn.receiveMany({ signal });
      for (const { data, addr } of batch) take(data, addr.hostname);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** Prints what an answer says that is new. */
function take(message: Uint8Array, from: string): void {
  try {
    const { flags, records } = readMessage(message);
    if (!(flags & 0x8000)) return;
    for (const record of records) {
      const line = show(message, record, from);
      if (line === null || found.has(line)) continue;
      found.add(line);
      write(`${line.slice(0, 60)}\n`);
    }
  } catch (error) {
    // Anybody in the network can send anything.
    if (!(error instanceof MalformedError)) throw error;
  }
}

/** One line of what was found; `null` for what nobody asked. */
function show(
  message: Uint8Array,
  { name, type, data, at = 0 }: Answer,
  from: string,
): string | null {
  if (type === TYPE.PTR && name.toLowerCase() === service.toLowerCase()) {
    return `${printable(readName(message, at)[0])}  at ${from}`;
  }
  if (type === TYPE.SRV && data.length > 7) {
    const [host] = readName(message, at + 6);
    const port = data[4]! << 8 | data[5]!;
    return `${printable(name)}  is ${printable(host)}:${port}`;
  }
  return null;
}

/** Without what would move the cursor of a terminal. */
function printable(name: string): string {
  // deno-lint-ignore no-control-regex
  return name.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
