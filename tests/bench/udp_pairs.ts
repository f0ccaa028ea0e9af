/**
 * Datagrams sent and received over loopback: this package beside Deno's own
 * sockets and node:dgram.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { RioSession } from "../../mod.ts";
import type { Candidate } from "./harness.ts";

/** Datagrams on their way at a time, for the candidates that batch. */
const WINDOW = 32;

/** The candidates, this package first. */
export async function udpPairs(size: number): Promise<Candidate[]> {
  return [
    session(size),
    denoOneByOne(size),
    denoPipelined(size),
    await nodeDgram(size),
  ];
}

/** Registered buffers, batches and one commit for each. */
export function session(size: number): Candidate {
  const session = RioSession.open();
  const buffer = session.registerBuffer(2 * WINDOW * size);
  const completions = session.createCompletionQueue({
    capacity: 4 * WINDOW,
    notification: "none",
  });
  const options = {
    transport: "udp",
    hostname: "127.0.0.1",
    receives: WINDOW,
    sends: WINDOW,
    completions,
  } as const;
  const receiver = session.openSocket(options);
  const sender = session.openSocket(options);
  const connected = sender.connect(receiver.address);
  const inbox = Array.from(
    { length: WINDOW },
    (_, i) => buffer.slice(i * size, size),
  );
  const outbox = Array.from(
    { length: WINDOW },
    (_, i) => buffer.slice((WINDOW + i) * size, size),
  );
  const defer = { defer: true };
  let received = 0;
  return {
    name: "RioSession, batches of 32",
    async run(count) {
      await connected;
      for (let done = 0; done < count; done += WINDOW) {
        for (const slice of inbox) receiver.receive(slice, defer);
        receiver.commit("receive");
        for (const slice of outbox) sender.send(slice, defer);
        sender.commit("send");
        let left = 2 * WINDOW;
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

function denoPair(): [Deno.DatagramConn, Deno.DatagramConn] {
  const open = () =>
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  return [open(), open()];
}

function denoOneByOne(size: number): Candidate {
  const [sender, receiver] = denoPair();
  const data = new Uint8Array(size);
  const buffer = new Uint8Array(size);
  return {
    name: "Deno.listenDatagram, own buffer",
    async run(count) {
      for (let i = 0; i < count; i++) {
        await sender.send(data, receiver.addr);
        await receiver.receive(buffer);
      }
    },
    async [Symbol.asyncDispose]() {
      sender.close();
      await receiver.close();
    },
  };
}

function denoPipelined(size: number): Candidate {
  const [sender, receiver] = denoPair();
  const data = new Uint8Array(size);
  const buffers = Array.from({ length: WINDOW }, () => new Uint8Array(size));
  return {
    name: "Deno.listenDatagram, own buffers, 32 at a time",
    async run(count) {
      for (let done = 0; done < count; done += WINDOW) {
        const sends = buffers.map(() => sender.send(data, receiver.addr));
        for (const buffer of buffers) await receiver.receive(buffer);
        await Promise.all(sends);
      }
    },
    async [Symbol.asyncDispose]() {
      sender.close();
      await receiver.close();
    },
  };
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
