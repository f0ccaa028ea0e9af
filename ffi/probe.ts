/**
 * Whether a backend works: tried with the smallest queues on a real socket.
 *
 * @module
 */
import { IPPROTO_UDP, SOCK_DGRAM } from "./constants.ts";
import type { RioBackend } from "./contract.ts";
import { checkHandle } from "./errors.ts";

/**
 * Creates the smallest queues on a socket of a family, and closes them.
 *
 * @param backend The backend to try.
 * @param families The first of these that the system has is tried.
 * @throws {RioError} If anything of it is refused.
 */
export function probe(backend: RioBackend, families: readonly number[]): void {
  const { rings, sockets } = backend;
  const queue = checkHandle(
    rings.createCompletionQueue(2, 0),
    "RIOCreateCompletionQueue",
    "create a completion queue of 2 entries",
  );
  try {
    let opened = 0;
    for (const family of families) {
      opened = sockets.open(family, SOCK_DGRAM, IPPROTO_UDP);
      if (opened > 0) break;
    }
    const attempt = "open a UDP socket for registered I/O";
    const socket = checkHandle(opened, "WSASocketW", attempt);
    try {
      checkHandle(
        rings.createRequestQueue(socket, 1, 1, queue, queue),
        "RIOCreateRequestQueue",
        "create a request queue of 1 receive and 1 send",
      );
    } finally {
      sockets.close(socket);
    }
  } finally {
    rings.closeCompletionQueue(queue);
  }
}
