/** Data without requests: what a call may touch, and what it tells. */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE, readAddress, writeAddress } from "../../ffi/address.ts";
import {
  AF_INET,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_UDP,
  SOCK_DGRAM,
} from "../../ffi/constants.ts";
import { CONTROL_SIZE, writeControl } from "../../ffi/control.ts";
import type {
  RioBackend,
  RioDirectSocket,
  RioHandle,
} from "../../ffi/contract.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { engineTest, type Rig, Watcher } from "./rig.ts";

function attach(
  rio: RioBackend,
  socket: RioHandle,
): { io: RioDirectSocket; watcher: Watcher } {
  const watcher = new Watcher();
  const io = rio.direct!.attach(socket, watcher);
  assert(typeof io !== "number", "attach() was refused");
  return { io, watcher };
}

/** Both ends of a connection that is moved directly. */
async function pair(rig: Rig) {
  const queue = rig.queue(32);
  const [client, server] = await rig.tcp(queue, queue);
  return {
    client: { ...client!, ...attach(rig.rio, client!.socket) },
    server: { ...server!, ...attach(rig.rio, server!.socket) },
  };
}

/** Has the backend look until something holds. */
async function look(rio: RioBackend, holds: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!holds() && performance.now() < end) {
    // Nobody waits for a key: the wait ends with its look.
    await rio.waits.wait(() => false);
  }
  assert(holds(), "it was not told within 5 seconds");
}

engineTest("a stream moves bytes, then its end", async (rig) => {
  const { client, server } = await pair(rig);
  assertEquals(client.io.send(new Uint8Array([1, 2, 3])), 3);
  const into = new Uint8Array(8);
  let got = server.io.receive(into);
  while (got === -wsa.WSAEWOULDBLOCK) {
    await rig.rio.waits.wait(() => false);
    got = server.io.receive(into);
  }
  assertEquals([got, ...into.subarray(0, 3)], [3, 1, 2, 3]);
  assertEquals(server.io.receive(into), -wsa.WSAEWOULDBLOCK);
  assertEquals(rig.rio.sockets.shutdown(client.socket, 1), 0);
  await look(rig.rio, () => server.io.receive(into) === 0);
});

engineTest(
  "a receive writes no further than its array goes, whatever its class says",
  async (rig) => {
    const { client, server } = await pair(rig);
    class Liar extends Uint8Array {
      override get length(): number {
        return 4096;
      }
      override get byteLength(): number {
        return 4096;
      }
    }
    const buffer = new ArrayBuffer(16);
    const after = new Uint8Array(buffer, 8);
    // Whoever has asked in vain is told.
    assertEquals(server.io.receive(after), -wsa.WSAEWOULDBLOCK);
    assertEquals(client.io.send(new Uint8Array(16).fill(7)), 16);
    await look(rig.rio, () => server.watcher.arrivals > 0);
    assertEquals(server.io.receive(new Liar(buffer, 0, 8)), 8);
    assertEquals([...after], new Array(8).fill(0));
  },
);

engineTest("a send that has no room is told when there is", async (rig) => {
  const { client, server } = await pair(rig);
  const data = new Uint8Array(1 << 20);
  let sent = 0;
  for (;;) {
    const count = client.io.send(data);
    if (count === -wsa.WSAEWOULDBLOCK) break;
    sent += count;
  }
  assertEquals(client.watcher.room, 0);
  for (let received = 0; received < sent;) {
    const count = server.io.receive(data);
    if (count > 0) received += count;
    else await rig.rio.waits.wait(() => false);
  }
  await look(rig.rio, () => client.watcher.room > 0);
  assert(client.io.send(data) > 0);
});

engineTest("every call fails once the socket was closed", async (rig) => {
  const { client, server } = await pair(rig);
  assertEquals(rig.rio.sockets.close(client.socket), 0);
  assertEquals(client.watcher.over, 1);
  const bytes = new Uint8Array(28);
  for (
    const call of [
      () => client.io.receive(bytes),
      () => client.io.receiveFrom(bytes, new Uint8Array(28)),
      () => client.io.send(bytes),
    ]
  ) assertEquals(call(), -wsa.WSAENOTSOCK);
  assertEquals(server.watcher.over, 0);
});

engineTest("a socket has one direct way, and a closed one none", (rig) => {
  const { rio } = rig;
  const { socket } = rig.udp(rig.queue(32));
  attach(rio, socket);
  assertEquals(rio.direct!.attach(socket, new Watcher()), -wsa.WSAEINVAL);
  assertEquals(rio.sockets.close(socket), 0);
  assertEquals(rio.direct!.attach(socket, new Watcher()), -wsa.WSAENOTSOCK);
});

engineTest(
  "a datagram tells its sender, and reaches where it is sent",
  (rig) => {
    const { rio } = rig;
    const queue = rig.queue(32);
    const [a, b] = [rig.udp(queue), rig.udp(queue)];
    const [from, to] = [attach(rio, a.socket).io, attach(rio, b.socket).io];
    assertEquals(from.sendTo(new Uint8Array([9, 8]), b.address), 2);
    const [into, sender] = [new Uint8Array(8), new Uint8Array(28)];
    assertEquals(to.receiveFrom(into, sender), 2);
    assertEquals([...into.subarray(0, 2)], [9, 8]);
    assertEquals(sender, a.address);
    assertEquals(to.receiveFrom(into, sender), -wsa.WSAEWOULDBLOCK);
  },
);

engineTest(
  "a datagram leaves from where its control messages say, and tells where it came",
  async (rig) => {
    const { rio } = rig;
    const queue = rig.queue(32);
    const [a, b] = [rig.udp(queue), rig.udp(queue)];
    const { sockets } = rio;
    const everywhere = sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    const address = new Uint8Array(ADDRESS_SIZE);
    writeAddress(address, { hostname: "0.0.0.0", port: 0 });
    assertEquals(sockets.bind(everywhere, address), 0);
    sockets.localAddress(everywhere, address);
    const on = new Uint8Array([1, 0, 0, 0]);
    sockets.setOption(everywhere, IPPROTO_IP, IP_PKTINFO, on);
    const { io } = attach(rio, everywhere);
    const { io: peer } = attach(rio, b.socket);
    const control = new Uint8Array(CONTROL_SIZE);
    const local = "127.0.0.5";
    const messages = control.subarray(0, writeControl(control, 4, { local }));
    const data = new Uint8Array([1, 2, 3]);
    assertEquals(io.sendMessage(data, b.address, messages), 3);
    const [into, from, here] = [8, 28, 28].map((size) => new Uint8Array(size));
    assertEquals(peer.receiveFrom(into!, from!, here!), 3);
    assertEquals([...into!.subarray(0, 3)], [1, 2, 3]);
    assertEquals(readAddress(from!, "udp").hostname, local);
    // Without packet info it is the address of the socket.
    assertEquals(here, b.address);
    // What is answered there arrives there.
    assertEquals(peer.sendTo(data.subarray(0, 1), from!), 1);
    assertEquals(io.receiveFrom(into!, from!, here!), 1);
    assertEquals(from, b.address);
    const { hostname, port } = readAddress(here!, "udp");
    assertEquals([hostname, port], [local, readAddress(address, "udp").port]);
    assertEquals(io.receiveFrom(into!, from!, here!), -wsa.WSAEWOULDBLOCK);
    // The length is told of one that does not fit.
    assertEquals(peer.sendTo(new Uint8Array(20), address), 20);
    let length = 0;
    await look(rio, () => {
      if (length <= 0) length = io.receiveFrom(into!, from!, here!);
      return length > 0;
    });
    assertEquals(length, 20);
    assertEquals(
      io.sendMessage(data, a.address, new Uint8Array(4)),
      -wsa.WSAEINVAL,
    );
    assertEquals(
      io.sendMessage(new Uint8Array(65537), a.address, messages),
      -wsa.WSAEMSGSIZE,
    );
    assertEquals(sockets.close(everywhere), 0);
    assertEquals(
      io.sendMessage(data, b.address, messages),
      -wsa.WSAENOTSOCK,
    );
  },
);
