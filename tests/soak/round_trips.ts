/**
 * Round trips of random sizes over many connections, which are closed at random
 * in the middle.
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

const CONNECTIONS = 32;
const SIZE = 1024;
/** How requests of a connection may end whose other end is closed. */
const BROKEN = [ABORTED, 10053, 10054, 10058];

/** One end of a connection. */
interface End {
  readonly socket: RioSocket;
  readonly inbox: RioSlice;
  readonly outbox: RioSlice;
  readonly isClient: boolean;
  readonly pair: Pair;
  /** Bytes received of this round. */
  received: number;
}

/** Both ends of a connection. */
interface Pair {
  readonly index: number;
  client: End;
  server: End;
  /** Bytes of this round. */
  length: number;
  round: number;
  closing: boolean;
}

/** Makes so many round trips, and accounts for each request. */
export async function soakRoundTrips(
  session: RioSession,
  { goal, random, hostname }: Part,
): Promise<void> {
  const account = new Account("round trips", goal);
  using buffer = session.registerBuffer(CONNECTIONS * 4 * SIZE);
  using queue = session.createCompletionQueue({ capacity: 1024 });
  using listener = session.openSocket({
    transport: "tcp",
    hostname,
    backlog: 64,
  });
  const options = { receives: 2, sends: 2, completions: queue };
  const closed: Pair[] = [];

  async function connect(index: number): Promise<Pair> {
    const accepted = listener.accept(options);
    const client = session.openSocket({ transport: "tcp", ...options });
    await client.connect(listener.address);
    const server = await accepted;
    client.setOption("noDelay", true);
    server.setOption("noDelay", true);
    const pair = { index, length: 0, round: 0, closing: false } as Pair;
    const end = (socket: RioSocket, isClient: boolean): End => {
      const at = (4 * index + (isClient ? 0 : 2)) * SIZE;
      return {
        socket,
        inbox: buffer.slice(at, SIZE),
        outbox: buffer.slice(at + SIZE, SIZE),
        isClient,
        pair,
        received: 0,
      };
    };
    pair.client = end(client, true);
    pair.server = end(server, false);
    receive(pair.server);
    begin(pair);
    return pair;
  }
  function receive(end: End): void {
    end.socket.receive(end.inbox, { context: end });
  }
  function begin(pair: Pair): void {
    pair.length = 1 + random.below(SIZE);
    pair.round++;
    pair.client.received = pair.server.received = 0;
    receive(pair.client);
    send(pair.client);
  }
  function send(end: End): void {
    const { pair, outbox, socket } = end;
    const part = buffer.slice(outbox.offset, pair.length);
    part.bytes.fill(pair.round);
    socket.send(part, { context: end });
  }
  function visit(completion: RioCompletion): void {
    account.count(completion);
    const { kind, status, bytesTransferred } = completion;
    const end = completion.context as End;
    const { pair } = end;
    if (status !== 0 || pair.closing) {
      assert(status === 0 || BROKEN.includes(status), `status ${status}`);
      assert(pair.closing, `status ${status} of a connection that is open`);
      return;
    }
    if (kind === "send") return;
    assert(bytesTransferred > 0);
    assertEquals(end.inbox.bytes[0], pair.round & 0xFF);
    end.received += bytesTransferred;
    if (end.received < pair.length) return receive(end);
    assertEquals(end.received, pair.length);
    if (!end.isClient) {
      receive(end);
      send(end);
      return;
    }
    account.done++;
    if (random.oneIn(5000)) cancel(pair);
    else begin(pair);
  }
  function cancel(pair: Pair): void {
    account.cancellations++;
    pair.closing = true;
    // Either end at first, with a round trip in the middle.
    const ends = random.shuffle([pair.client, pair.server]);
    send(pair.client);
    for (const { socket } of ends) socket.close();
    closed.push(pair);
  }

  const pairs: Pair[] = [];
  for (let i = 0; i < CONNECTIONS; i++) pairs.push(await connect(i));
  for (let round = 1; !account.isOver; round++) {
    const visited = queue.walk(visit);
    if (visited === 0 || round % 4 === 0) {
      account.sample();
      await turn();
    }
    const gone = closed.findIndex(isDrained);
    if (gone >= 0) {
      const [{ index }] = closed.splice(gone, 1) as [Pair];
      pairs[index] = await connect(index);
    }
  }
  for (const pair of pairs) if (!pair.closing) cancel(pair);
  while (!closed.every(isDrained)) {
    if (queue.walk(visit) === 0) await turn();
  }
  account.close(session);
}

function isDrained({ client, server }: Pair): boolean {
  return client.socket.outstanding + server.socket.outstanding === 0;
}
