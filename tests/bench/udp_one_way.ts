/**
 * Only receiving, and only sending, with the other side in a C program.
 *
 * @module
 */
import process from "node:process";
import { RioSession } from "../../mod.ts";
import { type Effort, type Report, toRows } from "./harness.ts";
import type { Limit, Measured } from "./limit.ts";

const SIZE = 64;
const BATCH = 64;

/** Datagrams per second and CPU seconds per million, each way. */
export async function udpOneWay(
  limit: Limit,
  { count, rounds }: Effort,
): Promise<Report[]> {
  const milliseconds = Math.max(100, count);
  const cases: [string, () => Promise<Measured>, () => Promise<Measured>][] = [
    [
      "receive",
      () => receive(limit, milliseconds),
      () => limitReceives(limit, milliseconds),
    ],
    [
      "send",
      () => send(limit, milliseconds),
      () => limitSends(limit, milliseconds),
    ],
  ];
  const reports: Report[] = [];
  for (const [verb, ours, theirs] of cases) {
    const rates: number[][] = [[], []];
    const cpus: number[][] = [[], []];
    for (let round = 0; round <= rounds; round++) {
      for (const [i, run] of [ours, theirs].entries()) {
        const { work, seconds, cpu } = await run();
        if (round === 0) continue;
        rates[i]!.push(work / seconds);
        cpus[i]!.push(cpu * 1e6 / work);
      }
    }
    const names = ["RioSession, batches of 64", "the limit: C, batches of 64"];
    reports.push(
      {
        title: `UDP, ${verb} only, 64 bytes, datagrams`,
        rows: toRows(names, rates, "per s"),
      },
      {
        title: `UDP, ${verb} only, 64 bytes, CPU seconds per million`,
        rows: toRows(names, cpus, "s"),
        lessIsBetter: true,
      },
    );
  }
  return reports;
}

async function receive(limit: Limit, milliseconds: number): Promise<Measured> {
  await using session = RioSession.open();
  const buffer = session.registerBuffer(BATCH * SIZE);
  const socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    receives: BATCH,
    sends: 1,
  });
  for (let i = 0; i < BATCH; i++) socket.receive(buffer.slice(i * SIZE, SIZE));
  const flood = limit.spawn(
    "flood",
    socket.address.port,
    SIZE,
    BATCH,
    milliseconds + 200,
  );
  const { completions } = socket;
  while (!await completions.notify());
  const defer = { defer: true };
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + milliseconds;
  let work = 0;
  while (performance.now() < end) {
    const count = completions.walk(({ slice }) => {
      socket.receive(slice, defer);
    });
    if (count === 0) await completions.notify();
    else socket.commit("receive");
    work += count;
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await flood.result();
  return { work, seconds, cpu: (user + system) / 1e6 };
}

async function send(limit: Limit, milliseconds: number): Promise<Measured> {
  const sink = limit.spawn("sink", SIZE, BATCH, milliseconds);
  const port = await sink.port();
  await using session = RioSession.open();
  const buffer = session.registerBuffer(BATCH * SIZE);
  const socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    receives: 1,
    sends: BATCH,
  });
  await socket.connect({ hostname: "127.0.0.1", port });
  const slices = Array.from(
    { length: BATCH },
    (_, i) => buffer.slice(i * SIZE, SIZE),
  );
  const defer = { defer: true };
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + milliseconds;
  let work = 0;
  while (performance.now() < end) {
    for (const slice of slices) socket.send(slice, defer);
    socket.commit("send");
    for (let left = BATCH; left > 0;) {
      left -= socket.sendCompletions.walk(() => {});
    }
    work += BATCH;
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  // The sink may have measured its time before this ended; one more wakes it.
  socket.send(slices[0]!);
  await sink.result();
  return { work, seconds, cpu: (user + system) / 1e6 };
}

async function limitReceives(limit: Limit, ms: number): Promise<Measured> {
  const [sink, flood] = await limitBoth(limit, ms);
  await flood.result();
  return await sink.result();
}

async function limitSends(limit: Limit, ms: number): Promise<Measured> {
  const [sink, flood] = await limitBoth(limit, ms);
  await sink.result();
  return await flood.result();
}

async function limitBoth(limit: Limit, ms: number) {
  const sink = limit.spawn("sink", SIZE, BATCH, ms);
  const flood = limit.spawn("flood", await sink.port(), SIZE, BATCH, ms + 200);
  return [sink, flood] as const;
}
