/**
 * Cost as it grows: windows, connections, workers.
 *
 * @module
 */
import { connect, listen } from "../../mod.ts";
import {
  type Candidate,
  compareRates,
  type Effort,
  type Report,
} from "./harness.ts";
import { session } from "./udp_pairs.ts";

/** Pairs per second at growing windows. */
export async function windows(effort: Effort): Promise<Report> {
  const sizes = [1, 8, 32, 128];
  // A socket buffer of the usual size holds some 250 small datagrams.
  const candidates: Candidate[] = sizes.map((window) => session(64, window));
  const report = await compareRates(
    {
      id: "windows",
      title: "UDP, 64 bytes, by datagrams on their way at a time",
    },
    candidates,
    effort,
  );
  return report;
}

/** Bytes of memory per connection, both ends in this process. */
export async function connectionMemory(counts: number[]): Promise<Report> {
  const rows = [];
  for (const count of counts) {
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const before = Deno.memoryUsage().rss;
    const ends: Disposable[] = [];
    for (let i = 0; i < count; i++) {
      const accepted = listener.accept();
      ends.push(await connect({ hostname: "127.0.0.1", port }));
      ends.push(await accepted);
    }
    const bytes = (Deno.memoryUsage().rss - before) / (2 * count);
    rows.push({
      name: `${count} connections`,
      unit: "bytes each end",
      median: bytes,
      min: bytes,
      max: bytes,
      ratio: 1,
    });
    for (const end of ends) end[Symbol.dispose]();
    listener.close();
  }
  return {
    id: "connections",
    title: "TCP, memory per connection",
    rows,
    lessIsBetter: true,
  };
}
