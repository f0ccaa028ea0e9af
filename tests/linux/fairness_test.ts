/** Many sockets share a queue: none is missed, and none keeps the others waiting. */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE } from "../../ffi/address.ts";
import type { RioHandle } from "../../ffi/contract.ts";
import { linuxTest } from "./rig.ts";

/** The context of a send: no socket has this handle. */
const SEND = 0;

for (const sockets of [2, 8, 9, 60]) {
  linuxTest(
    `${sockets} sockets on one queue all get through, polled`,
    (rig) => {
      const { rio } = rig;
      const queue = rig.queue(16 * sockets + 16);
      const sender = rig.udp(queue);
      const all = Array.from({ length: sockets }, () => rig.udp(queue));
      const seen = new Map<number, number>();
      for (let round = 0; round < 3; round++) {
        for (const { posts, socket } of all) {
          rio.rings.receive(posts, rig.slice(0, 64), 0, socket);
        }
        // Nothing is there yet: epoll has to tell when there is.
        assertEquals(rig.dequeue(queue), []);
        for (const { address } of all) {
          rig.memory.bytes.set(address, 128);
          const remote = rig.slice(128, ADDRESS_SIZE);
          const data = rig.slice(64, 8);
          rio.rings.sendEx(sender.posts, data, remote, null, 0, SEND);
          for (const { context, status } of rig.dequeue(queue)) {
            assertEquals(status, 0);
            if (context === SEND) continue;
            seen.set(context, (seen.get(context) ?? 0) + 1);
          }
        }
      }
      assertEquals(seen.size, sockets);
      assert([...seen.values()].every((count) => count === 3));
    },
  );

  linuxTest(
    `${sockets} sockets on one queue all get through, waiting`,
    async (rig) => {
      const { rio } = rig;
      const queue = rig.queue(16 * sockets, 5);
      const sends = rig.queue(16 * sockets + 16);
      const sender = rig.udp(sends);
      const all = Array.from({ length: sockets }, () => rig.udp(queue));
      for (const { posts, socket } of all) {
        rio.rings.receive(posts, rig.slice(0, 64), 0, socket);
      }
      assertEquals(rig.dequeue(queue), []);
      for (const { address, socket } of all) {
        assertEquals(rio.rings.notify(queue), 0);
        const wait = rio.waits.wait();
        rig.memory.bytes.set(address, 128);
        const remote = rig.slice(128, ADDRESS_SIZE);
        const data = rig.slice(64, 8);
        rio.rings.sendEx(sender.posts, data, remote, null, 0, 2);
        let fired = await wait;
        while (fired === 0) fired = await rio.waits.wait();
        assertEquals([...rio.waits.fired.subarray(0, fired)], [5]);
        assertEquals(rig.dequeue(queue).map((done) => done.context), [socket]);
        rig.dequeue(sends);
      }
    },
  );
}

linuxTest("one busy socket does not keep another one waiting", (rig) => {
  const { rio } = rig;
  const queue = rig.queue(64);
  const sends = rig.queue(64);
  const sender = rig.udp(sends);
  const [busy, quiet] = [rig.udp(queue), rig.udp(queue)];
  const post = ({ posts, socket }: { posts: RioHandle; socket: RioHandle }) => {
    while (rio.rings.receive(posts, rig.slice(0, 64), 0, socket) === 0);
  };
  const send = (address: Uint8Array) => {
    rig.memory.bytes.set(address, 128);
    const remote = rig.slice(128, ADDRESS_SIZE);
    const data = rig.slice(64, 8);
    rio.rings.sendEx(sender.posts, data, remote, null, 0, 2);
    rig.dequeue(sends);
  };
  post(busy);
  post(quiet);
  send(quiet.address);
  const order: number[] = [];
  for (let i = 0; i < 40 && !order.includes(quiet.socket); i++) {
    for (let k = 0; k < 8; k++) send(busy.address);
    order.push(...rig.dequeue(queue, 8).map(({ context }) => context));
    post(busy);
  }
  assert(order.includes(quiet.socket), `${order.length} of the busy one`);
});
