/**
 * A worker that receives datagrams and counts them.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { listenDatagram } from "../../mod.ts";
import { ended } from "./echo.ts";
import type { ReceiverOptions } from "./workers.ts";

self.onmessage = ({ data }: MessageEvent<ReceiverOptions>) => {
  const counter = new Uint32Array(data.received);
  const count = (datagrams: number) => Atomics.add(counter, 0, datagrams);
  const conn = data.kind === "rio"
    ? receiveBatches(data.port, count)
    : receiveSingly(data.port, count);
  self.onmessage = async () => {
    await conn.close();
    self.postMessage("closed");
  };
  self.postMessage((conn.addr as Deno.NetAddr).port);
};

interface Open {
  readonly addr: Deno.Addr;
  close(): void | Promise<void>;
}

function options(port: number) {
  return {
    transport: "udp",
    hostname: "127.0.0.1",
    port,
    reusePort: true,
  } as const;
}

function receiveBatches(port: number, count: (n: number) => void): Open {
  const conn = listenDatagram({ ...options(port), datagramSize: 2048 });
  const receive = async () => {
    for (;;) {
      using batch = await conn.receiveMany();
      count(batch.length);
    }
  };
  receive().catch(ended);
  return conn;
}

function receiveSingly(port: number, count: (n: number) => void): Open {
  const conn = Deno.listenDatagram(options(port));
  const buffer = new Uint8Array(2048);
  const receive = async () => {
    for (;;) {
      await conn.receive(buffer);
      count(1);
    }
  };
  receive().catch(ended);
  return conn;
}
