/** Socket options, by their Winsock level and name. @module */
import { assert, assertEquals } from "@std/assert";
import {
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../../ffi/constants.ts";
import { WSAENOPROTOOPT } from "../../../ffi/error_numbers.ts";
import { IPV6 } from "../families.ts";
import type { Harness, Statement } from "../harness.ts";

/** Every statement about options. */
export const socketOptions: readonly Statement[] = [
  {
    name: "SO_TYPE tells the socket type",
    run(t) {
      const value = new Uint8Array(4);
      for (
        const [socket, type] of [
          [t.udpSocket(), SOCK_DGRAM],
          [t.tcpSocket(), SOCK_STREAM],
        ] as const
      ) {
        assertEquals(
          t.rio.sockets.getOption(socket, SOL_SOCKET, SO_TYPE, value),
          4,
        );
        assertEquals(new DataView(value.buffer).getInt32(0, true), type);
      }
    },
  },
  {
    name: "TCP_NODELAY reads as it was set",
    run(t) {
      const socket = t.tcpSocket();
      for (const on of [1, 0]) {
        t.done(
          t.rio.sockets.setOption(socket, IPPROTO_TCP, TCP_NODELAY, number(on)),
          "setsockopt",
        );
        assertEquals(option(t, socket, IPPROTO_TCP, TCP_NODELAY) !== 0, !!on);
      }
    },
  },
  {
    name: "SO_BROADCAST reads as it was set",
    run(t) {
      const socket = t.udpSocket();
      for (const on of [1, 0]) {
        t.done(
          t.rio.sockets.setOption(socket, SOL_SOCKET, SO_BROADCAST, number(on)),
          "setsockopt",
        );
        assertEquals(option(t, socket, SOL_SOCKET, SO_BROADCAST) !== 0, !!on);
      }
    },
  },
  {
    name: "SO_RCVBUF reads as the size that was set",
    run(t) {
      const socket = t.udpSocket();
      t.done(
        t.rio.sockets.setOption(socket, SOL_SOCKET, SO_RCVBUF, number(65536)),
        "setsockopt",
      );
      assertEquals(option(t, socket, SOL_SOCKET, SO_RCVBUF), 65536);
    },
  },
  {
    name: "IPV6_V6ONLY reads as it was set",
    run(t) {
      const socket = t.udpSocket(IPV6);
      for (const on of [1, 0]) {
        t.done(
          t.rio.sockets.setOption(
            socket,
            IPPROTO_IPV6,
            IPV6_V6ONLY,
            number(on),
          ),
          "setsockopt",
        );
        assertEquals(option(t, socket, IPPROTO_IPV6, IPV6_V6ONLY) !== 0, !!on);
      }
    },
  },
  {
    name: "setOption fails with 10042 for an option that nobody knows",
    misuse: true,
    run(t) {
      const socket = t.udpSocket();
      assertEquals(
        t.rio.sockets.setOption(socket, SOL_SOCKET, 0x7ABC, number(1)),
        WSAENOPROTOOPT,
      );
    },
  },
];

function number(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}

function option(
  t: Harness,
  socket: number,
  level: number,
  name: number,
): number {
  const value = new Uint8Array(4);
  const length = t.rio.sockets.getOption(socket, level, name, value);
  assert(length > 0, `getsockopt: ${length}`);
  return new DataView(value.buffer).getInt32(0, true);
}
