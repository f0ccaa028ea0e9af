/**
 * Bytes in one direction with several receives and sends posted at a time: each
 * byte is looked at, and a stream ends well or is cut in the middle.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type {
  RioCompletion,
  RioSession,
  RioSlice,
  RioSocket,
} from "../../mod.ts";
import { ABORTED, Account } from "./account.ts";
import { type Part, turn } from "./part.ts";

const STREAMS = 8;
/** Requests of one end at a time. */
const POSTED = 4;
const SIZE = 2048;
const LONGEST = 1 << 18;
/** How requests of a stream may end that was cut. */
const CUT = [ABORTED, 10053, 10054, 10058];

/** What streams are made of, from any place up to this, and a request further. */
const PERIOD = 65_521;
const BYTES = new Uint8Array(PERIOD + SIZE);
for (let i = 0; i < BYTES.length; i++) BYTES[i] = (i % PERIOD) * 167 >> 5;

/** A connection, and how far it is. */
interface Stream {
  readonly index: number;
  readonly sender: RioSocket;
  readonly receiver: RioSocket;
  /** Bytes in all. */
  readonly length: number;
  /** Bytes that sends were posted for. */
  posted: number;
  received: number;
  /** Somebody has closed it before its end. */
  cut: boolean;
  ended: boolean;
}

/** Lets streams run from their beginning to their end, and looks at each byte. */
export async function soakStreams(
  session: RioSession,
  { goal, random, hostname }: Part,
): Promise<void> {
  const account = new Account("streams", goal);
  using buffer = session.registerBuffer(STREAMS * 2 * POSTED * SIZE);
  using queue = session.createCompletionQueue({ capacity: 256 });
  using listener = session.openSocket({
    transport: "tcp",
    hostname,
    backlog: STREAMS,
  });
  const options = { receives: POSTED, sends: POSTED, completions: queue };

  async function begin(index: number): Promise<Stream> {
    const accepted = listener.accept(options);
    const sender = session.openSocket({ transport: "tcp", ...options });
    await sender.connect(listener.address);
    const stream: Stream = {
      index,
      sender,
      receiver: await accepted,
      length: 1 + random.below(LONGEST),
      posted: 0,
      received: 0,
      cut: false,
      ended: false,
    };
    for (let i = 0; i < POSTED; i++) {
      const at = 2 * (POSTED * index + i) * SIZE;
      stream.receiver.receive(buffer.slice(at, SIZE), { context: stream });
      send(stream, at + SIZE);
    }
    return stream;
  }
  function send(stream: Stream, at: number): void {
    const { length, posted, sender } = stream;
    if (posted === length) return;
    const part = buffer.slice(
      at,
      Math.min(length - posted, 1 + random.below(SIZE)),
    );
    const from = posted % PERIOD;
    part.bytes.set(BYTES.subarray(from, from + part.length));
    sender.send(part, { context: stream });
    stream.posted += part.length;
    // What was posted leaves before the end does.
    if (stream.posted === length) sender.shutdown();
  }
  function visit(completion: RioCompletion): void {
    account.count(completion);
    const { kind, status, bytesTransferred, slice } = completion;
    const stream = completion.context as Stream;
    if (stream.ended) {
      if (status === 0) return;
      assert(CUT.includes(status), `status ${status}`);
      // The last receives of a stream that has ended, and no send of it.
      assert(stream.cut || kind === "receive", `a send has status ${status}`);
      return;
    }
    assertEquals(status, 0);
    assert(slice !== null);
    if (kind === "send") {
      assertEquals(bytesTransferred, slice.length);
      send(stream, slice.offset);
    } else if (bytesTransferred === 0) {
      assertEquals(stream.received, stream.length);
      account.done++;
      end(stream);
      return;
    } else {
      look(stream, slice, bytesTransferred);
      stream.receiver.receive(slice, { context: stream });
    }
    if (random.oneIn(10_000)) {
      account.cancellations++;
      stream.cut = true;
      end(stream);
    }
  }
  function look(stream: Stream, { bytes }: RioSlice, count: number): void {
    const from = stream.received % PERIOD;
    for (let i = 0; i < count; i++) {
      if (bytes[i] === BYTES[from + i]) continue;
      throw new Error(`byte ${stream.received + i} of a stream is ${bytes[i]}`);
    }
    stream.received += count;
  }
  function end(stream: Stream): void {
    stream.ended = true;
    const { sender, receiver } = stream;
    for (const socket of random.shuffle([sender, receiver])) socket.close();
  }

  const streams: Stream[] = [];
  for (let i = 0; i < STREAMS; i++) streams.push(await begin(i));
  for (let round = 1; !account.isOver; round++) {
    const visited = queue.walk(visit);
    if (visited === 0 || round % 4 === 0) {
      account.sample();
      await turn();
    }
    const gone = streams.find(isDrained);
    if (gone !== undefined) streams[gone.index] = await begin(gone.index);
  }
  for (const stream of streams) {
    if (stream.ended) continue;
    stream.cut = true;
    end(stream);
  }
  while (!streams.every(isDrained)) {
    if (queue.walk(visit) === 0) await turn();
  }
  account.close(session);
}

function isDrained({ ended, sender, receiver }: Stream): boolean {
  return ended && sender.outstanding + receiver.outstanding === 0;
}
