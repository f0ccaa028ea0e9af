/**
 * An echo server for any UDP client, until Ctrl-C.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 examples/udp_echo_server.ts --port 7777
 * echo hello | nc -u -w1 127.0.0.1 7777
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { RioError, RioSession } from "../mod.ts";

const HELP = `Sends every datagram back to where it came from.

  --hostname IP   address to bind    [127.0.0.1]
  --port N        port to bind       [7777]
  --help          this text`;

/** Receives that wait for datagrams at a time. */
const RECEIVES = 64;
/** The longest datagram over IPv4, in bytes. */
const DATAGRAM = 65_507;
/** Bytes of a socket address, rounded up. */
const ADDRESS = 32;

const { hostname, port, help, _: rest } = parseArgs(Deno.args, {
  string: ["hostname", "port"],
  boolean: ["help"],
  default: { hostname: "127.0.0.1", port: "7777" },
});
if (help || rest.length > 0) {
  console.log(HELP);
  Deno.exit(help ? 0 : 2);
}

using session = RioSession.open();
using socket = openOrExit();
using buffer = session.registerBuffer(RECEIVES * (DATAGRAM + ADDRESS));
for (let i = 0; i < RECEIVES; i++) receive(i);

const { address } = socket;
console.log(`echoing UDP on ${address.hostname}:${address.port}, Ctrl-C ends`);
Deno.addSignalListener("SIGINT", () => socket.completions.close());

let echoed = 0;
for await (const batch of socket.completions) {
  for (
    const { kind, status, slice, remote, bytesTransferred, context } of batch
  ) {
    if (kind === "receive" && status === 0 && slice && remote) {
      const answer = buffer.slice(slice.offset, bytesTransferred);
      socket.send(answer, { remote, context });
      echoed++;
    } else {
      receive(context as number);
    }
  }
}
console.log(`echoed ${echoed} datagrams`);

/** Posts the receive of one slot: room for a datagram and for its sender. */
function receive(slot: number): void {
  const at = slot * (DATAGRAM + ADDRESS);
  const remote = buffer.slice(at + DATAGRAM, ADDRESS);
  socket.receive(buffer.slice(at, DATAGRAM), { remote, context: slot });
}

function openOrExit() {
  try {
    return session.openSocket({
      transport: "udp",
      hostname,
      port: Number(port),
      receives: RECEIVES,
      sends: RECEIVES,
    });
  } catch (error) {
    if (
      error instanceof TypeError || error instanceof RangeError ||
      error instanceof RioError
    ) {
      console.error(`${error.message}\nRun with --help for the options.`);
      Deno.exit(2);
    }
    throw error;
  }
}
