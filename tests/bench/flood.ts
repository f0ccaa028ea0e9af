/**
 * Sends as many datagrams of 64 bytes as it can, in a process of its own: for
 * each line `PORT MILLISECONDS` that it is told. It prints how many it has sent.
 *
 * With many senders, a shared port spreads them; a send of many segments costs
 * the system little more than one datagram.
 *
 * @module
 */
import { listenDatagram } from "../../mod.ts";
import { told } from "./child.ts";

const SIZE = 64;
const SEGMENTS = 32;
const SENDERS = 16;

const senders = Array.from(
  { length: SENDERS },
  () => listenDatagram({ hostname: "127.0.0.1" }),
);
const data = new Uint8Array(SIZE * SEGMENTS);
const options = { segmentSize: SIZE };
for await (const line of told()) {
  const [port, milliseconds] = line.split(" ").map(Number);
  const to: Deno.NetAddr = {
    transport: "udp",
    hostname: "127.0.0.1",
    port: port!,
  };
  const end = performance.now() + milliseconds!;
  let sent = 0;
  while (performance.now() < end) {
    for (const sender of senders) await sender.send(data, to, options);
    sent += SENDERS * SEGMENTS;
  }
  console.log(sent);
}
Deno.exit();
