/**
 * Control messages as the kernel of Linux has them.
 *
 * @module
 */

/** One message. */
export interface Message {
  level: number;
  type: number;
  payload: number[];
}

/** Messages one after another, each at a multiple of 8 bytes. */
export function encode(messages: Message[], lead = 0): Uint8Array<ArrayBuffer> {
  const bytes: number[] = new Array(lead).fill(0);
  for (const { level, type, payload } of messages) {
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, 16 + payload.length, true);
    header.setInt32(8, level, true);
    header.setInt32(12, type, true);
    bytes.push(...new Uint8Array(header.buffer), ...payload);
    while (bytes.length % 8 !== 0) bytes.push(0);
  }
  return new Uint8Array(bytes);
}

/** An IPv4 datagram from interface 3 that was sent to 10.0.0.1, at 10.0.0.9. */
export const PKTINFO: Message = {
  level: 0,
  type: 8,
  payload: [3, 0, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1],
};
/** An IPv6 datagram to ::1. */
export const PKTINFO6: Message = {
  level: 41,
  type: 50,
  payload: [...new Array(15).fill(0), 1, 4, 0, 0, 0],
};

/** The same as {@linkcode PKTINFO} on an IPv6 socket. */
export const MAPPED_PKTINFO: Message = {
  level: 41,
  type: 50,
  payload: [
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1],
    ...[3, 0, 0, 0],
  ],
};
