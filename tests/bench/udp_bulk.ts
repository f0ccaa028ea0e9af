/**
 * Bulk UDP: bytes per second, with segmentation offload where there is some.
 *
 * @module
 */
import { listenDatagram } from "../../mod.ts";
import type { Candidate } from "./harness.ts";

/** Bytes of a datagram. */
const SEGMENT = 1200;
/** Datagrams in one send with segmentation. */
const SEGMENTS = 48;
/** What one count of work is. */
export const BULK_BYTES = SEGMENT * SEGMENTS;

/** The candidates, this package first. */
export function udpBulk(): Candidate[] {
  return [segmented(), batched(), deno()];
}

function segmented(): Candidate {
  const sender = listenDatagram({ hostname: "127.0.0.1" });
  const receiver = listenDatagram({ hostname: "127.0.0.1", coalesce: true });
  const data = new Uint8Array(BULK_BYTES);
  return {
    name: "listenDatagram, segments of 1200 bytes, coalesced",
    async run(count) {
      for (let i = 0; i < count; i++) {
        await sender.send(data, receiver.addr, { segmentSize: SEGMENT });
        for (let left = BULK_BYTES; left > 0;) {
          using batch = await receiver.receiveMany();
          for (const { data } of batch) left -= data.length;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      sender.close();
      await receiver.close();
    },
  };
}

function batched(): Candidate {
  const sender = listenDatagram({ hostname: "127.0.0.1" });
  const receiver = listenDatagram({ hostname: "127.0.0.1" });
  const { addr } = receiver;
  const datagrams = Array.from(
    { length: SEGMENTS },
    () => ({ data: new Uint8Array(SEGMENT), addr }),
  );
  return {
    name: "listenDatagram, 48 datagrams of 1200 bytes",
    async run(count) {
      for (let i = 0; i < count; i++) {
        await sender.sendMany(datagrams);
        for (let left = BULK_BYTES; left > 0;) {
          using batch = await receiver.receiveMany();
          for (const { data } of batch) left -= data.length;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      sender.close();
      await receiver.close();
    },
  };
}

function deno(): Candidate {
  const open = () =>
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const [sender, receiver] = [open(), open()];
  const data = new Uint8Array(SEGMENT);
  const buffer = new Uint8Array(SEGMENT);
  return {
    name: "Deno.listenDatagram, datagrams of 1200 bytes, own buffer",
    async run(count) {
      for (let i = 0; i < count * SEGMENTS; i++) {
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
