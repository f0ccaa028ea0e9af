import { assertEquals, assertExists } from "@std/assert";
import * as winsock from "../../ffi/constants.ts";
import { findOption } from "../../ffi/linux/options.ts";

function int(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array([value]).buffer);
}

function option(level: number, name: number) {
  const found = findOption(level, name);
  assertExists(found);
  return found;
}

// Level and name of the kernel, from its uapi headers.
const NUMBERS: [string, number, number, [number, number]][] = [
  ["SO_REUSEADDR", 65535, winsock.SO_REUSEADDR, [1, 2]],
  ["SO_EXCLUSIVEADDRUSE", 65535, winsock.SO_EXCLUSIVEADDRUSE, [1, 2]],
  ["SO_REUSEPORT", 65535, winsock.SO_REUSEPORT, [1, 15]],
  ["SO_MEMINFO", 65535, winsock.SO_MEMINFO, [1, 55]],
  ["SO_TYPE", 65535, winsock.SO_TYPE, [1, 3]],
  ["SO_ERROR", 65535, winsock.SO_ERROR, [1, 4]],
  ["SO_BROADCAST", 65535, winsock.SO_BROADCAST, [1, 6]],
  ["SO_SNDBUF", 65535, winsock.SO_SNDBUF, [1, 7]],
  ["SO_RCVBUF", 65535, winsock.SO_RCVBUF, [1, 8]],
  ["SO_KEEPALIVE", 65535, winsock.SO_KEEPALIVE, [1, 9]],
  ["SO_TIMESTAMP", 65535, winsock.SO_TIMESTAMP, [1, 35]],
  ["SO_LINGER", 65535, winsock.SO_LINGER, [1, 13]],
  ["TCP_NODELAY", 6, winsock.TCP_NODELAY, [6, 1]],
  ["TCP_KEEPIDLE", 6, winsock.TCP_KEEPIDLE, [6, 4]],
  ["TCP_KEEPINTVL", 6, winsock.TCP_KEEPINTVL, [6, 5]],
  ["TCP_KEEPCNT", 6, winsock.TCP_KEEPCNT, [6, 6]],
  ["IP_TOS", 0, winsock.IP_TOS, [0, 1]],
  ["IP_TTL", 0, winsock.IP_TTL, [0, 2]],
  ["IP_PKTINFO", 0, winsock.IP_PKTINFO, [0, 8]],
  ["IP_DONTFRAGMENT", 0, winsock.IP_DONTFRAGMENT, [0, 10]],
  ["IP_RECVTTL", 0, winsock.IP_RECVTTL, [0, 12]],
  ["IP_RECVTOS", 0, winsock.IP_RECVTOS, [0, 13]],
  ["IP_ECN", 0, winsock.IP_ECN, [0, 13]],
  ["IP_MULTICAST_IF", 0, winsock.IP_MULTICAST_IF, [0, 32]],
  ["IP_MULTICAST_TTL", 0, winsock.IP_MULTICAST_TTL, [0, 33]],
  ["IP_MULTICAST_LOOP", 0, winsock.IP_MULTICAST_LOOP, [0, 34]],
  ["IP_ADD_MEMBERSHIP", 0, winsock.IP_ADD_MEMBERSHIP, [0, 35]],
  ["IP_DROP_MEMBERSHIP", 0, winsock.IP_DROP_MEMBERSHIP, [0, 36]],
  ["SO_BINDTODEVICE", 65535, winsock.SO_BINDTODEVICE, [1, 25]],
  ["SO_MAX_PACING_RATE", 65535, winsock.SO_MAX_PACING_RATE, [1, 47]],
  ["IP_MTU", 0, winsock.IP_MTU, [0, 14]],
  ["IP_UNBLOCK_SOURCE", 0, winsock.IP_UNBLOCK_SOURCE, [0, 37]],
  ["IP_BLOCK_SOURCE", 0, winsock.IP_BLOCK_SOURCE, [0, 38]],
  ["IP_ADD_SOURCE_MEMBERSHIP", 0, winsock.IP_ADD_SOURCE_MEMBERSHIP, [0, 39]],
  ["IP_DROP_SOURCE_MEMBERSHIP", 0, winsock.IP_DROP_SOURCE_MEMBERSHIP, [0, 40]],
  ["IP_MULTICAST_ALL", 0, winsock.IP_MULTICAST_ALL, [0, 49]],
  ["IP_UNICAST_IF", 0, winsock.IP_UNICAST_IF, [0, 50]],
  ["IPV6_MTU", 41, winsock.IPV6_MTU, [41, 24]],
  ["IPV6_MULTICAST_ALL", 41, winsock.IPV6_MULTICAST_ALL, [41, 29]],
  ["IPV6_UNICAST_IF", 41, winsock.IPV6_UNICAST_IF, [41, 76]],
  ["IPV6_UNICAST_HOPS", 41, winsock.IPV6_UNICAST_HOPS, [41, 16]],
  ["IPV6_MULTICAST_IF", 41, winsock.IPV6_MULTICAST_IF, [41, 17]],
  ["IPV6_MULTICAST_HOPS", 41, winsock.IPV6_MULTICAST_HOPS, [41, 18]],
  ["IPV6_MULTICAST_LOOP", 41, winsock.IPV6_MULTICAST_LOOP, [41, 19]],
  ["IPV6_ADD_MEMBERSHIP", 41, winsock.IPV6_ADD_MEMBERSHIP, [41, 20]],
  ["IPV6_DROP_MEMBERSHIP", 41, winsock.IPV6_DROP_MEMBERSHIP, [41, 21]],
  ["IPV6_DONTFRAG", 41, winsock.IPV6_DONTFRAG, [41, 23]],
  ["IPV6_HOPLIMIT", 41, winsock.IPV6_HOPLIMIT, [41, 51]],
  ["IPV6_V6ONLY", 41, winsock.IPV6_V6ONLY, [41, 26]],
  ["IPV6_PKTINFO", 41, winsock.IPV6_PKTINFO, [41, 49]],
  ["IPV6_RECVTCLASS", 41, winsock.IPV6_RECVTCLASS, [41, 66]],
  ["IPV6_ECN", 41, winsock.IPV6_ECN, [41, 66]],
  ["IPV6_TCLASS", 41, winsock.IPV6_TCLASS, [41, 67]],
  ["UDP_SEND_MSG_SIZE", 17, winsock.UDP_SEND_MSG_SIZE, [17, 103]],
  [
    "UDP_RECV_MAX_COALESCED_SIZE",
    17,
    winsock.UDP_RECV_MAX_COALESCED_SIZE,
    [17, 104],
  ],
];

for (const level of [winsock.IPPROTO_IP, winsock.IPPROTO_IPV6]) {
  for (
    const [name, kernel] of [
      ["MCAST_BLOCK_SOURCE", 43],
      ["MCAST_UNBLOCK_SOURCE", 44],
      ["MCAST_JOIN_SOURCE_GROUP", 46],
      ["MCAST_LEAVE_SOURCE_GROUP", 47],
    ] as const
  ) NUMBERS.push([`${name} ${level}`, level, winsock[name], [level, kernel]]);
}

for (const [name, level, number, [toLevel, toName]] of NUMBERS) {
  Deno.test(`findOption() gives the kernel's numbers for ${name}`, () => {
    const found = option(level, number);
    assertEquals([found.level, found.name], [toLevel, toName]);
  });
}

Deno.test("findOption() gives nothing for an option that the kernel lacks", () => {
  const known = NUMBERS.map(([, level, name]) => `${level}:${name}`);
  const found: string[] = [];
  for (const level of [65535, 6, 0, 41, 17]) {
    for (let name = -10; name < 30_000; name++) {
      if (findOption(level, name)) found.push(`${level}:${name}`);
    }
  }
  assertEquals(found.sort(), known.sort());
  assertEquals(findOption(winsock.SOL_SOCKET, 999), undefined);
  assertEquals(findOption(1, 2), undefined);
  assertEquals(
    findOption(winsock.SOL_SOCKET, winsock.SO_UPDATE_ACCEPT_CONTEXT),
    undefined,
  );
});

Deno.test("findOption() finds SO_EXCLUSIVEADDRUSE by its unsigned number, too", () => {
  const signed = option(winsock.SOL_SOCKET, winsock.SO_EXCLUSIVEADDRUSE);
  const unsigned = option(winsock.SOL_SOCKET, 0xFFFFFFFB);
  assertEquals(signed, unsigned);
  // The opposite of sharing the address.
  assertEquals(signed.toKernel(int(1)), int(0));
  assertEquals(signed.toWinsock(int(0)), int(1));
});

Deno.test("SO_EXCLUSIVEADDRUSE is off while the kernel lets others in", () => {
  const exclusive = option(winsock.SOL_SOCKET, winsock.SO_EXCLUSIVEADDRUSE);
  assertEquals(exclusive.toKernel(int(0)), int(1));
  assertEquals(exclusive.toWinsock(int(1)), int(0));
});

Deno.test("an integer option takes one byte as well as four", () => {
  const ttl = option(winsock.IPPROTO_IP, winsock.IP_TTL);
  assertEquals(ttl.toKernel(new Uint8Array([64])), int(64));
  assertEquals(ttl.toKernel(int(-1)), int(-1));
  assertEquals(ttl.toKernel(new Uint8Array()), null);
});

Deno.test("SO_LINGER becomes two 32-bit numbers and comes back", () => {
  const linger = option(winsock.SOL_SOCKET, winsock.SO_LINGER);
  const value = new Uint8Array([1, 0, 0x2C, 0x01]);
  const kernel = linger.toKernel(value);
  assertEquals(kernel, new Uint8Array([1, 0, 0, 0, 0x2C, 0x01, 0, 0]));
  assertEquals(linger.toWinsock(kernel!), value);
  assertEquals(linger.toKernel(new Uint8Array(3)), null);
});

Deno.test("IP_ADD_MEMBERSHIP moves an interface index to the third field", () => {
  const join = option(winsock.IPPROTO_IP, winsock.IP_ADD_MEMBERSHIP);
  const group = [239, 1, 2, 3];
  assertEquals(
    join.toKernel(new Uint8Array([...group, 0, 0, 1, 2])),
    new Uint8Array([...group, 0, 0, 0, 0, 2, 1, 0, 0]),
  );
  assertEquals(
    join.toKernel(new Uint8Array([...group, 127, 0, 0, 1])),
    new Uint8Array([...group, 127, 0, 0, 1, 0, 0, 0, 0]),
  );
  assertEquals(join.toKernel(new Uint8Array(7)), null);
});

Deno.test("IP_MULTICAST_IF takes an address or an interface index", () => {
  const outgoing = option(winsock.IPPROTO_IP, winsock.IP_MULTICAST_IF);
  assertEquals(
    outgoing.toKernel(new Uint8Array([127, 0, 0, 1])),
    new Uint8Array([0, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0]),
  );
  assertEquals(
    outgoing.toKernel(new Uint8Array([0, 0, 1, 2])),
    new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0]),
  );
  assertEquals(outgoing.toKernel(new Uint8Array(3)), null);
  const address = new Uint8Array([127, 0, 0, 1]);
  assertEquals(outgoing.toWinsock(address), address);
});

Deno.test("UDP_RECV_MAX_COALESCED_SIZE is all that the kernel coalesces, or nothing", () => {
  const size = option(
    winsock.IPPROTO_UDP,
    winsock.UDP_RECV_MAX_COALESCED_SIZE,
  );
  assertEquals(size.toKernel(int(9000)), int(1));
  assertEquals(size.toKernel(int(0)), int(0));
  assertEquals(size.toWinsock(int(1)), int(0xFFFF));
  assertEquals(size.toWinsock(int(0)), int(0));
});

Deno.test("IP_DONTFRAGMENT and IPV6_DONTFRAG become a path MTU mode and come back as 0 or 1", () => {
  for (
    const dontFragment of [
      option(winsock.IPPROTO_IP, winsock.IP_DONTFRAGMENT),
      option(winsock.IPPROTO_IPV6, winsock.IPV6_DONTFRAG),
    ]
  ) {
    assertEquals(dontFragment.toKernel(int(1)), int(2));
    assertEquals(dontFragment.toKernel(int(0)), int(0));
    assertEquals(dontFragment.toWinsock(int(2)), int(1));
    assertEquals(dontFragment.toWinsock(int(1)), int(0));
  }
});

Deno.test("SO_ERROR comes back as a Winsock number", () => {
  const error = option(winsock.SOL_SOCKET, winsock.SO_ERROR);
  assertEquals(error.toWinsock(int(111)), int(10061));
  assertEquals(error.toWinsock(int(0)), int(0));
});

Deno.test("SO_RCVBUF and SO_SNDBUF come back as the size that was set", () => {
  for (const name of [winsock.SO_RCVBUF, winsock.SO_SNDBUF]) {
    const size = option(winsock.SOL_SOCKET, name);
    assertEquals(size.toKernel(int(65536)), int(65536));
    // The kernel doubles it.
    assertEquals(size.toWinsock(int(131072)), int(65536));
  }
});

Deno.test("ip_mreq_source becomes the kernel's, which has the source last", () => {
  const { IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP } = winsock;
  const { toKernel } = option(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP);
  const value = new Uint8Array([232, 1, 2, 3, 10, 0, 0, 1, 10, 0, 0, 2]);
  const kernel = [232, 1, 2, 3, 10, 0, 0, 2, 10, 0, 0, 1];
  assertEquals(toKernel(value), new Uint8Array(kernel));
  assertEquals(toKernel(value.subarray(0, 11)), null);
});

Deno.test("GROUP_SOURCE_REQ becomes the kernel's, whose IPv6 is another number", () => {
  const { IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP } = winsock;
  const { toKernel } = option(IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP);
  const value = new Uint8Array(264).fill(7);
  value.set([23, 0], 8);
  value.set([23, 0], 136);
  const kernel = value.slice();
  kernel[8] = kernel[136] = 10;
  assertEquals(toKernel(value), kernel);
  value.set([2, 0], 136);
  assertEquals(toKernel(value)!.slice(136, 138), new Uint8Array([2, 0]));
  assertEquals(toKernel(value.subarray(1)), null);
});

Deno.test("IPV6_UNICAST_IF is turned into network order and back", () => {
  const { IPPROTO_IPV6, IPV6_UNICAST_IF } = winsock;
  const found = option(IPPROTO_IPV6, IPV6_UNICAST_IF);
  const network = new Uint8Array([0, 0, 0, 5]);
  assertEquals(found.toKernel(int(5)), network);
  assertEquals(found.toWinsock(network), int(5));
  assertEquals(found.toKernel(new Uint8Array(3)), null);
});

Deno.test("SO_BINDTODEVICE keeps a name of any length", () => {
  const found = option(winsock.SOL_SOCKET, winsock.SO_BINDTODEVICE);
  const name = new TextEncoder().encode("eth0.1234");
  assertEquals(found.toKernel(name), name);
  assertEquals(found.toKernel(new Uint8Array()), new Uint8Array());
});

Deno.test("SO_MAX_PACING_RATE is told in 32 bits, no limit as -1", () => {
  const found = option(winsock.SOL_SOCKET, winsock.SO_MAX_PACING_RATE);
  assertEquals(found.toWinsock(new Uint8Array(8).fill(0xFF)), int(-1));
});
