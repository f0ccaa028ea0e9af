/** Memory that requests name: detached arrays, slices that are none, and too much of it. */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE } from "../../ffi/address.ts";
import * as winsock from "../../ffi/constants.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { pin } from "../../ffi/memory.ts";
import { linuxTest, SIZE } from "./rig.ts";

linuxTest(
  "a receive completes with 10014 when its memory was detached",
  (rig) => {
    const { rio } = rig;
    const queue = rig.queue(32);
    const [a, b] = [rig.udp(queue), rig.udp(queue)];
    assertEquals(rio.sockets.connect(a.socket, b.address, 0), 1);
    const bytes = new Uint8Array(64);
    const bufferId = rio.rings.registerBuffer(pin(bytes));
    const slice = { bufferId, offset: 0, length: 64 };
    assertEquals(rio.rings.receive(b.posts, slice, 0, 1), 0);
    assertEquals(rio.rings.receive(b.posts, rig.slice(0, 64), 0, 2), 0);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    assertEquals(rio.rings.send(a.posts, rig.slice(64, 10), 0, 3), 0);
    assertEquals(
      rig.dequeue(queue).map(({ context, status }) => [context, status]),
      [[3, 0], [1, wsa.WSAEFAULT], [2, 0]],
    );
    assertEquals(rio.rings.receive(b.posts, slice, 0, 4), wsa.WSAEFAULT);
  },
);

linuxTest(
  "a deferred send completes with 10014 when its memory was detached",
  (rig) => {
    const { rio } = rig;
    const queue = rig.queue(32);
    const [a, b] = [rig.udp(queue), rig.udp(queue)];
    assertEquals(rio.sockets.connect(a.socket, b.address, 0), 1);
    const bytes = new Uint8Array(64);
    const bufferId = rio.rings.registerBuffer(pin(bytes));
    const slice = { bufferId, offset: 0, length: 64 };
    assertEquals(rio.rings.send(a.posts, slice, winsock.RIO_MSG_DEFER, 1), 0);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    assertEquals(
      rio.rings.send(a.posts, null, winsock.RIO_MSG_COMMIT_ONLY, 0),
      0,
    );
    assertEquals(rig.dequeue(queue)[0]?.status, wsa.WSAEFAULT);
  },
);

linuxTest("registerBuffer() refuses no bytes and no address", ({ rio }) => {
  const bytes = new Uint8Array(8);
  assertEquals(
    rio.rings.registerBuffer({ bytes: bytes.subarray(8), address: 4096n }),
    -wsa.WSAEINVAL,
  );
  assertEquals(
    rio.rings.registerBuffer({ bytes, address: 0n }),
    -wsa.WSAEFAULT,
  );
});

linuxTest(
  "a slice that is no range of whole bytes is refused with 10014",
  (rig) => {
    const queue = rig.queue(16);
    const { posts } = rig.udp(queue);
    for (
      const [offset, length] of [
        [SIZE, 1],
        [0, SIZE + 1],
        [SIZE - 1, 2],
        [-1, 1],
        [0, -1],
        [0.5, 1],
        [NaN, 1],
        [0xFFFFFFFF, 0xFFFFFFFF],
        [2 ** 32, 1],
      ]
    ) {
      assertEquals(
        rig.rio.rings.receive(posts, rig.slice(offset!, length!), 0, 0),
        wsa.WSAEFAULT,
        `${offset} ${length}`,
      );
    }
  },
);

linuxTest("a send's destination is the one at the time of the post", (rig) => {
  const { rio, memory } = rig;
  const queue = rig.queue(48);
  const [a, b, c] = [rig.udp(queue), rig.udp(queue), rig.udp(queue)];
  memory.bytes.set(b.address, 128);
  rio.rings.receive(b.posts, rig.slice(0, 64), 0, 1);
  rio.rings.receive(c.posts, rig.slice(64, 64), 0, 2);
  const remote = rig.slice(128, ADDRESS_SIZE);
  const defer = winsock.RIO_MSG_DEFER;
  const data = rig.slice(256, 8);
  assertEquals(
    rio.rings.sendEx(a.posts, data, remote, null, defer, 3),
    0,
  );
  memory.bytes.set(c.address, 128);
  assertEquals(
    rio.rings.send(a.posts, null, winsock.RIO_MSG_COMMIT_ONLY, 0),
    0,
  );
  assertEquals(rig.dequeue(queue).map(({ context }) => context), [3, 1]);
});

linuxTest(
  "createRequestQueue() fails with 10055 when memory has no room for the rings",
  (rig) => {
    const { rio } = rig;
    const { socket } = rig.udp(rig.queue(16));
    assertEquals(rio.sockets.close(socket), 0);
    const queue = rig.queue(winsock.RIO_MAX_CQ_SIZE);
    const other = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
    const make = (receives: number) =>
      rio.rings.createRequestQueue(other, receives, 1, queue, queue);
    assertEquals(make(winsock.RIO_MAX_CQ_SIZE - 1), -wsa.WSAENOBUFS);
    // What was reserved for it is free again.
    assertEquals(rio.rings.resizeCompletionQueue(queue, 2), 0);
    assert(make(1) > 0);
  },
);
