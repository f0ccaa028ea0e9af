/** How the waits of the Winsock backend end when the system does not help. */
import { assertEquals } from "@std/assert";
import { Rig, withRig } from "./open.ts";

Deno.test("wait() resolves to minus the error when there can be no port", () =>
  withRig({}, async ({ backend, fake }) => {
    fake.fail("CreateIoCompletionPort", 1450);
    assertEquals(await backend.waits.wait(), -1450);
    fake.fail("CreateIoCompletionPort", 8);
    assertEquals(await backend.waits.wait(), -8);
  }));

Deno.test("closeNotification() closes an event once when called again", () =>
  withRig({}, ({ backend, fake }) => {
    backend.waits.createNotification("event", 1);
    backend.waits.closeNotification(1);
    const { CloseHandle } = fake.counts;
    backend.waits.closeNotification(1);
    assertEquals(fake.counts.CloseHandle, CloseHandle);
  }));

Deno.test("close() goes on when the packet of a call never comes", () => {
  using rig = new Rig();
  const { backend, fake } = rig;
  const listener = rig.udp();
  const socket = rig.tcp();
  backend.sockets.bind(socket, new Uint8Array(listener.name).fill(0, 2, 4));
  assertEquals(backend.sockets.listen(socket, 1), 0);
  assertEquals(backend.sockets.accept(socket, 1), 0);
  // A system that never says that the accept was cancelled.
  fake.fail("DrainQueuedCompletionStatusEx", 258, { times: 20 });
  backend.sockets.close(socket);
  backend.sockets.close(listener.socket);
  backend.rings.closeCompletionQueue(listener.cq);
  backend.close(false);
  assertEquals(fake.counts.DrainQueuedCompletionStatusEx, 20);
  assertEquals(fake.leftovers(), {});
  assertEquals(fake.violations, []);
});
