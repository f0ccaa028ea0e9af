/**
 * Carrying out requests: moving bytes between registered memory and the
 * network.
 *
 * @module
 */
import { RIO_MSG_WAITALL } from "../../ffi/constants.ts";
import {
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAEINVAL,
  WSAEMSGSIZE,
  WSAENOTCONN,
} from "../../ffi/error_numbers.ts";
import { SOCKADDR_INET } from "../../ffi/layout.ts";
import { readControl, writeControl } from "./control.ts";
import { type Endpoint, readEndpoint, writeEndpoint } from "./endpoint.ts";
import type { Network } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import { bytesOf, type Request, type Slice } from "./queues.ts";

/** How a request ended. */
export interface Outcome {
  status: number;
  bytesTransferred: number;
}

/** Carries out a receive; `null` while there is nothing to receive. */
export function receive(network: Network, request: Request): Outcome | null {
  return request.queue.socket.isStream
    ? receiveStream(network, request)
    : receiveDatagram(network, request);
}

/** Carries out a send; `null` while there is no room. */
export function send(
  network: Network,
  oracle: Oracle,
  request: Request,
): Outcome | null {
  const { socket } = request.queue;
  const bytes = request.data ? bytesOf(request.data) : new Uint8Array();
  const { posted } = request;
  oracle.expect(
    posted === null || posted.every((byte, i) => byte === bytes[i]),
    "RIOSend: the bytes were changed before the completion",
  );
  if (socket.isStream) {
    if (!network.canSend(socket)) return null;
    const status = network.sendStream(socket, bytes.slice());
    return { status, bytesTransferred: status === 0 ? bytes.length : 0 };
  }
  const to = request.remote
    ? readEndpoint(bytesOf(request.remote))
    : socket.remote;
  if (!to) return failed(request.remote ? WSAEINVAL : WSAENOTCONN);
  const wish = request.control
    ? readControl(bytesOf(request.control), to)
    : { tos: 0, source: null };
  if (!wish) return failed(WSAEINVAL);
  const status = network.sendDatagram(socket, to, bytes.slice(), wish);
  return { status, bytesTransferred: status === 0 ? bytes.length : 0 };
}

function receiveDatagram(network: Network, request: Request): Outcome | null {
  const { socket } = request.queue;
  const datagram = network.takeDatagram(socket);
  if (!datagram) {
    const { icmp } = socket;
    if (!icmp) return null;
    socket.icmp = null;
    writeAddress(request.remote, icmp.from);
    return failed(icmp.status);
  }
  writeAddress(request.local, datagram.to);
  writeAddress(request.remote, datagram.from);
  writeFlags(request.messageFlags);
  if (request.control) {
    writeControl(bytesOf(request.control), socket, datagram);
  }
  if (!request.data) return { status: 0, bytesTransferred: 0 };
  const into = bytesOf(request.data);
  const part = datagram.bytes.subarray(0, into.length);
  into.set(part);
  const status = part.length < datagram.bytes.length ? WSAEMSGSIZE : 0;
  return { status, bytesTransferred: part.length };
}

function receiveStream(network: Network, request: Request): Outcome | null {
  const { socket } = request.queue;
  if (socket.reset) return failed(WSAECONNRESET);
  if (socket.receiveEnded) return failed(WSAECONNABORTED);
  const into = bytesOf(request.data!).subarray(request.filled);
  const taken = network.takeStream(socket, into);
  request.filled += taken;
  const full = taken === into.length;
  const over = socket.ended && socket.stream.length === 0;
  if (over || full || taken > 0 && !(request.flags & RIO_MSG_WAITALL)) {
    writeFlags(request.messageFlags);
    return { status: 0, bytesTransferred: request.filled };
  }
  return null;
}

function writeAddress(slice: Slice | null, endpoint: Endpoint): void {
  if (!slice) return;
  const bytes = bytesOf(slice);
  bytes.fill(0, 0, SOCKADDR_INET.size);
  writeEndpoint(bytes, endpoint);
}

function writeFlags(slice: Slice | null): void {
  if (slice) bytesOf(slice).fill(0, 0, 4);
}

function failed(status: number): Outcome {
  return { status, bytesTransferred: 0 };
}
