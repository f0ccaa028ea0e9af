/**
 * Open questions about sockets and threads beside Registered I/O.
 *
 * @module
 */
import {
  FIONBIO,
  INVALID_SOCKET,
  resolveRioTable,
  RIO_BUF,
  type RioBuf,
  SOL_SOCKET,
  WSAEINVAL,
  WSAEOPNOTSUPP,
} from "../../ffi/mod.ts";
import {
  ABORTED,
  errorOf,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { A_WHILE, Lab, pause } from "./lab.ts";
import { Winsock } from "./native.ts";

const SO_RCVTIMEO = 0x1006;
const FD_READ = 1;
/** Long enough for a thread to end, in milliseconds. */
const MOMENT = 300;
const NOT_HERE = "only Windows decides this";

/** Questions 9, 10 and 11. */
export const SOCKET_QUESTIONS: readonly Experiment[] = [
  {
    name: "9",
    title: "Can a socket be made non-blocking, and do its children fit?",
    risk: "a plain call on such a socket could block",
    net: true,
    run: modesAndChildren,
  },
  {
    name: "10",
    title: "Do requests survive the thread that posted them?",
    risk: "requests of a thread that ended are described nowhere",
    net: true,
    run: requestsOfEndedThreads,
  },
  {
    name: "11",
    title: "Do plain calls work on a socket with a request queue?",
    risk: "a plain call on such a socket could block",
    net: true,
    run: plainCalls,
  },
];

async function modesAndChildren(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  const { rio } = lab;
  const { socket } = lab.udp(lab.queue());
  notes.errno(
    "FIONBIO",
    [WSAEOPNOTSUPP],
    rio.sockets.ioctl(socket, FIONBIO, new Uint8Array([1, 0, 0, 0])),
  );
  const child = "a request queue on what accept gives";
  if (rio.name !== "winsock") {
    notes.undecided("WSAEventSelect", outcome(WSAEOPNOTSUPP), NOT_HERE);
    notes.undecided(child, "success", NOT_HERE);
    return;
  }
  using winsock = new Winsock(setting);
  const { symbols, sockets } = winsock;
  const event = symbols.CreateEventW(0n, 1, 0, 0n);
  const selected = winsock.errorOf(
    sockets.WSAEventSelect(BigInt(socket), event, FD_READ),
  );
  symbols.CloseHandle(event);
  notes.errno("WSAEventSelect", [WSAEOPNOTSUPP, WSAEINVAL], selected);

  const listener = lab.socket("tcp");
  rio.sockets.listen(listener, 1);
  const client = lab.socket("tcp");
  let connected = rio.sockets.connect(client, lab.addressOf(listener), 1);
  const deadline = performance.now() + A_WHILE;
  while (connected === 0 && performance.now() < deadline) {
    await lab.fired(20);
    connected = rio.sockets.connected(client);
  }
  if (connected <= 0) {
    notes.undecided(child, "success", `connect: ${outcome(-connected)}`);
    return;
  }
  const accepted = sockets.accept(BigInt(listener), 0n, 0n);
  if (accepted === INVALID_SOCKET) {
    notes.errno("accept on such a listener", [0], winsock.error());
    return;
  }
  const made = lab.tryRequestQueue(Number(accepted), lab.queue(), 1);
  notes.errno(child, [0], errorOf(made));
  symbols.closesocket(accepted);
}

// A thread of its own that posts one receive by hand, and ends.
const POSTER = `
const { address, requestQueue, buffer } = await new Promise((resolve) => {
  onmessage = ({ data }) => resolve(data);
});
const receive = new Deno.UnsafeFnPointer(Deno.UnsafePointer.create(address), {
  parameters: ["usize", "buffer", "u32", "u32", "usize"],
  result: "i32",
});
postMessage(receive.call(requestQueue, buffer, 1, 0, 7n));
close();
`;

async function requestsOfEndedThreads(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  const what = "a receive after its thread ended";
  const expected = "completes with what arrives";
  await using lab = new Lab(setting);
  if (lab.rio.name !== "winsock") {
    notes.undecided(what, expected, NOT_HERE);
    return;
  }
  using winsock = new Winsock(setting);
  const queue = lab.queue();
  const { socket, requestQueue, address } = lab.udp(queue);
  const table = resolveRioTable(socket, winsock.symbols);
  const accepted = await postElsewhere({
    address: table.RIOReceive,
    requestQueue: BigInt(requestQueue),
    buffer: bufOf(lab.slice(1024, 64)),
  });
  if (accepted === null) {
    notes.undecided(what, expected, "the thread did not answer");
    return;
  }
  if (!accepted) {
    notes.compare(what, expected, "the post was refused", false);
    return;
  }
  lab.posted(0);
  await pause(MOMENT);
  const [early] = lab.poll(queue);
  if (early) {
    const end = early.status === ABORTED ? "was cancelled" : "completed";
    const seen = `${end} when the thread ended: ${outcome(early.status)}`;
    notes.compare(what, expected, seen, false);
    return;
  }
  const remote = lab.addressSlice(0, address);
  lab.send(requestQueue, lab.slice(512, 5), remote);
  const done = await lab.dequeue(queue, 2);
  const receive = done.find(({ context }) => context === 7);
  notes.compare(
    what,
    expected,
    receive
      ? `${outcome(receive.status)}, ${receive.bytesTransferred} bytes`
      : "did not complete",
    receive?.status === 0,
  );
}

/** Posts a receive on another thread; `null` when that does not answer. */
async function postElsewhere(
  request: { address: bigint; requestQueue: bigint; buffer: Uint8Array },
): Promise<boolean | null> {
  const source = `data:text/javascript,${encodeURIComponent(POSTER)}`;
  const worker = new Worker(source, { type: "module" });
  const { promise, resolve } = Promise.withResolvers<boolean | null>();
  worker.onmessage = ({ data }) => resolve(data !== 0);
  worker.onerror = (event) => {
    event.preventDefault();
    resolve(null);
  };
  const late = setTimeout(() => resolve(null), 3 * A_WHILE);
  worker.postMessage(request);
  const answer = await promise;
  clearTimeout(late);
  worker.terminate();
  return answer;
}

function bufOf({ bufferId, offset, length }: RioBuf): Uint8Array {
  const bytes = new Uint8Array(RIO_BUF.size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(RIO_BUF.bufferId, BigInt(bufferId), true);
  view.setUint32(RIO_BUF.offset, offset, true);
  view.setUint32(RIO_BUF.length, length, true);
  return bytes;
}

async function plainCalls(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const sends = "send on a UDP socket";
  const receives = "recv on a UDP socket";
  if (lab.rio.name !== "winsock") {
    notes.undecided(sends, "5 bytes", NOT_HERE);
    notes.undecided(receives, "5 bytes", NOT_HERE);
    return;
  }
  using winsock = new Winsock(setting);
  const { sockets } = winsock;
  const queue = lab.queue();
  const { socket, requestQueue, address } = lab.udp(queue);
  lab.rio.sockets.connect(socket, address, 0);
  const timeout = new Uint8Array(new Uint32Array([MOMENT]).buffer);
  lab.rio.sockets.setOption(socket, SOL_SOCKET, SO_RCVTIMEO, timeout);
  const handle = BigInt(socket);

  lab.receive(requestQueue, lab.slice(1024, 64));
  const sent = sockets.send(handle, new Uint8Array(5), 5, 0);
  const failed = winsock.errorOf(sent);
  const [got] = await lab.dequeue(queue, 1, MOMENT);
  notes.compare(
    sends,
    "5 bytes, which RIOReceive gets",
    failed !== 0
      ? outcome(failed)
      : `${sent} bytes, RIOReceive got ${got?.bytesTransferred ?? "nothing"}`,
    sent === 5 && got?.bytesTransferred === 5,
  );
  if (!got) {
    notes.undecided(receives, "5 bytes", "a receive is still outstanding");
    return;
  }
  lab.send(requestQueue, lab.slice(512, 5));
  await lab.dequeue(queue, 1);
  const received = sockets.recv(handle, new Uint8Array(64), 64, 0);
  const error = winsock.errorOf(received);
  notes.compare(
    receives,
    "5 bytes",
    error === 0 ? `${received} bytes` : outcome(error),
    received === 5,
  );
}
