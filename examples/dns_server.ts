/**
 * An authoritative DNS server, on UDP and TCP.
 *
 * ```sh
 * deno run --allow-ffi --allow-net examples/dns_server.ts www=192.0.2.1 www=2001:db8::1
 * dig @127.0.0.1 -p 5353 www.example.test
 * dig @127.0.0.1 -p 5353 +tcp www.example.test AAAA
 * ```
 *
 * @module
 */
import {
  listen,
  listenDatagram,
  type RioDatagram,
  type RioTcpConn,
} from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  saysClosed,
  usage,
  wholeNumber,
  write,
} from "./arguments.ts";
import { joinBytes, uint16s } from "./dns/message.ts";
import { Zone } from "./dns/zone.ts";

const HELP = `Answers DNS for one zone, on UDP and TCP.

  NAME=VALUE ...  records: an IPv4 or IPv6 address, or a
                  text; without a dot, a name in the zone
  --zone NAME     the zone                  [example.test]
  --hostname IP   address to bind           [127.0.0.1]
  --port N        port to bind, 0 for any   [5353]
  --help          this text

What does not fit a datagram is marked as cut: the client
asks again over TCP.

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

const MOST_RECORDS = 10_000;
/** How long a client may be silent, in milliseconds: RFC 7766, 6.2.3. */
const SILENCE = 10_000;

const flags = readArguments(HELP, {
  zone: "example.test",
  hostname: "127.0.0.1",
  port: "5353",
}, MOST_RECORDS);
const port = wholeNumber("--port", flags.port, [0, 65_535]);
const { hostname } = flags;
const zone = readZone();
const count = { udp: 0, tcp: 0 };
const connections = new Set<RioTcpConn>();

using udp = await openOrExit(() => listenDatagram({ hostname, port }));
using tcp = await openOrExit(() => listen({ hostname, port: udp.addr.port }));
using _ = onInterrupt(() => {
  udp.close();
  tcp.close();
  for (const conn of connections) conn[Symbol.dispose]();
});
write(`DNS for ${flags.zone} on ${hostname}:${udp.addr.port}, Ctrl-C ends\n`);
await Promise.all([serveDatagrams(), serveConnections()]);
write(`${count.udp} answers over UDP, ${count.tcp} over TCP\n`);

function readZone(): Zone {
  try {
    const zone = new Zone(flags.zone);
    for (const record of flags.positionals) {
      const [, name = "", value = ""] = /^([^=]+)=(.+)$/s.exec(record) ??
        usage(`Invalid record "${record}": give NAME=VALUE`);
      zone.add(name.includes(".") ? name : `${name}.${flags.zone}`, value);
    }
    return zone;
  } catch (error) {
    if (error instanceof RangeError) usage(error.message);
    throw error;
  }
}

/** Answers all questions of a batch with one call, each from where it came. */
async function serveDatagrams(): Promise<void> {
  for (;;) {
    try {
      using batch = await udp.receiveMany();
      const answers: RioDatagram[] = [];
      for (const { data, addr, local } of batch) {
        const answer = zone.answer(data, true);
        if (answer) answers.push({ data: answer, addr, local });
      }
      count.udp += await udp.sendMany(answers);
    } catch (error) {
      if (saysClosed(error)) return;
      // One that cannot be answered is no reason to leave the others.
      console.error(String(error));
    }
  }
}

async function serveConnections(): Promise<void> {
  const serving = new Set<Promise<void>>();
  for await (const conn of tcp) {
    const served = serve(conn).catch(() => {})
      .finally(() => serving.delete(served));
    serving.add(served);
  }
  await Promise.all(serving);
}

/** Answers one client, question by question: each has its length in front. */
async function serve(accepted: RioTcpConn): Promise<void> {
  using conn = accepted;
  connections.add(conn);
  let silent = setTimeout(() => conn[Symbol.dispose](), SILENCE);
  try {
    for (;;) {
      const length = await readBytes(conn, 2);
      const question = length &&
        await readBytes(conn, length[0]! << 8 | length[1]!);
      const answer = question && zone.answer(question, false);
      if (!answer) return;
      await conn.write(joinBytes([uint16s(answer.length), answer]));
      count.tcp++;
      clearTimeout(silent);
      silent = setTimeout(() => conn[Symbol.dispose](), SILENCE);
    }
  } finally {
    clearTimeout(silent);
    connections.delete(conn);
  }
}

/** The next bytes of a connection; `null` where the peer ends before. */
async function readBytes(
  conn: RioTcpConn,
  length: number,
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await conn.read(bytes.subarray(at));
    if (count === null) return null;
    at += count;
  }
  return bytes;
}
