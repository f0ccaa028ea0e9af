/**
 * `WSAIoctl` of the fake system: extension functions and UDP resets.
 *
 * @module
 */
import {
  FIONBIO,
  RIO_FUNCTIONS,
  type RioFunctionName,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
  SIO_UDP_CONNRESET,
  WSAID_ACCEPTEX,
  WSAID_CONNECTEX,
  WSAID_MULTIPLE_RIO,
} from "../../ffi/constants.ts";
import {
  WSAEFAULT,
  WSAEINVAL,
  WSAENOTSOCK,
  WSAEOPNOTSUPP,
} from "../../ffi/error_numbers.ts";
import { guidBytes } from "../../ffi/layout.ts";
import type { Pointers } from "./pointers.ts";
import type { Sockets } from "./sockets.ts";

/** What is wrong with the table of RIO functions. */
export interface TableFaults {
  /** Fail with this error number. */
  errno?: number;
  /** State this size. */
  cbSize?: number;
  /** State that so many bytes were written. */
  byteCount?: number;
  /** Leave out this function. */
  without?: RioFunctionName;
  /** Move this function elsewhere, as another provider would. */
  moved?: RioFunctionName;
  /** Say that this function is there, and give no address. */
  noAddress?: "ConnectEx" | "AcceptEx";
}

/** Functions that are asked for one by one. */
const EXTENSIONS = new Map(
  [
    [guidBytes(WSAID_CONNECTEX).toHex(), "ConnectEx"],
    [guidBytes(WSAID_ACCEPTEX).toHex(), "AcceptEx"],
  ] as const,
);

/** What the call needs of its system. */
export interface IoctlOptions {
  sockets: Sockets;
  pointers: Pointers;
  table: TableFaults;
  /** Leaves a number for `WSAGetLastError`. */
  fail: (errno: number) => void;
}

/** The arguments that count. */
export interface Ioctl {
  handle: bigint;
  code: number;
  input: Uint8Array;
  output: Uint8Array;
  returned: Uint32Array;
}

/** `WSAIoctl`: 0, or -1 with a last error. */
export function control(
  { sockets, pointers, table, fail }: IoctlOptions,
  call: Ioctl,
): number {
  const { handle, code, input, output, returned } = call;
  const refuse = (errno: number) => {
    fail(errno);
    return -1;
  };
  const socket = sockets.open.get(handle);
  if (!socket) return refuse(WSAENOTSOCK);
  if (code === SIO_UDP_CONNRESET) {
    socket.net.reportsReset = input[0] !== 0;
    return 0;
  }
  if (code === FIONBIO) return refuse(WSAEOPNOTSUPP);
  const guid = input.toHex();
  const view = new DataView(output.buffer, output.byteOffset);
  if (code === SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER) {
    if (guid !== guidBytes(WSAID_MULTIPLE_RIO).toHex()) {
      return refuse(WSAEINVAL);
    }
    if (table.errno !== undefined) return refuse(table.errno);
    if (output.length < 112) return refuse(WSAEFAULT);
    view.setUint32(0, table.cbSize ?? 112, true);
    RIO_FUNCTIONS.forEach((name, i) => {
      let address = pointers.addresses[name];
      if (name === table.without) address = 0n;
      if (name === table.moved) address += 16n;
      view.setBigUint64(8 + 8 * i, address, true);
    });
    returned[0] = table.byteCount ?? 112;
    return 0;
  }
  if (code === SIO_GET_EXTENSION_FUNCTION_POINTER) {
    const name = EXTENSIONS.get(guid);
    if (name === undefined) return refuse(WSAEINVAL);
    const address = name === table.noAddress ? 0n : pointers.addresses[name];
    view.setBigUint64(0, address, true);
    returned[0] = 8;
    return 0;
  }
  return refuse(WSAEOPNOTSUPP);
}
