/**
 * Round trips of one datagram over loopback, one in flight.
 *
 * @module
 */
import { listenDatagram } from "../../mod.ts";
import { type Effort, type Report, toRows } from "./harness.ts";

interface Socket {
  send(p: Uint8Array, addr: Deno.Addr): Promise<number>;
  receive(p?: Uint8Array<ArrayBuffer>): Promise<[Uint8Array, Deno.Addr]>;
  close(): void;
  readonly addr: Deno.Addr;
}

/** Microseconds of a round trip: p50 and p99. */
export async function udpEcho({ count, rounds }: Effort): Promise<Report[]> {
  const names = ["listenDatagram", "Deno.listenDatagram"];
  const options = { hostname: "127.0.0.1", port: 0 };
  const open: (() => Socket)[] = [
    () => listenDatagram(options),
    () => Deno.listenDatagram({ transport: "udp", ...options }),
  ];
  const p50: number[][] = [[], []];
  const p99: number[][] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    for (const [i, candidate] of open.entries()) {
      const trips = await echo(candidate(), candidate(), count);
      if (round === 0) continue;
      p50[i]!.push(trips[Math.floor(count * 0.5)]!);
      p99[i]!.push(trips[Math.floor(count * 0.99)]!);
    }
  }
  return [["p50", p50], ["p99", p99]].map(([name, samples]) => ({
    title: `UDP round trip, 64 bytes, one in flight, ${name}`,
    rows: toRows(names, samples as number[][], "µs"),
    lessIsBetter: true,
  }));
}

async function echo(
  client: Socket,
  server: Socket,
  count: number,
): Promise<number[]> {
  const serve = async () => {
    const buffer = new Uint8Array(64);
    for (let i = 0; i < count; i++) {
      const [data, from] = await server.receive(buffer);
      await server.send(data, from);
    }
  };
  const served = serve();
  const trips: number[] = [];
  const data = new Uint8Array(64);
  const buffer = new Uint8Array(64);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await client.send(data, server.addr);
    await client.receive(buffer);
    trips.push((performance.now() - start) * 1000);
  }
  await served;
  client.close();
  server.close();
  return trips.sort((a, b) => a - b);
}
