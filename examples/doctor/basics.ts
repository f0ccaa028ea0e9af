/**
 * Whether Registered I/O works: what the package itself says, then the 13
 * functions one by one, then a session.
 *
 * @module
 */
import { allocate, RIO_MSG_COMMIT_ONLY, RIO_MSG_DEFER } from "../../ffi/mod.ts";
import { RioSession, rioSupport } from "../../mod.ts";
import {
  errorOf,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { A_WHILE, Lab } from "./lab.ts";

const KEY = 1;
/** How waits can end, in words. */
const WAYS = {
  reactor: "in Deno's event loop",
  thread: "on a thread of Deno's pool",
  none: "never",
} as const;

/** What every user asks first; the exit code is the answer. */
export const BASICS: readonly Experiment[] = [
  {
    name: "support",
    title: "Is Registered I/O there, and does it open?",
    net: false,
    run: support,
  },
  {
    name: "functions",
    title: "Does each of the 13 functions do what it is for?",
    net: true,
    run: functions,
  },
  {
    name: "session",
    title: "Does a session send and receive?",
    net: true,
    run: session,
  },
];

function support(notes: Notebook, { library }: Setting): void {
  const found = rioSupport(library === undefined ? {} : { library });
  const { supported, backend, engine, calls, waits, reason, without } = found;
  notes.compare(
    "rioSupport()",
    "supported",
    supported ? "supported" : reason ?? "not supported, for no reason",
    supported,
  );
  const features = Object.entries(found.features)
    .map(([name, there]) => there ? name : `no ${name}`);
  const there = Object.values(found.functions).filter(Boolean).length;
  notes.fact("backend", backend ?? "none");
  notes.fact("data is moved by", engine ?? "nothing");
  for (const [better, why] of Object.entries(without)) {
    notes.fact(`not by ${better}`, why);
  }
  notes.fact("functions are called through", calls ?? "nothing");
  notes.fact("waits end", WAYS[waits ?? "none"]);
  notes.fact("features", features.join(", "));
  if (found.kernelFeatures.length > 0) {
    notes.fact("io_uring has", found.kernelFeatures.join(", "));
  }
  notes.fact("functions", `${there} of 13`, found);
}

async function functions(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const { rio } = lab;
  const id = lab.register(allocate(4096));
  notes.errno("RIORegisterBuffer, 4096 bytes", [0], errorOf(id));
  lab.deregister(id);
  notes.fact("RIODeregisterBuffer", "returned");

  const queue = lab.queue(16, lab.notification("iocp", KEY));
  const { requestQueue, address } = lab.udp(queue);
  const remote = lab.addressSlice(0, address);
  notes.errno(
    "RIOReceiveEx, deferred",
    [0],
    lab.posted(rio.rings.receiveEx(
      requestQueue,
      lab.slice(1024, 64),
      null,
      lab.slice(32, 28),
      null,
      null,
      RIO_MSG_DEFER,
      1,
    )),
  );
  notes.errno(
    "RIOReceive, commit",
    [0],
    rio.rings.receive(requestQueue, null, RIO_MSG_COMMIT_ONLY, 0),
  );
  notes.errno("RIONotify", [0], rio.rings.notify(queue));
  lab.memory.bytes.fill(42, 512, 517);
  notes.errno(
    "RIOSendEx, 5 bytes to itself",
    [0],
    lab.send(requestQueue, lab.slice(512, 5), remote),
  );
  const fired = await lab.fires(KEY, A_WHILE);
  notes.compare(
    "the notification",
    "fired",
    fired ? "fired" : "did not fire",
    fired,
  );
  const arrived = await lab.dequeue(queue, 2);
  const lengths = arrived.map(({ status, bytesTransferred }) =>
    status === 0 ? bytesTransferred : outcome(status)
  ).join(" and ");
  notes.compare(
    "RIODequeueCompletion",
    "5 and 5 bytes",
    arrived.length === 0 ? "nothing" : `${lengths} bytes`,
    lengths === "5 and 5",
  );
  const intact = lab.memory.bytes.subarray(1024, 1029).every((b) => b === 42);
  notes.compare(
    "the bytes received",
    "those sent",
    intact ? "those sent" : "others",
    intact,
  );
  notes.errno(
    "RIOResizeCompletionQueue, 16 to 32",
    [0],
    rio.rings.resizeCompletionQueue(queue, 32),
  );
  notes.errno(
    "RIOResizeRequestQueue, 4 to 8",
    [0],
    rio.rings.resizeRequestQueue(requestQueue, 8, 8),
  );
  await stream(notes, lab);
}

/** The two functions for connections, and the ways to connect. */
async function stream(notes: Notebook, lab: Lab): Promise<void> {
  const queue = lab.queue();
  const [client, server] = await lab.connection(queue);
  notes.compare("a TCP connection", "connected", "connected", true);
  notes.errno(
    "RIOReceive on TCP",
    [0],
    lab.receive(server.requestQueue, lab.slice(2048, 64)),
  );
  notes.errno(
    "RIOSend on TCP, 5 bytes",
    [0],
    lab.send(client.requestQueue, lab.slice(512, 5)),
  );
  const done = await lab.dequeue(queue, 2);
  const good = done.length === 2 &&
    done.every((one) => one.status === 0 && one.bytesTransferred === 5);
  notes.compare(
    "both completions on TCP",
    "success, 5 bytes; success, 5 bytes",
    done.map((one) => `${outcome(one.status)}, ${one.bytesTransferred} bytes`)
      .join("; ") || "nothing",
    good,
  );
  lab.close(client.socket);
  lab.close(server.socket);
  lab.closeQueue(queue);
  notes.fact("RIOCloseCompletionQueue", "returned");
}

async function session(
  notes: Notebook,
  { library }: Setting,
): Promise<void> {
  const options = library === undefined ? {} : { library };
  let echoed = "";
  const session = RioSession.open(options);
  try {
    const buffer = session.registerBuffer(4096);
    const socket = session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
    });
    await socket.connect(socket.address);
    const outbox = buffer.slice(2048, 5);
    outbox.bytes.set(new TextEncoder().encode("hello"));
    const inbox = buffer.slice(0, 1024);
    socket.receive(inbox);
    socket.send(outbox);
    // A datagram that never comes must not keep the loop.
    using _late = new Alarm(() => socket.close());
    for await (const batch of socket.completions) {
      const got = batch.find(({ kind }) => kind === "receive");
      if (!got) continue;
      const bytes = inbox.bytes.subarray(0, got.bytesTransferred);
      echoed = got.status === 0
        ? new TextDecoder().decode(bytes)
        : outcome(got.status);
      break;
    }
  } finally {
    await session.close();
  }
  notes.compare(
    "a datagram to itself",
    '"hello"',
    echoed === "" ? "nothing arrived" : `"${echoed}"`,
    echoed === "hello",
  );
  const { registered, deregistered, outstanding, abandoned } = session.stats();
  notes.compare(
    "what closing left",
    "0 outstanding, 0 abandoned, 0 registered",
    `${outstanding} outstanding, ${abandoned} abandoned, ` +
      `${registered - deregistered} registered`,
    outstanding === 0 && abandoned === 0 && registered === deregistered,
  );
}

/** Calls back after a while, unless disposed before. */
class Alarm implements Disposable {
  #timer: ReturnType<typeof setTimeout>;

  constructor(ring: () => void) {
    this.#timer = setTimeout(ring, A_WHILE);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
