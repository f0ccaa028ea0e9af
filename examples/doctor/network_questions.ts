/**
 * What the network stack of this machine adds to Registered I/O: families,
 * control messages, segments, multicast.
 *
 * @module
 */
import {
  AF_INET6,
  IP_ADD_MEMBERSHIP,
  IP_ECN,
  IP_MULTICAST_IF,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_ECN,
  IPV6_PKTINFO,
  IPV6_V6ONLY,
  type RioHandle,
  SOCKADDR_INET,
  UDP_RECV_MAX_COALESCED_SIZE,
} from "../../ffi/mod.ts";
import { readControl, writeAddress, writeControl } from "../../mod.ts";
import {
  errorOf,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { type Endpoint, Lab, loopback } from "./lab.ts";

/** Where things are in the block of a lab. */
const AT = { data: 4096, control: 1024, remote: 512, sent: 2048 } as const;
const GROUP = "239.255.77.77";
/** Bytes of a datagram that is cut, and of each of its parts. */
const CUT = { whole: 250, part: 100 } as const;

/** IPv6, dual-stack sockets, segments, multicast. */
export const NETWORK_QUESTIONS: readonly Experiment[] = [
  {
    name: "families",
    title: "What do IPv6 and dual-stack sockets tell of a datagram?",
    net: true,
    run: families,
  },
  {
    name: "segments",
    title: "Are sends cut and receives joined, and are sizes told?",
    net: true,
    run: segments,
  },
  {
    name: "multicast",
    title: "Does a datagram to a multicast group arrive?",
    net: true,
    run: multicast,
  },
];

async function families(notes: Notebook, setting: Setting): Promise<void> {
  for (const hostname of ["::1", "::ffff:127.0.0.1"]) {
    await using lab = new Lab(setting);
    const dual = hostname !== "::1";
    const what = dual ? "dual-stack" : "IPv6";
    const { sockets } = lab.rio;
    const socket = lab.trySocket("udp", AF_INET6);
    notes.fact(`${what} socket`, outcome(errorOf(socket)));
    if (socket < 0) continue;
    const set = (level: number, name: number, value: number) =>
      sockets.setOption(socket, level, name, number(value));
    const options = {
      "IPV6_V6ONLY off": dual ? set(IPPROTO_IPV6, IPV6_V6ONLY, 0) : 0,
      "bind": sockets.bind(socket, address(hostname)),
      "IPV6_PKTINFO": set(IPPROTO_IPV6, IPV6_PKTINFO, 1),
      "IPV6_ECN": set(IPPROTO_IPV6, IPV6_ECN, 1),
      "IP_PKTINFO": dual ? set(IPPROTO_IP, IP_PKTINFO, 1) : 0,
      "IP_ECN": dual ? set(IPPROTO_IP, IP_ECN, 1) : 0,
    };
    for (const [name, error] of Object.entries(options)) {
      if (error !== 0) notes.fact(`${what}, ${name}`, outcome(error));
    }
    if (options.bind !== 0) continue;
    const queue = lab.queue();
    const receiver = lab.endpoint(socket, queue);
    const sender = dual
      ? lab.udp(queue)
      : lab.endpoint(bound(lab, hostname), queue);
    const to = new Uint8Array(receiver.address);
    if (dual) to.set(loopback(portOf(receiver.address)));
    const { data, control } = await exchange(lab, queue, {
      sender,
      receiver,
      to,
      send: { ecn: 2 },
    });
    notes.fact(
      `${what}, a datagram with ECN 2`,
      data.length === 0 ? "did not arrive" : JSON.stringify(control),
      { data, control },
    );
  }
}

async function segments(notes: Notebook, setting: Setting): Promise<void> {
  for (const joined of [false, true]) {
    await using lab = new Lab(setting);
    const queue = lab.queue();
    const sender = lab.udp(queue);
    const receiver = lab.udp(queue);
    if (joined) {
      const error = lab.rio.sockets.setOption(
        receiver.socket,
        IPPROTO_UDP,
        UDP_RECV_MAX_COALESCED_SIZE,
        number(65535),
      );
      notes.fact("UDP_RECV_MAX_COALESCED_SIZE", outcome(error));
      if (error !== 0) return;
    }
    const { posted, data, control } = await exchange(lab, queue, {
      sender,
      receiver,
      to: receiver.address,
      send: { segmentSize: CUT.part },
    });
    const how = joined ? "to a socket that joins" : "to another";
    notes.fact(
      `${CUT.whole} bytes in parts of ${CUT.part}, ${how}`,
      posted !== 0
        ? outcome(posted)
        : `${data.join(" and ") || "nothing"} bytes, size told: ${
          control.segmentSize ?? "no"
        }`,
      { posted, data, control },
    );
  }
}

async function multicast(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const { sockets } = lab.rio;
  const queue = lab.queue();
  const { socket, requestQueue, address: own } = lab.udp(queue);
  const host = new Uint8Array([127, 0, 0, 1]);
  const group = GROUP.split(".").map(Number);
  const joins = sockets.setOption(
    socket,
    IPPROTO_IP,
    IP_ADD_MEMBERSHIP,
    new Uint8Array([...group, ...host]),
  );
  notes.fact("IP_ADD_MEMBERSHIP on loopback", outcome(joins));
  const chosen = sockets.setOption(socket, IPPROTO_IP, IP_MULTICAST_IF, host);
  notes.fact("IP_MULTICAST_IF", outcome(chosen));
  lab.receive(requestQueue, lab.slice(AT.data, 64));
  const to = address(GROUP, portOf(own));
  const remote = lab.addressSlice(AT.remote, to);
  const sent = lab.send(requestQueue, lab.slice(AT.sent, 5), remote);
  const done = await lab.dequeue(queue, 2);
  notes.fact(
    "a datagram to a group on loopback",
    sent !== 0
      ? outcome(sent)
      : done.map(({ status, bytesTransferred }) =>
        `${outcome(status)}, ${bytesTransferred} bytes`
      ).join("; "),
  );
}

interface Exchange {
  readonly sender: Endpoint;
  readonly receiver: Endpoint;
  readonly to: Uint8Array;
  readonly send: Parameters<typeof writeControl>[2];
}

/** Sends with control data; what arrived, and what the first came with. */
async function exchange(
  lab: Lab,
  queue: RioHandle,
  { sender, receiver, to, send }: Exchange,
): Promise<
  { posted: number; data: number[]; control: ReturnType<typeof readControl> }
> {
  const { rings } = lab.rio;
  const { bytes } = lab.memory;
  const control = lab.slice(AT.control, 256);
  const receive = (at: number) =>
    lab.posted(rings.receiveEx(
      receiver.requestQueue,
      lab.slice(AT.data + 1024 * at, 1024),
      null,
      null,
      at === 0 ? control : null,
      null,
      0,
      1 + at,
    ));
  for (let at = 0; at < 3; at++) receive(at);
  const remote = lab.addressSlice(AT.remote, to);
  const family = to[SOCKADDR_INET.family] === AF_INET6 ? 6 : 4;
  const room = bytes.subarray(256, 512);
  const length = writeControl(room, family, send);
  const posted = lab.posted(rings.sendEx(
    sender.requestQueue,
    lab.slice(AT.sent, CUT.whole),
    remote,
    lab.slice(256, length),
    0,
    0,
  ));
  const done = await lab.dequeue(queue, 4, 300);
  const data = done.filter(({ context, status }) => context > 0 && status === 0)
    .map(({ bytesTransferred }) => bytesTransferred);
  const told = data.length === 0
    ? {}
    : readControl(bytes.subarray(AT.control, AT.control + 256));
  return { posted, data, control: told };
}

/** An IPv6 socket that is bound to loopback. */
function bound(lab: Lab, hostname: string): RioHandle {
  const socket = lab.trySocket("udp", AF_INET6);
  const error = lab.rio.sockets.bind(socket, address(hostname));
  if (error !== 0) throw new Error(`Cannot bind: ${outcome(error)}`);
  return socket;
}

function address(hostname: string, port = 0): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_INET.size);
  writeAddress(bytes, { hostname, port });
  return bytes;
}

function portOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset)
    .getUint16(SOCKADDR_INET.port);
}

function number(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}
