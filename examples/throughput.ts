/**
 * Sends datagrams over loopback through Deno's own sockets and through this
 * package's, and draws how many arrive.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 --unstable-net examples/throughput.ts
 * ```
 *
 * @module
 */
import { listenDatagram, type RioDatagramConn } from "../mod.ts";
import {
  bar,
  columns,
  Drawing,
  onInterrupt,
  readArguments,
  wholeNumber,
} from "./arguments.ts";

const HELP = `Compares UDP sockets over loopback, in one process.

  --seconds N  time for each                         [2]
  --size N     bytes of each datagram, 1 to 8192     [64]
  --window N   datagrams on their way, 1 to 64       [32]
  --help       this text

Every datagram is awaited: what is counted has arrived.
Without --unstable-net Deno's own sockets are left out.

Exit code 0, 2 for a wrong argument, 130 after Ctrl-C.`;

/** Both ends of one kind of socket. */
interface Contestant {
  readonly name: string;
  /** Sends a window of datagrams and receives them. */
  round(): Promise<void>;
  close(): void;
}

interface Result {
  readonly name: string;
  /** Datagrams per second, so far. */
  rate: number;
}

const flags = readArguments(HELP, { seconds: "2", size: "64", window: "32" });
const seconds = wholeNumber("--seconds", flags.seconds, [1, 3600]);
const size = wholeNumber("--size", flags.size, [1, 8192]);
const window = wholeNumber("--window", flags.window, [1, 64]);
const payloads = Array.from({ length: window }, () => new Uint8Array(size));

const drawing = new Drawing();
const results: Result[] = [];
const interrupt = new AbortController();
using _ = onInterrupt(() => interrupt.abort());

for (const open of [openDeno, openSingly, openInBatches]) {
  if (interrupt.signal.aborted) break;
  const contestant = open();
  if (contestant) await measure(contestant);
}
drawing.finish(bars());
console.log(table());
Deno.exitCode = interrupt.signal.aborted ? 130 : 0;

async function measure(contestant: Contestant): Promise<void> {
  const result: Result = { name: contestant.name, rate: 0 };
  results.push(result);
  const start = performance.now();
  let drawn = start;
  let arrived = 0;
  try {
    for (;;) {
      await contestant.round();
      arrived += window;
      const now = performance.now();
      result.rate = 1000 * arrived / (now - start);
      if (now - start >= 1000 * seconds || interrupt.signal.aborted) break;
      if (now - drawn < 100) continue;
      drawn = now;
      drawing.update(bars());
      // Lets Ctrl-C come through.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    contestant.close();
  }
}

function openDeno(): Contestant | null {
  if (!Deno.listenDatagram) {
    console.log("Deno.listenDatagram is left out: it needs --unstable-net");
    return null;
  }
  const open = () =>
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  return singly("Deno.listenDatagram", open(), open());
}

function openSingly(): Contestant {
  const open = () => listenDatagram({ hostname: "127.0.0.1" });
  return singly("listenDatagram, the same program", open(), open());
}

/** The same program for both: one call for each datagram. */
function singly(
  name: string,
  sender: Deno.DatagramConn,
  receiver: Deno.DatagramConn,
): Contestant {
  const into = new Uint8Array(size);
  return {
    name,
    async round() {
      const to = receiver.addr;
      const sent = payloads.map((data) => sender.send(data, to));
      for (let i = 0; i < window; i++) await receiver.receive(into);
      await Promise.all(sent);
    },
    close() {
      sender.close();
      receiver.close();
    },
  };
}

function openInBatches(): Contestant {
  const open = (): RioDatagramConn => listenDatagram({ hostname: "127.0.0.1" });
  const [sender, receiver] = [open(), open()];
  const datagrams = payloads.map((data) => ({ data, addr: receiver.addr }));
  return {
    name: "listenDatagram, in batches",
    async round() {
      const sent = sender.sendMany(datagrams);
      for (let received = 0; received < window;) {
        using batch = await receiver.receiveMany();
        received += batch.length;
      }
      await sent;
    },
    close() {
      sender.close();
      receiver.close();
    },
  };
}

function bars(): string {
  const best = Math.max(...results.map(({ rate }) => rate));
  // What the names and the figures leave.
  const cells = Math.max(5, Math.min(30, columns() - 48));
  return results.map(({ name, rate }) =>
    `${name.padEnd(33)} ${bar(rate / best, cells).padEnd(cells)} ` +
    `${Math.round(rate).toLocaleString("en-US")}/s`
  ).join("\n");
}

function table(): string {
  const first = results[0]?.rate ?? 1;
  const row = (...cells: string[]) =>
    cells.map((cell, i) => i === 0 ? cell.padEnd(33) : cell.padStart(13))
      .join("");
  const lines = results.map(({ name, rate }) =>
    row(
      name,
      rate.toFixed(0),
      (rate * size / 1e6).toFixed(1),
      `${(rate / first).toFixed(2)}x`,
    )
  );
  return ["", row("sockets", "datagrams/s", "MB/s", "ratio"), ...lines]
    .join("\n");
}
