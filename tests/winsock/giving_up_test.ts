/** How the waits of the Winsock backend end when the system does not help. */
import { assertEquals } from "@std/assert";
import { Rig, withRig } from "./open.ts";
import { tearDown, watched } from "./watched.ts";

Deno.test("wait() resolves to minus the error when there can be no port", () =>
  withRig({}, async ({ backend, fake }) => {
    fake.fail("CreateIoCompletionPort", 1450);
    assertEquals(await backend.waits.wait(), -1450);
    fake.fail("CreateIoCompletionPort", 8);
    assertEquals(await backend.waits.wait(), -8);
  }));

for (
  const [nth, what] of [[1, "the event that wakes"], [
    2,
    "its own event",
  ]] as const
) {
  Deno.test(`createNotification() tells why ${what} cannot be made, and can be tried again`, () =>
    withRig({}, async (rig) => {
      const { waits } = rig.backend;
      rig.fake.fail("CreateEventW", 1450, { nth });
      assertEquals(waits.createNotification("event", 1), 1450);
      const bound = watched(rig, "event", 1);
      const wait = waits.wait();
      waits.wake();
      assertEquals(await wait, 0);
      tearDown(rig, [bound]);
    }));
}

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
