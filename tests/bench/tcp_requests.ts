/**
 * Small requests over many connections by the 13 functions: the data stays in
 * registered memory.
 *
 * @module
 */
import {
  type RioCompletion,
  RioSession,
  type RioSlice,
  type RioSocket,
  rioSupport,
} from "../../mod.ts";
import type { Candidate } from "./harness.ts";

/** One end of a connection. */
interface End {
  readonly socket: RioSocket;
  readonly isClient: boolean;
  readonly inbox: RioSlice;
  readonly outbox: RioSlice;
  /** Bytes of this message that have not come. */
  missing: number;
  /** Requests that a client is still to make. */
  left: number;
}

const EPOLL = "RioSession, epoll";

/** The names of what makes requests: with each engine that there is. */
export function requestNames(): string[] {
  return ["RioSession", ...rioSupport().engine === "io_uring" ? [EPOLL] : []];
}

/** The same requests as those of `tcp.ts`, of one of {@linkcode requestNames}. */
export async function tcpRequests(
  name: string,
  connections: number,
  size: number,
): Promise<Candidate> {
  const session = RioSession.open(name === EPOLL ? { backend: "epoll" } : {});
  const ends = await connect(session, connections, size);
  const [{ socket: { completions } }] = ends as [End];
  for (const end of ends) if (!end.isClient) receive(end, size);
  let running = 0;

  function visit({ status, kind, context, bytesTransferred }: RioCompletion) {
    if (status !== 0) throw new Error(`a request ended with ${status}`);
    if (kind === "send") return;
    const end = context as End;
    end.missing -= bytesTransferred;
    if (end.missing > 0) return more(end, size);
    if (end.isClient) ask(end);
    else {
      receive(end, size);
      end.socket.send(end.outbox, { context: end });
    }
  }
  function ask(end: End): void {
    if (end.left === 0) return void running--;
    end.left--;
    receive(end, size);
    end.socket.send(end.outbox, { context: end });
  }
  return {
    name,
    async run(count) {
      const each = Math.ceil(count / connections);
      for (const end of ends) {
        if (!end.isClient) continue;
        running++;
        end.left = each;
        ask(end);
      }
      while (running > 0) {
        if (completions.walk(visit) === 0) await completions.notify();
      }
    },
    async [Symbol.asyncDispose]() {
      await session.close();
    },
  };
}

/** Makes connections within this process, which complete on one queue. */
async function connect(
  session: RioSession,
  connections: number,
  size: number,
): Promise<End[]> {
  const buffer = session.registerBuffer(4 * connections * size);
  const completions = session.createCompletionQueue({
    capacity: 8 * connections,
  });
  using listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 128,
  });
  const options = { receives: 2, sends: 2, completions };
  const ends: End[] = [];
  const enter = (socket: RioSocket, isClient: boolean) => {
    const at = 2 * ends.length * size;
    const [inbox, outbox] = [at, at + size].map((at) => buffer.slice(at, size));
    ends.push({
      socket,
      isClient,
      inbox: inbox!,
      outbox: outbox!,
      missing: 0,
      left: 0,
    });
  };
  for (let i = 0; i < connections; i++) {
    const accepted = listener.accept(options);
    const client = session.openSocket({ transport: "tcp", ...options });
    await client.connect(listener.address);
    enter(client, true);
    enter(await accepted, false);
  }
  return ends;
}

/** Receives the next message. */
function receive(end: End, size: number): void {
  end.missing = size;
  more(end, size);
}

function more(end: End, size: number): void {
  const { socket, inbox, missing } = end;
  const rest = missing === size
    ? inbox
    : inbox.buffer.slice(inbox.offset + size - missing, missing);
  socket.receive(rest, { context: end });
}
