/**
 * What this system really takes: for a call of a RIO function, and for a wake.
 *
 * @module
 */
import { RioResults } from "../../ffi/layout.ts";
import { openWinsock } from "../../ffi/mod.ts";
import { RioSession } from "../../mod.ts";
import { type Effort, measure, type Report, type Work } from "./measure.ts";
import { pipeWakes } from "./pipe_wake.ts";
import { library } from "./provider.ts";

/** Pause before each wake, in milliseconds: the wait sleeps by then. */
const PACE_MS = 2;

const options = library === undefined ? {} : { library };

/** `RIODequeueCompletion` of an empty queue, by both ways of calling. */
export function emptyDequeue(effort: Effort): Report {
  const results = new RioResults(1);
  const backends = [true, false].map((dispatch) =>
    openWinsock({ ...options, dispatch })
  );
  const works = backends.map(({ calls, rings }) => {
    const queue = rings.createCompletionQueue(1, 0);
    const work: Work = (count) => {
      for (let i = 0; i < count; i++) {
        rings.dequeueCompletion(queue, results, 1);
      }
    };
    return {
      name: `${calls}`,
      work,
      close: () => rings.closeCompletionQueue(queue),
    };
  });
  const rows = measure(
    Object.fromEntries(works.map(({ name, work }) => [name, work])),
    effort,
  );
  for (const { close } of works) close();
  for (const backend of backends) backend.close(false);
  return {
    title: "RIODequeueCompletion of an empty queue, as it is here",
    rows,
  };
}

/** From a datagram to itself until the wait for it has ended, paced. */
export async function wakes(count: number): Promise<Report> {
  const session = RioSession.open(options);
  const kinds = ["iocp", "event"] as const;
  const rows: Report["rows"] = [];
  for (const notification of kinds) {
    using buffer = session.registerBuffer(128);
    using socket = session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
      notification,
    });
    await socket.connect(socket.address);
    const samples: number[] = [];
    for (let i = 0; i < count; i++) {
      socket.receive(buffer.slice(0, 64));
      const notified = socket.completions.notify();
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
      const start = performance.now();
      socket.send(buffer.slice(64, 8), { dontNotify: true });
      await notified;
      samples.push((performance.now() - start) * 1e6);
      for (let done = 0; done < 2;) done += socket.completions.dequeue().length;
    }
    samples.sort((a, b) => a - b);
    const at = (part: number) =>
      samples[Math.min(count - 1, count * part | 0)]!;
    rows.push({
      name: `notified through ${notification}`,
      median: at(0.5),
      min: at(0),
      max: at(1),
    });
  }
  await session.close();
  const pipe = await pipeWakes(count);
  if (pipe === null) console.error("skip: no wake through a pipe here");
  else rows.push(pipe);
  return { title: "A wake, from a datagram to the end of the wait", rows };
}
