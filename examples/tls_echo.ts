/**
 * Speaks TLS over connections of this package: a server and a client, with a
 * certificate that is made for the occasion.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 examples/tls_echo.ts
 * ```
 *
 * @module
 */
import { once } from "node:events";
import { connect as connectTls, TLSSocket } from "node:tls";
import { toDuplex } from "../ffi/net/streams/duplex.ts";
import { connect, listen, type RioTcpConn } from "../mod.ts";
import { readArguments } from "./arguments.ts";
import { type Certificate, makeCertificate } from "./certificate.ts";

const HELP = `Echoes a text over TLS, with a server of its own.

  --text TEXT  what is sent  [hello]
  --help       this text

Exit code 0 if it came back, 1 if not, 2 for a wrong
argument.`;

const hostname = "127.0.0.1";
const { text } = readArguments(HELP, { text: "hello" });
const certificate = await makeCertificate("localhost", hostname);

using listener = listen({ hostname });
const served = listener.accept().then((conn) => serve(conn, certificate));
const conn = await connect({ hostname, port: listener.addr.port });
const answer = await ask(conn, certificate.cert, text);
await served;
console.log(`echoed "${answer}" over TLS`);
Deno.exitCode = answer === text ? 0 : 1;

/** The server: sends back what it receives, and ends with the client. */
async function serve(conn: RioTcpConn, own: Certificate): Promise<void> {
  const { key, cert } = own;
  const secure = new TLSSocket(toDuplex(conn), { isServer: true, key, cert });
  secure.pipe(secure);
  await once(secure, "close");
}

/** The client: trusts that certificate alone. */
async function ask(
  conn: RioTcpConn,
  ca: string,
  question: string,
): Promise<string> {
  const secure = connectTls({
    socket: toDuplex(conn),
    ca,
    servername: "localhost",
  });
  secure.end(question);
  let answer = "";
  for await (const chunk of secure) answer += chunk;
  return answer;
}
