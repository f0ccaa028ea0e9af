/**
 * What a session adds to the native calls of a request, measured with RIO
 * functions that return at once: from the post to the dequeued completion.
 *
 * @module
 */
import {
  AF_INET,
  IPPROTO_UDP,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  SOCK_DGRAM,
} from "../../ffi/constants.ts";
import { RioResults } from "../../ffi/layout.ts";
import { openWinsock, resolveRioTable } from "../../ffi/mod.ts";
import { CallMemory, type NativeFunction } from "../../ffi/winsock/call.ts";
import { prepareRio } from "../../ffi/winsock/functions.ts";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { type RioCompletion, RioSession } from "../../mod.ts";
import { type Effort, measure, type Report, type Work } from "./measure.ts";
import { Provider } from "./provider.ts";

/** Requests of one measurement. */
const CALLS = 64;

const WHAT = ["receive", "send", "send to an address"] as const;

/** What is measured. */
interface Request {
  what: (typeof WHAT)[number];
  /** Requests per commit and per dequeue; of one, the post commits. */
  batch: number;
}

/** Work that holds something. */
type Held = { work: Work } & Disposable;

/** Nanoseconds of a request, and of its native calls. */
export function ownCost(library: string, effort: Effort): Report[] {
  using provider = new Provider(library);
  provider.instantTable(true);
  return [CALLS, 1].flatMap((batch) =>
    WHAT.map((what) => {
      const request = { what, batch };
      using session = throughSession(library, request);
      using native = nativeCalls(library, request);
      const rows = measure({
        "from post to dequeue, through a session": session.work,
        "of which native calls": native.work,
      }, { ...effort, calls: CALLS });
      const own = rows[0]!.median - rows[1]!.median;
      const name = "the rest, a session's own";
      const how = batch === 1 ? "one at a time" : `in batches of ${batch}`;
      return {
        title: `A ${what}, ${how}, RIO functions that return at once`,
        rows: [...rows, { name, median: own, min: own, max: own }],
      };
    })
  );
}

function throughSession(library: string, { what, batch }: Request): Held {
  const session = RioSession.open({ library });
  const buffer = session.registerBuffer(CALLS * 64);
  const slices = Array.from(
    { length: batch },
    (_, i) => buffer.slice(i * 64, 64),
  );
  const socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    receives: CALLS,
    sends: CALLS,
    notification: "none",
  });
  const remote = session.registerBuffer(32).slice();
  socket.writeAddress(remote, socket.address);
  const defer = batch > 1;
  const direction = what === "receive" ? "receive" : "send";
  const queue = direction === "send"
    ? socket.sendCompletions
    : socket.completions;
  const options = what === "send to an address" ? { defer, remote } : { defer };
  const visit = ({ bytesTransferred }: RioCompletion) => {
    if (bytesTransferred !== 64) throw new Error("A completion went wrong");
  };
  return {
    work(count) {
      for (let done = 0; done < count; done += batch) {
        if (direction === "send") {
          for (const slice of slices) socket.send(slice, options);
        } else {
          for (const slice of slices) socket.receive(slice, options);
        }
        if (defer) socket.commit(direction);
        if (queue.walk(visit) !== batch) throw new Error("A request is gone");
      }
    },
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

/** The same calls with the same arguments, and nothing around them. */
function nativeCalls(library: string, { what, batch }: Request): Held {
  const rio = openWinsock({ library });
  const symbols = openLibrary({ library });
  const socket = rio.sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  const queue = rio.rings.createCompletionQueue(2 * CALLS, 0);
  const limits = [CALLS, CALLS] as const;
  const requests = rio.rings.createRequestQueue(
    socket,
    ...limits,
    queue,
    queue,
  );
  const memory = new CallMemory();
  const path = { memory, dispCallFunc: symbols.DispCallFunc };
  const functions = prepareRio(resolveRioTable(socket, symbols), path);
  const extended = what === "send to an address";
  const commit = what === "receive" ? functions.RIOReceive : functions.RIOSend;
  const post = extended ? functions.RIOSendEx : commit;
  const { RIODequeueCompletion } = functions;
  const buf = Number(memory.take(16).address);
  const results = new RioResults(CALLS);
  const flags = batch > 1 ? RIO_MSG_DEFER : 0;
  // Queue, data, count; addresses, control and flags of a send; flags, context.
  const values = extended
    ? [requests, buf, 1, 0, buf, 0, 0, flags, 1]
    : [requests, buf, 1, flags, 1];
  const committing = [requests, 0, 0, RIO_MSG_COMMIT_ONLY, 0];
  const dequeuing = [queue, Number(results.memory.address), CALLS];
  return {
    work(count) {
      for (let done = 0; done < count; done += batch) {
        for (let i = 0; i < batch; i++) call(post, values);
        if (flags !== 0) call(commit, committing);
        call(RIODequeueCompletion, dequeuing);
        if (RIODequeueCompletion.uint32 !== batch) {
          throw new Error("A request is gone");
        }
      }
    },
    [Symbol.dispose]() {
      rio.sockets.close(socket);
      rio.rings.closeCompletionQueue(queue);
      rio.close(false);
    },
  };
}

function call(native: NativeFunction, values: readonly number[]): void {
  for (let i = 0; i < values.length; i++) native.set(i, values[i]!);
  native.call();
  if (native.int32 === 0) throw new Error("A call went wrong");
}
