/**
 * Datagrams sent and received over loopback: this package beside Deno's own
 * sockets and node:dgram.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import {
  ADDRESS_SIZE,
  listenDatagram,
  type RioDatagramConn,
  RioSession,
} from "../../mod.ts";
import type { Candidate } from "./harness.ts";
import { type Limit, parseLine } from "./limit.ts";
import { hasNode } from "./node.ts";
import { fromFileUrl } from "./paths.ts";

/** Datagrams on their way at a time, for the candidates that batch. */
const WINDOW = 32;

/** The candidates, this package first. */
export async function udpPairs(
  size: number,
  limit: Limit | null,
): Promise<Candidate[]> {
  const candidates = [
    session(size),
    dropInBatches(size),
    denoOneByOne(size),
    await nodeDgram(size),
  ];
  if (await hasNode()) candidates.push(nodeItself(size));
  if (limit) {
    candidates.push(
      limit.candidate("the limit: C, batches of 32", "pairs", size, WINDOW),
    );
  }
  return candidates;
}

/** The same program over either implementation, in three ways to write it. */
export function dropIn(size: number): Candidate[] {
  const ours = "listenDatagram";
  const theirs = "Deno.listenDatagram";
  return [
    rioOneByOne(size),
    denoOneByOne(size),
    pipelined(`${ours}, own buffers, 32 at a time`, rioPair(), size),
    pipelined(`${theirs}, own buffers, 32 at a time`, denoPair(), size),
    oneByOne(`${ours}, no buffer`, rioPair(), size, false),
    oneByOne(`${theirs}, no buffer`, denoPair(), size, false),
  ];
}

/** Registered buffers, batches and one commit for each. */
export function session(
  size: number,
  options: {
    /** Datagrams of a batch. */
    window?: number;
    /** Name the destination of each datagram, and ask for its sender. */
    addressed?: boolean;
    receiveBufferSize?: number;
  } = {},
): Candidate {
  const { window = WINDOW, addressed = false, receiveBufferSize } = options;
  const session = RioSession.open();
  const buffer = session.registerBuffer(2 * window * size);
  const completions = session.createCompletionQueue({
    capacity: 4 * window,
    notification: "none",
  });
  const open = () =>
    session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
      receives: window,
      sends: window,
      completions,
    });
  const receiver = open();
  const sender = open();
  if (receiveBufferSize !== undefined) {
    receiver.setOption("receiveBufferSize", receiveBufferSize);
  }
  const connected = addressed ? null : sender.connect(receiver.address);
  const inbox = Array.from(
    { length: window },
    (_, i) => buffer.slice(i * size, size),
  );
  const outbox = Array.from(
    { length: window },
    (_, i) => buffer.slice((window + i) * size, size),
  );
  const deferred = () => {
    if (!addressed) return { defer: true };
    const remote = session.registerBuffer(ADDRESS_SIZE).slice();
    return { defer: true, remote };
  };
  const receive = deferred();
  const send = deferred();
  if (send.remote) sender.writeAddress(send.remote, receiver.address);
  let received = 0;
  return {
    name: `RioSession, batches of ${window}${addressed ? ", addressed" : ""}`,
    async run(count) {
      await connected;
      for (let done = 0; done < count; done += window) {
        for (const slice of inbox) receiver.receive(slice, receive);
        receiver.commit("receive");
        for (const slice of outbox) sender.send(slice, send);
        sender.commit("send");
        let left = 2 * window;
        while (left > 0) {
          left -= completions.walk((completion) => {
            received += completion.bytesTransferred;
          });
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await session.close();
      if (received === 0) throw new Error("Nothing was received");
    },
  };
}

function rioPair(): [RioDatagramConn, RioDatagramConn] {
  const open = () => listenDatagram({ hostname: "127.0.0.1" });
  return [open(), open()];
}

/** The batch calls of the drop-in. */
export function dropInBatches(size: number): Candidate {
  const [sender, receiver] = rioPair();
  const { addr } = receiver;
  const datagrams = Array.from(
    { length: WINDOW },
    () => ({ data: new Uint8Array(size), addr }),
  );
  return {
    name: "listenDatagram, sendMany and receiveMany",
    async run(count) {
      for (let done = 0; done < count; done += WINDOW) {
        await sender.sendMany(datagrams);
        for (let left = WINDOW; left > 0;) {
          using batch = await receiver.receiveMany();
          left -= batch.length;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      sender.close();
      await receiver.close();
    },
  };
}

/** Sockets with the methods of Deno's. */
type Socket = Pick<Deno.DatagramConn, "send" | "receive" | "addr" | "close">;
type Pair = [sender: Socket, receiver: Socket];

/** One datagram at a time, into the caller's buffer or a new one. */
function oneByOne(name: string, pair: Pair, size: number, own: boolean) {
  const [sender, receiver] = pair;
  const data = new Uint8Array(size);
  const buffer = own ? new Uint8Array(size) : undefined;
  const { addr } = receiver;
  return candidate(name, pair, async (count) => {
    for (let i = 0; i < count; i++) {
      await sender.send(data, addr);
      await receiver.receive(buffer);
    }
  });
}

/** The drop-in, used as Deno's own is. */
export function rioOneByOne(size: number): Candidate {
  return oneByOne("listenDatagram, own buffer", rioPair(), size, true);
}

/** Deno's own, used in its best way. */
export function denoOneByOne(size: number): Candidate {
  return oneByOne("Deno.listenDatagram, own buffer", denoPair(), size, true);
}

/** Many sends before the first is awaited, as many receives after them. */
function pipelined(name: string, pair: Pair, size: number) {
  const [sender, receiver] = pair;
  const data = new Uint8Array(size);
  const buffers = Array.from({ length: WINDOW }, () => new Uint8Array(size));
  const { addr } = receiver;
  return candidate(name, pair, async (count) => {
    for (let done = 0; done < count; done += WINDOW) {
      const sends = buffers.map(() => sender.send(data, addr));
      for (const buffer of buffers) await receiver.receive(buffer);
      await Promise.all(sends);
    }
  });
}

function candidate(
  name: string,
  pair: Pair,
  run: (count: number) => Promise<void>,
): Candidate {
  return {
    name,
    run,
    async [Symbol.asyncDispose]() {
      for (const socket of pair) await socket.close();
    },
  };
}

function denoPair(): [Deno.DatagramConn, Deno.DatagramConn] {
  const open = () =>
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  return [open(), open()];
}

async function nodeDgram(size: number): Promise<Candidate> {
  const bound = async () => {
    const socket = createSocket("udp4");
    await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
    return socket;
  };
  const [sender, receiver] = [await bound(), await bound()];
  const { port } = receiver.address();
  const data = new Uint8Array(size);
  let left = 0;
  let windowDone = () => {};
  receiver.on("message", () => {
    if (--left === 0) windowDone();
  });
  return {
    name: "node:dgram in Deno, 32 at a time",
    async run(count) {
      for (let done = 0; done < count; done += WINDOW) {
        left = WINDOW;
        const window = new Promise<void>((resolve) => windowDone = resolve);
        for (let i = 0; i < WINDOW; i++) sender.send(data, port, "127.0.0.1");
        await window;
      }
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((done) => sender.close(() => done()));
      await new Promise<void>((done) => receiver.close(() => done()));
    },
  };
}

/** node:dgram under Node, as a child process. */
function nodeItself(size: number): Candidate {
  const script = fromFileUrl(new URL("node_dgram.mjs", import.meta.url));
  return {
    name: "node:dgram in Node, 32 at a time",
    async run(count) {
      const { success, stdout } = await new Deno.Command("node", {
        args: [script, String(count), String(size), String(WINDOW)],
      }).output();
      if (!success) throw new Error("node:dgram under Node failed");
      return parseLine(new TextDecoder().decode(stdout));
    },
    async [Symbol.asyncDispose]() {},
  };
}
