/**
 * Relays a stream of media packets to everybody who subscribed, paced, and in
 * trains that the system cuts apart.
 *
 * ```sh
 * deno run --allow-ffi --allow-net examples/media_relay.ts --port 5004 --control 5005
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
  wholeNumber,
  write,
} from "./arguments.ts";

const HELP = `Relays media packets, RTP for example, to subscribers.

Whoever sends "subscribe" to the control port receives what
comes to the media port, from the control port, until it
sends "unsubscribe" or is silent for long.

  --hostname IP  address to bind              [127.0.0.1]
  --port N       media port, 0 for any        [5004]
  --control N    control port, 0 for any      [5005]
  --rate BYTES   the most a second, 0: no end [0]
  --silence S    seconds until one is dropped [30]
  --help         this text

A rate needs Linux, and the queueing discipline fq on the
interface: tc qdisc replace dev eth0 root fq.

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

/** So many segments, and bytes, a train has at the most. */
const MOST_SEGMENTS = 64;
const MOST_BYTES = 65_000;
/** A longer packet leaves alone: no segment may be longer than a path takes. */
const LONGEST_SEGMENT = 1400;

const flags = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "5004",
  control: "5005",
  rate: "0",
  silence: "30",
});
const { hostname } = flags;
const port = wholeNumber("--port", flags.port, [0, 65_535]);
const controlPort = wholeNumber("--control", flags.control, [0, 65_535]);
const rate = wholeNumber("--rate", flags.rate, [0, 0x7FFFFFFF]);
const silence = 1000 * wholeNumber("--silence", flags.silence, [1, 86_400]);

/** Packets of one size that follow one another: one send. */
interface Train {
  data: Uint8Array;
  /** Bytes of each packet. */
  size: number;
}

/** When a subscriber was heard last, by where it is. */
const subscribers = new Map<string, { addr: Deno.NetAddr; heard: number }>();
const count = { packets: 0, relayed: 0, trains: 0 };

using media = await openOrExit(() =>
  listenDatagram({ hostname, port, receiveBufferSize: 8 << 20 })
);
using control = await openOrExit(() => {
  const conn = listenDatagram({ hostname, port: controlPort });
  if (rate > 0) conn.socket.setOption("maxPacingRate", rate);
  return conn;
});
using _ = onInterrupt(() => {
  media.close();
  control.close();
});
write(
  `relaying ${hostname}:${media.addr.port}, subscribe at ` +
    `${control.addr.port}, Ctrl-C ends\n`,
);
await Promise.all([hear(), relay()]);
write(
  `${count.packets} packets, ${count.relayed} relayed in ${count.trains} sends\n`,
);

/** Takes subscriptions. */
async function hear(): Promise<void> {
  for await (const [data, addr] of control) {
    const word = new TextDecoder().decode(data).trim();
    const key = `${addr.hostname} ${addr.port}`;
    if (word === "unsubscribe") subscribers.delete(key);
    if (word !== "subscribe") continue;
    subscribers.set(key, { addr, heard: Date.now() });
    await control.send(new TextEncoder().encode("subscribed\n"), addr)
      .catch((error) => console.error(String(error)));
  }
}

/** Passes packets on. */
async function relay(): Promise<void> {
  try {
    for (;;) {
      using batch = await media.receiveMany();
      count.packets += batch.length;
      const trains = [...toTrains(batch)];
      for (const [key, { addr, heard }] of subscribers) {
        if (Date.now() - heard > silence) subscribers.delete(key);
        else await sendTo(addr, trains);
      }
    }
  } catch (error) {
    if (!saysClosed(error)) throw error;
  }
}

/** Sends one subscriber all of it; one who cannot be reached stops nobody. */
async function sendTo(addr: Deno.NetAddr, trains: Train[]): Promise<void> {
  for (const { data, size } of trains) {
    try {
      // Awaited: a socket that is paced takes no more than its rate.
      const options = data.length > size ? { segmentSize: size } : {};
      await control.send(data, addr, options);
      count.trains++;
      count.relayed += Math.ceil(data.length / size) || 1;
    } catch (error) {
      if (saysClosed(error)) throw error;
      console.error(String(error));
    }
  }
}

/** Joins packets of one size, in their order; the last may be shorter. */
function* toTrains(packets: Iterable<RioReceivedDatagram>): Generator<Train> {
  let train: Uint8Array[] = [];
  let bytes = 0;
  const joined = (): Train => {
    const data = new Uint8Array(bytes);
    let at = 0;
    for (const part of train) {
      data.set(part, at);
      at += part.length;
    }
    return { data, size: train[0]!.length };
  };
  for (const { data } of packets) {
    const [first] = train;
    const ends = first !== undefined && (
      first.length > LONGEST_SEGMENT || data.length > first.length ||
      data.length === 0 ||
      train.at(-1)!.length < first.length || first.length === 0 ||
      train.length === MOST_SEGMENTS || bytes + data.length > MOST_BYTES
    );
    if (ends) {
      yield joined();
      train = [];
      bytes = 0;
    }
    train.push(data);
    bytes += data.length;
  }
  if (train.length > 0) yield joined();
}
