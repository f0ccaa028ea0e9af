/**
 * Forwards DNS queries over UDP to another server, and its answers back.
 *
 * ```sh
 * deno run --allow-ffi --allow-net examples/dns_forwarder.ts 9.9.9.9 --port 5353
 * dig @127.0.0.1 -p 5353 example.com
 * ```
 *
 * @module
 */
import { listenDatagram, type RioReceivedDatagram } from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  saysClosed,
  usage,
  wholeNumber,
} from "./arguments.ts";

const HELP = `Forwards DNS queries over UDP, many at a time.

  UPSTREAM        to ask: IP, IP:PORT or [IP]:PORT
  --hostname IP   address to bind              [127.0.0.1]
  --port N        port to bind, 0 for any      [5353]
  --timeout MS    time for an answer to arrive [2000]
  --help          this text

A query without an answer in time is answered with SERVFAIL.
Answers that do not fit a datagram are marked so by the
server; ask that server over TCP then.

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

const HEADER = 12;
const FORMERR = 1;
const SERVFAIL = 2;
/** Queries that can wait; more would make ids easy to guess. */
const MOST_WAITING = 8192;

/** Who has asked, and at which address of this host. */
type Client = Pick<RioReceivedDatagram, "addr" | "local">;

/** A query that was passed on. */
interface Query {
  /** The header and the question, with the client's id. */
  question: Uint8Array;
  client: Client;
  timer: ReturnType<typeof setTimeout>;
}

const flags = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "5353",
  timeout: "2000",
}, 1);
const port = wholeNumber("--port", flags.port, [0, 65_535]);
const timeout = wholeNumber("--timeout", flags.timeout, [1, 60_000]);
const target = readUpstream(flags.positionals[0]);

using server = await openOrExit(() =>
  listenDatagram({ hostname: flags.hostname, port })
);
using upstream = await openOrExit(async () => {
  const hostname = target.hostname.includes(":") ? "::" : "0.0.0.0";
  const conn = listenDatagram({ hostname });
  // From now on it receives from this server only.
  await conn.connect(target);
  return conn;
});
using _ = onInterrupt(() => {
  server.close();
  upstream.close();
});
console.log(
  `forwarding DNS on ${server.addr.hostname}:${server.addr.port} to ` +
    `${target.hostname}:${target.port}, Ctrl-C ends`,
);

/** Queries by the id that the upstream server knows. */
const waiting = new Map<number, Query>();
const count = { queries: 0, answers: 0, failures: 0 };
await Promise.all([forward(), answer()]);
for (const { timer } of waiting.values()) clearTimeout(timer);
console.log(
  `${count.queries} queries, ${count.answers} answers, ${count.failures} failures`,
);

/** Passes queries on; ends when the socket is closed. */
async function forward(): Promise<void> {
  try {
    for (;;) {
      using batch = await server.receiveMany();
      // Copied: the batch ends before its queries do.
      for (const { data, addr, local } of batch) {
        pass(data.slice(), { addr, local });
      }
    }
  } catch (error) {
    if (!saysClosed(error)) throw error;
  }
}

/** Passes a query on under an id of its own. */
function pass(query: Uint8Array, client: Client): void {
  // Neither a message nor an answer sent here by mistake is a query.
  if (query.length < HEADER || query[2]! & 0x80) return;
  count.queries++;
  const end = endOfQuestion(query);
  if (end === null) return fail(query.subarray(0, HEADER), client, FORMERR);
  const question = query.slice(0, end);
  if (waiting.size >= MOST_WAITING) return fail(question, client, SERVFAIL);
  const id = freeId();
  const giveUp = () => {
    if (waiting.delete(id)) fail(question, client, SERVFAIL);
  };
  const timer = setTimeout(giveUp, timeout);
  waiting.set(id, { question, client, timer });
  new DataView(query.buffer, query.byteOffset).setUint16(0, id);
  // One that cannot be sent is answered when its time is over.
  upstream.send(query).catch(() => {});
}

/** Passes answers back under the clients' ids. */
async function answer(): Promise<void> {
  for await (const [message] of upstream) {
    if (message.length < HEADER || !(message[2]! & 0x80)) continue;
    const view = new DataView(message.buffer, message.byteOffset);
    const id = view.getUint16(0);
    const query = waiting.get(id);
    // Whoever guesses an id has to guess the question as well.
    if (!query || !sameQuestion(message, query.question)) continue;
    waiting.delete(id);
    clearTimeout(query.timer);
    message.set(query.question.subarray(0, 2));
    count.answers++;
    reply(message, query.client);
  }
}

/** Answers with an error: the question again, and a code. */
function fail(question: Uint8Array, client: Client, code: number): void {
  const message = new Uint8Array(question);
  message[2] = 0x80 | message[2]! & 0x79; // an answer; opcode and RD as asked
  message[3] = 0x80 | code; // recursion is available
  message.fill(0, 6, HEADER); // no answers, nothing else
  if (question.length === HEADER) message.fill(0, 4, 6);
  count.failures++;
  reply(message, client);
}

/** Answers from the address that was asked. */
function reply(message: Uint8Array, { addr, local }: Client): void {
  server.send(message, addr, { local }).catch((error) => {
    if (!saysClosed(error)) console.error(String(error));
  });
}

/** Where the one question of a message ends; `null` if it is no good. */
function endOfQuestion(message: Uint8Array): number | null {
  const questions = message[4]! << 8 | message[5]!;
  let at = HEADER;
  while (message[at]! > 0 && message[at]! < 64) at += 1 + message[at]!;
  const end = at + 5; // the root, type and class
  return questions === 1 && message[at] === 0 && end <= message.length
    ? end
    : null;
}

function sameQuestion(message: Uint8Array, question: Uint8Array): boolean {
  const asked = question.subarray(HEADER);
  return asked.every((byte, i) => message[HEADER + i] === byte);
}

function freeId(): number {
  const id = new Uint16Array(1);
  do crypto.getRandomValues(id); while (waiting.has(id[0]!));
  return id[0]!;
}

function readUpstream(text: string | undefined) {
  if (text === undefined) usage("Missing UPSTREAM: the server to ask");
  const [, v6, v4 = text, digits = "53"] =
    /^(?:\[(.+)\]|([^:]+))(?::(.*))?$/.exec(text) ?? [];
  const port = wholeNumber("UPSTREAM port", digits, [1, 65_535]);
  return { hostname: v6 ?? v4, port };
}
