/**
 * Open questions about requests: slices, destinations, cancelling, errors.
 *
 * @module
 */
import {
  RIO_MSG_DEFER,
  type RioHandle,
  SOCKADDR_INET,
  WSAECONNRESET,
  WSAEFAULT,
  WSAEINVAL,
  WSAEMSGSIZE,
  WSAENOTCONN,
} from "../../ffi/mod.ts";
import { readAddress } from "../../mod.ts";
import {
  ABORTED,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { type Completion, Lab } from "./lab.ts";

/** Long enough for what loopback does at all, in milliseconds. */
const MOMENT = 300;
/** The context of receives; that of sends is 0. */
const RECEIVE = 1;
const NO_ADDRESS = "no address";

/** Questions 2, 3, 4 and 7. */
export const REQUEST_QUESTIONS: readonly Experiment[] = [
  {
    name: "2",
    title: "What answers a slice that does not fit, or that is empty?",
    risk: "a slice beyond its registration is described nowhere",
    net: true,
    run: wrongSlices,
  },
  {
    name: "3",
    title: "What answers a send that has no destination?",
    net: true,
    run: sendsToNowhere,
  },
  {
    name: "4",
    title: "How do the requests of a closed socket complete?",
    risk: "deferred requests of a closed socket are described nowhere",
    net: true,
    run: requestsOfClosedSockets,
  },
  {
    name: "7",
    title: "What is in the completion of a datagram that failed?",
    net: true,
    run: failedDatagrams,
  },
];

async function wrongSlices(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const queue = lab.queue();
  const { byteLength } = lab.memory.bytes;
  const { requestQueue, address } = lab.udp(queue);
  const remote = lab.addressSlice(0, address);
  const beyond = lab.slice(byteLength - 8, 16);
  notes.compare(
    "a send beyond the registration",
    "refused or failed with WSAEFAULT (10014) or WSAEINVAL (10022)",
    ...await answer(lab, queue, lab.send(requestQueue, beyond, remote), [
      WSAEFAULT,
      WSAEINVAL,
    ]),
  );
  await takeAll(lab, queue);
  const receiving = lab.receive(requestQueue, beyond, 0, RECEIVE);
  if (receiving === 0) lab.send(requestQueue, lab.slice(64, 12), remote);
  notes.compare(
    "a receive beyond the registration",
    "refused or failed with WSAEFAULT (10014) or WSAEINVAL (10022)",
    ...await answer(lab, queue, receiving, [WSAEFAULT, WSAEINVAL], RECEIVE),
  );
  await takeAll(lab, queue);

  const [client, server] = await lab.connection(queue);
  const sending = lab.send(client.requestQueue, lab.slice(64, 0));
  notes.compare(
    "a send of 0 bytes on TCP",
    "success with 0 bytes, or WSAEINVAL (10022)",
    ...await answer(lab, queue, sending, [0, WSAEINVAL]),
  );
  const empty = lab.receive(
    server.requestQueue,
    lab.slice(64, 0),
    0,
    RECEIVE,
  );
  if (empty === 0) lab.send(client.requestQueue, lab.slice(64, 1));
  notes.compare(
    "a receive of 0 bytes on TCP, 1 byte sent",
    "success with 0 bytes, or WSAEINVAL (10022)",
    ...await answer(lab, queue, empty, [0, WSAEINVAL], RECEIVE),
  );
}

async function sendsToNowhere(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  for (const transport of ["udp", "tcp"] as const) {
    const queue = lab.queue();
    const requestQueue = lab.requestQueue(lab.socket(transport), queue);
    notes.compare(
      `a send on unconnected ${transport.toUpperCase()}`,
      "refused or failed with WSAENOTCONN (10057)",
      ...await answer(lab, queue, lab.send(requestQueue, lab.slice(0, 5)), [
        WSAENOTCONN,
      ]),
    );
  }
}

async function requestsOfClosedSockets(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  for (
    const [what, flags] of [["committed", 0], [
      "deferred",
      RIO_MSG_DEFER,
    ]] as const
  ) {
    const queue = lab.queue();
    const { socket, requestQueue } = lab.udp(queue);
    for (let i = 0; i < 3; i++) {
      lab.receive(requestQueue, lab.slice(64 * i, 64), flags, i);
    }
    lab.close(socket);
    const early = lab.poll(queue);
    const all = [...early, ...await lab.dequeue(queue, 3 - early.length)];
    const ways = new Set(
      all.map(({ status, bytesTransferred }) =>
        `${outcome(status)}, ${bytesTransferred} bytes`
      ),
    );
    notes.compare(
      `3 receives, ${what}`,
      `3 completions with ${outcome(ABORTED)}, 0 bytes`,
      `${all.length} completions with ${[...ways].join(" or ")}`,
      all.length === 3 &&
        all.every((one) => one.status === ABORTED && !one.bytesTransferred),
    );
    notes.fact(`their order, ${what}`, all.map((one) => one.context).join(" "));
    notes.fact(
      `there when closesocket returned, ${what}`,
      `${early.length} of ${all.length}`,
    );
  }
}

async function failedDatagrams(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  await truncated(notes, lab);
  await unreachable(notes, lab, false);
  await unreachable(notes, lab, true);
}

async function truncated(notes: Notebook, lab: Lab): Promise<void> {
  const queue = lab.queue();
  const { requestQueue, address } = lab.udp(queue);
  postReceive(lab, requestQueue, 4);
  lab.send(requestQueue, lab.slice(512, 10), lab.addressSlice(0, address));
  const done = await lab.dequeue(queue, 2);
  const receive = done.find(({ context }) => context === RECEIVE);
  notes.compare(
    "10 bytes into a slice of 4",
    `${outcome(WSAEMSGSIZE)}, 4 bytes, the address of the sender`,
    describe(lab, receive),
    receive?.status === WSAEMSGSIZE && receive.bytesTransferred === 4 &&
      remoteOf(lab) === text(address),
  );
}

async function unreachable(
  notes: Notebook,
  lab: Lab,
  connected: boolean,
): Promise<void> {
  const queue = lab.queue();
  const { socket, requestQueue } = lab.udp(queue);
  // A port that was just given back: nothing listens there.
  const gone = lab.socket("udp");
  const address = lab.addressOf(gone);
  lab.close(gone);
  if (connected) lab.rio.sockets.connect(socket, address, 0);
  postReceive(lab, requestQueue, 64);
  lab.send(
    requestQueue,
    lab.slice(512, 10),
    connected ? undefined : lab.addressSlice(0, address),
  );
  const done = await lab.dequeue(queue, 2, MOMENT);
  const receive = done.find(({ context }) => context === RECEIVE);
  // The next question uses the same slices.
  lab.close(socket);
  await lab.dequeue(queue, 2 - done.length);
  const what = `to a closed port, ${connected ? "" : "not "}connected`;
  const whom = `the unreachable address${connected ? " or none" : ""}`;
  const expected = `${outcome(WSAECONNRESET)}, 0 bytes, ${whom}`;
  if (!receive) {
    notes.undecided(what, expected, `no completion in ${MOMENT} ms`);
    return;
  }
  notes.compare(
    what,
    expected,
    describe(lab, receive),
    receive.status === WSAECONNRESET && receive.bytesTransferred === 0 &&
      [text(address), connected ? NO_ADDRESS : ""].includes(remoteOf(lab)),
  );
}

const REMOTE = 256;

/** Posts a receive with room for the sender's address, and tells it apart. */
function postReceive(lab: Lab, requestQueue: RioHandle, length: number): void {
  const remote = lab.addressSlice(REMOTE, new Uint8Array(SOCKADDR_INET.size));
  const data = lab.slice(1024, length);
  lab.posted(
    lab.rio.rings.receiveEx(
      requestQueue,
      data,
      null,
      remote,
      null,
      null,
      0,
      RECEIVE,
    ),
  );
}

function describe(lab: Lab, completion: Completion | undefined): string {
  if (!completion) return "no completion";
  const { status, bytesTransferred } = completion;
  return `${outcome(status)}, ${bytesTransferred} bytes, ${remoteOf(lab)}`;
}

function remoteOf({ memory }: Lab): string {
  return text(memory.bytes.subarray(REMOTE, REMOTE + SOCKADDR_INET.size));
}

function text(address: Uint8Array): string {
  if (address.every((byte) => byte === 0)) return NO_ADDRESS;
  const { hostname, port } = readAddress(address, "udp");
  return `${hostname}:${port}`;
}

/** Whether a post was refused, or how it completed; and whether that fits. */
async function answer(
  lab: Lab,
  queue: RioHandle,
  error: number,
  expected: readonly number[],
  context = 0,
): Promise<[seen: string, match: boolean]> {
  if (error !== 0) {
    return [`refused with ${outcome(error)}`, expected.includes(error)];
  }
  const deadline = performance.now() + MOMENT;
  let one: Completion | undefined;
  while (!one && performance.now() < deadline) {
    const done = await lab.dequeue(queue, 1, MOMENT);
    one = done.find((each) => each.context === context);
  }
  if (!one) return [`accepted, not completed in ${MOMENT} ms`, false];
  const { status, bytesTransferred } = one;
  return [
    `accepted, completed with ${outcome(status)}, ${bytesTransferred} bytes`,
    expected.includes(status),
  ];
}

/** Takes what is still to come, so that the next answer is the next one's. */
async function takeAll(lab: Lab, queue: RioHandle): Promise<void> {
  await lab.dequeue(queue, 16, 50);
}
