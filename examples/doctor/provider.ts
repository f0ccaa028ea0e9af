/**
 * Whose sockets these are, and where the 13 functions lie.
 *
 * @module
 */
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  resolveRioTable,
  RIO_FUNCTIONS,
  type RioTable,
  SO_PROTOCOL_INFOW,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  WSAPROTOCOL_INFOW,
} from "../../ffi/mod.ts";
import {
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { Winsock } from "./native.ts";

/** `XP1_IFS_HANDLES`: the handles are those of the system itself. */
const IFS_HANDLES = 0x20000;
/** Two functions of one module are not farther apart, in bytes. */
const MODULE_SIZE = 16 * 1024 * 1024;

/** Provider, protocols and pointers; Windows only. */
export const PROVIDER: readonly Experiment[] = [
  {
    name: "provider",
    title: "Whose sockets are these, and where are the 13 functions?",
    net: false,
    run: provider,
  },
];

function provider(notes: Notebook, setting: Setting): void {
  if (Deno.build.os !== "windows") {
    notes.fact("provider", "none: these are the sockets of the kernel");
    return;
  }
  using winsock = new Winsock(setting);
  const udp = examine(notes, winsock, "UDP", SOCK_DGRAM, IPPROTO_UDP);
  const tcp = examine(notes, winsock, "TCP", SOCK_STREAM, IPPROTO_TCP);
  if (!udp || !tcp) return;
  const same = RIO_FUNCTIONS.every((name) => udp[name] === tcp[name]);
  notes.compare(
    "pointers from UDP and from TCP",
    "the same",
    same ? "the same" : "different",
    same,
  );
  const pointers = RIO_FUNCTIONS.map((name) => {
    const module = winsock.moduleOf(udp[name]);
    const address = `0x${udp[name].toString(16)}`;
    notes.fact(name, `${address} in ${module ?? "no module"}`);
    return { module, address: udp[name] };
  });
  const modules = new Set(pointers.map(({ module }) => module));
  const addresses = pointers.map(({ address }) => address).sort(ascending);
  const span = Number(addresses.at(-1)! - addresses[0]!);
  notes.compare(
    "where the pointers are",
    "within one module",
    `${modules.size} module(s), ${span} bytes from the first to the last`,
    modules.size === 1 && !modules.has(null) && span < MODULE_SIZE,
  );
}

/** Writes down the protocol of a socket, and returns its table. */
function examine(
  notes: Notebook,
  winsock: Winsock,
  name: string,
  type: number,
  protocol: number,
): RioTable | null {
  const socket = winsock.open(type, protocol);
  if (socket < 0) {
    notes.compare(`a ${name} socket`, "opens", outcome(-socket), false);
    return null;
  }
  try {
    writeProtocol(notes, winsock, name, socket);
    return resolveRioTable(socket, winsock.symbols);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotSupported)) throw error;
    notes.compare(`table from ${name}`, "13 pointers", error.message, false);
    return null;
  } finally {
    winsock.close(socket);
  }
}

function writeProtocol(
  notes: Notebook,
  winsock: Winsock,
  name: string,
  socket: number,
): void {
  const info = new Uint8Array(WSAPROTOCOL_INFOW.size);
  const error = winsock.errorOf(winsock.symbols.getsockopt(
    BigInt(socket),
    SOL_SOCKET,
    SO_PROTOCOL_INFOW,
    info,
    new Int32Array([info.length]),
  ));
  if (error !== 0) {
    notes.fact(`protocol of ${name}`, outcome(error));
    return;
  }
  const view = new DataView(info.buffer);
  const flags = view.getUint32(WSAPROTOCOL_INFOW.serviceFlags1, true);
  notes.fact(`protocol of ${name}`, readName(view));
  notes.fact(`provider of ${name}`, readGuid(view));
  notes.fact(`service flags of ${name}`, `0x${flags.toString(16)}`);
  const own = (flags & IFS_HANDLES) !== 0;
  notes.compare(
    `XP1_IFS_HANDLES of ${name}`,
    "set",
    own ? "set" : "not set: a layered provider stands in between",
    own,
  );
}

function readName(view: DataView): string {
  let text = "";
  for (let at = WSAPROTOCOL_INFOW.name; at < view.byteLength; at += 2) {
    const unit = view.getUint16(at, true);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}

function readGuid(view: DataView): string {
  const at = WSAPROTOCOL_INFOW.providerId;
  const hex = (value: number, digits: number) =>
    value.toString(16).padStart(digits, "0");
  const tail = Array.from(
    { length: 8 },
    (_, i) => hex(view.getUint8(at + 8 + i), 2),
  ).join("");
  return [
    hex(view.getUint32(at, true), 8),
    hex(view.getUint16(at + 4, true), 4),
    hex(view.getUint16(at + 6, true), 4),
    tail.slice(0, 4),
    tail.slice(4),
  ].join("-");
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
