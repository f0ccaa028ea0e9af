/** Connecting and accepting over the fake. */
import { assert, assertEquals } from "@std/assert";
import {
  AF_INET6,
  RIO_MSG_WAITALL,
  SD_SEND,
  SO_LINGER,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { ACCEPT, accept, CONNECT, listener } from "./connect.ts";
import type { WinsockWaits } from "../../ffi/winsock/waits.ts";
import { address, type Bound, Rig, slice, withRig } from "./open.ts";

/** Two connected sockets with request queues. */
async function pair(rig: Rig): Promise<[client: Bound, server: Bound]> {
  const { socket, name } = listener(rig);
  assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
  const client = rig.tcp();
  assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
  await rig.fired(CONNECT);
  assertEquals(rig.backend.sockets.connected(client), 1);
  const server = await accept(rig, socket);
  assertEquals(rig.backend.sockets.close(socket), 0);
  return [rig.queue(client), rig.queue(server)];
}

function tearDown(rig: Rig, all: Bound[], ...buffers: number[]): void {
  for (const { socket } of all) rig.backend.sockets.close(socket);
  for (const { cq } of all) {
    rig.dequeue(cq);
    rig.backend.rings.closeCompletionQueue(cq);
  }
  for (const id of buffers) rig.backend.rings.deregisterBuffer(id);
}

Deno.test("connect() and accept() give two sockets that know each other", () =>
  withRig({}, async (rig) => {
    const [client, server] = await pair(rig);
    const peer = new Uint8Array(28);
    assertEquals(rig.backend.sockets.remoteAddress(client.socket, peer), 0);
    assertEquals(peer, server.name);
    assertEquals(rig.backend.sockets.remoteAddress(server.socket, peer), 0);
    assertEquals(peer, client.name);
    tearDown(rig, [client, server]);
  }));

Deno.test("connect() and accept() give the same through UnsafeFnPointer", () =>
  withRig({ call: { dispatch: false } }, async (rig) => {
    const [client, server] = await pair(rig);
    tearDown(rig, [client, server]);
  }));

Deno.test("a stream carries bytes, waits for all of them, and ends", () =>
  withRig({}, async (rig) => {
    const { backend } = rig;
    const [client, server] = await pair(rig);
    const buffer = rig.register(64);
    buffer.bytes.set([1, 2, 3, 4, 5, 6]);
    backend.rings.receive(server.rq, slice(buffer, 32, 6), RIO_MSG_WAITALL, 1);
    backend.rings.send(client.rq, slice(buffer, 0, 4), 0, 2);
    assertEquals(rig.dequeue(client.cq, 1)[0]!.bytesTransferred, 4);
    assertEquals(rig.dequeue(server.cq), []);
    backend.rings.send(client.rq, slice(buffer, 4, 2), 0, 3);
    assertEquals(rig.dequeue(server.cq, 1)[0]!.bytesTransferred, 6);
    assertEquals([...buffer.bytes.slice(32, 38)], [1, 2, 3, 4, 5, 6]);
    rig.dequeue(client.cq, 1);
    assertEquals(backend.sockets.shutdown(client.socket, SD_SEND), 0);
    backend.rings.receive(server.rq, slice(buffer, 40, 6), 0, 4);
    assertEquals(rig.dequeue(server.cq, 1), [{
      status: 0,
      bytesTransferred: 0,
      requestContext: 4,
    }]);
    tearDown(rig, [client, server], buffer.id);
  }));

Deno.test("a peer that resets fails the receive with 10054", () =>
  withRig({}, async (rig) => {
    const { backend } = rig;
    const [client, server] = await pair(rig);
    const buffer = rig.register(64);
    backend.rings.receive(server.rq, slice(buffer, 32, 6), 0, 1);
    const linger = new Uint8Array([1, 0, 0, 0]);
    assertEquals(
      backend.sockets.setOption(client.socket, SOL_SOCKET, SO_LINGER, linger),
      0,
    );
    backend.sockets.close(client.socket);
    assertEquals(rig.dequeue(server.cq, 1)[0]!.status, 10054);
    tearDown(rig, [client, server], buffer.id);
  }));

Deno.test("connected() tells that nobody listens", () =>
  withRig({}, async (rig) => {
    const socket = rig.tcp();
    assertEquals(rig.backend.sockets.connected(socket), -10057);
    assertEquals(rig.backend.sockets.connect(socket, address(9), CONNECT), 0);
    assertEquals(rig.backend.sockets.connected(socket), 0);
    await rig.fired(CONNECT);
    assertEquals(rig.backend.sockets.connected(socket), -10061);
    rig.backend.sockets.close(socket);
  }));

Deno.test("connect() binds a socket once, and asks no system about it again", () =>
  withRig({}, async (rig) => {
    const socket = rig.tcp();
    for (let i = 0; i < 2; i++) {
      assertEquals(rig.backend.sockets.connect(socket, address(9), CONNECT), 0);
      await rig.fired(CONNECT);
      assertEquals(rig.backend.sockets.connected(socket), -10061);
    }
    assertEquals(rig.fake.counts.bind, 1);
    rig.backend.sockets.close(socket);
  }));

Deno.test("connect() binds a socket that is not bound, and leaves one that is", () =>
  withRig({}, async (rig) => {
    const { socket: listening, name } = listener(rig);
    for (const bound of [false, true]) {
      const socket = rig.tcp();
      if (bound) {
        assertEquals(rig.backend.sockets.bind(socket, address(50007)), 0);
      }
      assertEquals(rig.backend.sockets.connect(socket, name, CONNECT), 0);
      await rig.fired(CONNECT);
      assertEquals(rig.backend.sockets.connected(socket), 1);
      const local = new Uint8Array(28);
      rig.backend.sockets.localAddress(socket, local);
      const port = local[2]! << 8 | local[3]!;
      assertEquals(port === 50007, bound);
      rig.backend.sockets.close(socket);
    }
    rig.backend.sockets.close(listening);
  }));

Deno.test("a connect over IPv6 binds to the wildcard of IPv6", () =>
  withRig({}, async (rig) => {
    const open = () => rig.backend.sockets.open(AF_INET6, SOCK_STREAM, 6);
    const listening = open();
    const name = new Uint8Array(28);
    assertEquals(rig.backend.sockets.bind(listening, address(0, "::1")), 0);
    assertEquals(rig.backend.sockets.listen(listening, 4), 0);
    assertEquals(rig.backend.sockets.localAddress(listening, name), 0);
    const client = open();
    assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
    await rig.fired(CONNECT);
    assertEquals(rig.backend.sockets.connected(client), 1);
    const server = await accept(rig, listening);
    assert(server > 0);
    for (const socket of [client, server, listening]) {
      rig.backend.sockets.close(socket);
    }
  }));

Deno.test("wait() reports the keys of a connect and an accept that have ended, each once", () =>
  withRig({}, async (rig) => {
    const { sockets, waits } = rig.backend;
    const { socket, name } = listener(rig);
    assertEquals(sockets.accept(socket, ACCEPT), 0);
    const client = rig.tcp();
    assertEquals(sockets.connect(client, name, CONNECT), 0);
    const fired: number[] = [];
    for (let i = 0; i < 20; i++) {
      const wait = waits.wait();
      await rig.turn();
      waits.wake();
      fired.push(...waits.fired.subarray(0, await wait));
    }
    assertEquals(fired.toSorted(), [CONNECT, ACCEPT]);
    for (const one of [client, socket]) assertEquals(sockets.close(one), 0);
  }));

Deno.test("accept() again while one waits makes no second native call", () =>
  withRig({}, (rig) => {
    const { socket } = listener(rig);
    assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
    assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
    assertEquals(rig.fake.counts.AcceptEx, 1);
    assertEquals(rig.backend.sockets.close(socket), 0);
  }));

Deno.test("closing the listener reports the key of its accept, and closes the socket made for it", () =>
  withRig({}, async (rig) => {
    const { socket } = listener(rig);
    assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
    assertEquals(rig.fake.leftovers().sockets, 2);
    const fired = rig.fired(ACCEPT);
    assertEquals(rig.backend.sockets.close(socket), 0);
    assertEquals(rig.fake.leftovers().sockets, undefined);
    await fired;
    assertEquals(rig.backend.sockets.accept(socket, ACCEPT), -10038);
  }));

Deno.test("closing a socket reports the key of its connect", () =>
  withRig({}, async (rig) => {
    const { socket: listening, name } = listener(rig);
    const socket = rig.tcp();
    assertEquals(rig.backend.sockets.connect(socket, name, CONNECT), 0);
    const fired = rig.fired(CONNECT);
    assertEquals(rig.backend.sockets.close(socket), 0);
    await fired;
    assertEquals(rig.backend.sockets.connected(socket), -10038);
    rig.backend.sockets.close(listening);
  }));

for (const [what, key] of [["connect", CONNECT], ["accept", ACCEPT]] as const) {
  Deno.test(`sockets that are closed while ${what}() goes on take no more memory`, () =>
    withRig({}, async (rig) => {
      const { sockets, waits } = rig.backend;
      const { operations } = waits as WinsockWaits;
      const { socket: listening, name } = listener(rig);
      const places = new Set<number>();
      for (let i = 0; i < 10; i++) {
        const socket = what === "accept" ? listener(rig).socket : rig.tcp();
        const outcome = what === "accept"
          ? sockets.accept(socket, key)
          : sockets.connect(socket, name, key);
        assertEquals(outcome, 0);
        const fired = rig.fired(key);
        assertEquals(sockets.close(socket), 0);
        await fired;
        const slot = operations.take();
        places.add(slot.address);
        operations.give(slot);
      }
      assertEquals(places.size, 1);
      assertEquals(sockets.close(listening), 0);
    }));
}

Deno.test("close() collects the packets of accepts and connects that it cancels", () => {
  const rig = new Rig();
  const { socket, name } = listener(rig);
  const client = rig.tcp();
  assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
  assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
  rig.backend.sockets.close(client);
  rig.backend.sockets.close(socket);
  rig.backend.close(false);
  assertEquals(rig.fake.leftovers(), {});
  assertEquals(rig.fake.violations, []);
  assert(rig.fake.counts.DrainQueuedCompletionStatusEx! > 0);
  rig.fake[Symbol.dispose]();
});

Deno.test("close() closes the socket that an accept waits with", () => {
  const rig = new Rig();
  const { socket } = listener(rig);
  assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
  assertEquals(rig.fake.leftovers().sockets, 2);
  rig.backend.close(true);
  assertEquals(rig.fake.leftovers().sockets, 1);
  rig.fake[Symbol.dispose]();
});

Deno.test("sockets.close() that failed can be tried again", () =>
  withRig({}, (rig) => {
    const socket = rig.tcp();
    rig.fake.fail("closesocket", 10050);
    assertEquals(rig.backend.sockets.close(socket), 10050);
    assertEquals(rig.backend.sockets.close(socket), 0);
  }));

const CONNECT_STEPS = [
  ["WSAIoctl", 10045],
  ["bind", 10048],
  ["CreateIoCompletionPort", 8],
  ["ConnectEx", 10055],
] as const;

for (const [name, errno] of CONNECT_STEPS) {
  Deno.test(`connect() returns the error of ${name}, and can be tried again`, () =>
    withRig({}, async (rig) => {
      const { socket: listening, name: peer } = listener(rig);
      const socket = rig.tcp();
      rig.fake.fail(name, errno);
      assertEquals(rig.backend.sockets.connect(socket, peer, CONNECT), -errno);
      assertEquals(rig.backend.sockets.connect(socket, peer, CONNECT), 0);
      await rig.fired(CONNECT);
      assertEquals(rig.backend.sockets.connected(socket), 1);
      rig.backend.sockets.close(socket);
      rig.backend.sockets.close(listening);
    }));
}

Deno.test("connected() returns the error of the step that completes the socket", () =>
  withRig({}, async (rig) => {
    const { socket: listening, name } = listener(rig);
    const socket = rig.tcp();
    assertEquals(rig.backend.sockets.connect(socket, name, CONNECT), 0);
    await rig.fired(CONNECT);
    rig.fake.fail("setsockopt", 10057);
    assertEquals(rig.backend.sockets.connected(socket), -10057);
    rig.backend.sockets.close(socket);
    rig.backend.sockets.close(listening);
  }));

const ACCEPT_STEPS = [
  ["WSAIoctl", 10045],
  ["CreateIoCompletionPort", 8],
  ["WSASocketW", 10024],
  ["AcceptEx", 10055],
] as const;

for (const [name, errno] of ACCEPT_STEPS) {
  Deno.test(`accept() returns the error of ${name}, and can be tried again`, () =>
    withRig({}, (rig) => {
      const { socket } = listener(rig);
      rig.fake.fail(name, errno);
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), -errno);
      assertEquals(rig.fake.leftovers().sockets, 1);
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
      rig.backend.sockets.close(socket);
    }));
}

for (const name of ["WSAGetOverlappedResult", "setsockopt"]) {
  Deno.test(`accept() closes the new socket when ${name} fails`, () =>
    withRig({}, async (rig) => {
      const { socket, name: peer } = listener(rig);
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
      const client = rig.tcp();
      assertEquals(rig.backend.sockets.connect(client, peer, CONNECT), 0);
      await rig.fired(ACCEPT);
      rig.fake.fail(name, 10050);
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), -10050);
      assertEquals(rig.fake.leftovers().sockets, 2);
      rig.backend.sockets.close(client);
      rig.backend.sockets.close(socket);
    }));
}

for (
  const [name, errno] of [
    ["WSAGetOverlappedResult", 10053],
    ["WSAGetOverlappedResult", 10054],
    ["setsockopt", 10057],
  ] as const
) {
  Deno.test(`accept() waits for the next connection when ${name} says ${errno} of one`, () =>
    withRig({}, async (rig) => {
      const { socket, name: peer } = listener(rig);
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
      const gone = rig.tcp();
      assertEquals(rig.backend.sockets.connect(gone, peer, CONNECT), 0);
      await rig.fired(ACCEPT);
      rig.fake.fail(name, errno);
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
      const client = rig.tcp();
      assertEquals(rig.backend.sockets.connect(client, peer, CONNECT + 1), 0);
      const server = await accept(rig, socket);
      assert(server > 0);
      for (const each of [gone, client, server, socket]) {
        rig.backend.sockets.close(each);
      }
    }));
}

for (const call of ["ConnectEx", "AcceptEx"] as const) {
  Deno.test(`a provider that gives no address for ${call} is refused`, () =>
    withRig({ table: { noAddress: call } }, (rig) => {
      const { sockets } = rig.backend;
      const socket = rig.tcp();
      if (call === "ConnectEx") {
        assertEquals(sockets.connect(socket, address(9), CONNECT), -10107);
      } else {
        assertEquals(sockets.bind(socket, address(0)), 0);
        assertEquals(sockets.listen(socket, 1), 0);
        assertEquals(sockets.accept(socket, ACCEPT), -10107);
      }
      assertEquals(sockets.close(socket), 0);
    }));
}
