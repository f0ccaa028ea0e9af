/**
 * Between a call and the one that reads its number, the runtime may make calls
 * of its own. Seen once on the Windows build: 1150, which is about versions and
 * no number of Winsock's, of an `AcceptEx`. Where such a call goes on, its memory
 * must not be another's.
 */
import { assert, assertEquals } from "@std/assert";
import { ACCEPT, accept, close, CONNECT, listener } from "./connect.ts";
import { address, withRig } from "./open.ts";

for (const lost of [1150, 0]) {
  Deno.test(`accept() begins anew when the number of its AcceptEx was lost and is ${lost}`, () =>
    withRig({}, async (rig) => {
      const { socket, name } = listener(rig);
      rig.fake.fail("AcceptEx", lost, { accept: true });
      assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
      const client = rig.tcp();
      assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
      const server = await accept(rig, socket);
      assert(server > 0);
      assertEquals(rig.fake.counts.CancelIoEx, 1);
      assertEquals(rig.fake.counts.AcceptEx, 2);
      close(rig, server, client, socket);
    }));

  Deno.test(`connected() is 995 when the number of a ConnectEx was lost and is ${lost}`, () =>
    withRig({}, async (rig) => {
      const { socket, name } = listener(rig);
      const client = rig.tcp();
      rig.fake.fail("ConnectEx", lost, { accept: true });
      assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
      assertEquals(rig.backend.sockets.connected(client), 0);
      await rig.fired(CONNECT);
      assertEquals(rig.backend.sockets.connected(client), -995);
      close(rig, client, socket);
    }));
}

Deno.test("accept() fails at once, and its memory is free, when it does not go on", () =>
  withRig({}, (rig) => {
    const { socket } = listener(rig);
    const { sockets } = rig.backend;
    rig.fake.fail("AcceptEx", 1150);
    assertEquals(sockets.accept(socket, ACCEPT), -1150);
    assertEquals(rig.fake.counts.CancelIoEx, 1);
    // Winsock's own number is not another's: nothing has to be asked.
    rig.fake.fail("AcceptEx", 10055);
    assertEquals(sockets.accept(socket, ACCEPT), -10055);
    assertEquals(rig.fake.counts.CancelIoEx, 1);
    close(rig, socket);
  }));

Deno.test("accept() has the connection when its AcceptEx ended before it could be cancelled", () =>
  withRig({}, async (rig) => {
    const { fake } = rig;
    const { socket, name } = listener(rig);
    const client = rig.tcp();
    assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
    await rig.fired(CONNECT);
    assertEquals(rig.backend.sockets.connected(client), 1);
    const { CancelIoEx } = fake.symbols;
    Object.assign(fake.symbols, {
      CancelIoEx: (...call: Parameters<typeof CancelIoEx>) => {
        fake.pump(9);
        return CancelIoEx(...call);
      },
    });
    fake.fail("AcceptEx", 1150, { accept: true });
    const server = await accept(rig, socket);
    assert(server > 0);
    assertEquals([fake.counts.CancelIoEx, fake.counts.AcceptEx], [1, 1]);
    close(rig, server, client, socket);
  }));

Deno.test("accept() goes on when nobody can tell whether it does", () =>
  withRig({}, async (rig) => {
    const { socket, name } = listener(rig);
    rig.fake.fail("AcceptEx", 1150, { accept: true });
    rig.fake.fail("CancelIoEx", 1150);
    assertEquals(rig.backend.sockets.accept(socket, ACCEPT), 0);
    const client = rig.tcp();
    assertEquals(rig.backend.sockets.connect(client, name, CONNECT), 0);
    const server = await accept(rig, socket);
    assert(server > 0);
    assertEquals(rig.fake.counts.AcceptEx, 1);
    close(rig, server, client, socket);
  }));

Deno.test("connected() tells how a connect ended when the number was lost once", () =>
  withRig({}, async (rig) => {
    const socket = rig.tcp();
    assertEquals(rig.backend.sockets.connect(socket, address(9), CONNECT), 0);
    await rig.fired(CONNECT);
    rig.fake.fail("WSAGetOverlappedResult", 1150);
    assertEquals(rig.backend.sockets.connected(socket), -10061);
    close(rig, socket);
  }));
