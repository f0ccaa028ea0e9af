/** Request queues when memory runs out half way, and how they fill. */
import { assert, assertEquals } from "@std/assert";
import * as winsock from "../../ffi/constants.ts";
import type { RioBuf } from "../../ffi/contract.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { memoryFor } from "../unit/stand_ins.ts";
import { linuxTest, OFF, ON } from "./rig.ts";

/** More requests than a shared block of memory holds. */
const MANY = 8192;

for (const blocks of [0, 1]) {
  linuxTest(
    `createRequestQueue() fails with 10055 and reserves nothing when memory has room for ${blocks} of 2 rings`,
    (rig) => {
      const { rio } = rig;
      const completions = rig.queue(2 * MANY);
      const socket = rio.sockets.open(winsock.AF_INET, winsock.SOCK_DGRAM, 17);
      const create = () =>
        rio.rings.createRequestQueue(
          socket,
          MANY,
          MANY,
          completions,
          completions,
        );
      {
        using _memory = memoryFor(blocks);
        assertEquals(create(), -wsa.WSAENOBUFS);
      }
      // The queue holds exactly these: nothing was reserved before.
      assert(create() > 0);
    },
  );

  linuxTest(
    `resizeRequestQueue() fails with 10055 and changes nothing when memory has room for ${blocks} of 2 rings`,
    (rig) => {
      const { rio } = rig;
      const completions = rig.queue(2 * MANY);
      const { posts } = rig.udp(completions);
      {
        using _memory = memoryFor(blocks);
        assertEquals(
          rio.rings.resizeRequestQueue(posts, MANY, MANY),
          wsa.WSAENOBUFS,
        );
      }
      const post = () => rio.rings.receive(posts, rig.slice(0, 1), 0, 0);
      for (let i = 0; i < 8; i++) assertEquals(post(), 0);
      assertEquals(post(), wsa.WSAENOBUFS);
      // The queue holds exactly these: nothing else is reserved.
      assertEquals(rio.rings.resizeRequestQueue(posts, MANY, MANY), 0);
      assertEquals(post(), 0);
    },
  );
}

linuxTest(
  "receive() of no data fails with 10055 when the request queue is full",
  (rig) => {
    const { rio } = rig;
    const { posts } = rig.udp(rig.queue(16));
    for (let i = 0; i < 8; i++) {
      assertEquals(rio.rings.receive(posts, null, 0, i), 0);
    }
    assertEquals(rio.rings.receive(posts, null, 0, 8), wsa.WSAENOBUFS);
  },
);

linuxTest(
  "receive() and send() of no data fail with 10022 on a connection",
  async (rig) => {
    const { rio } = rig;
    const [client] = await rig.tcp(rig.queue(16), rig.queue(16));
    assertEquals(rio.rings.receive(client!.posts, null, 0, 0), wsa.WSAEINVAL);
    assertEquals(rio.rings.send(client!.posts, null, 0, 0), wsa.WSAEINVAL);
  },
);

linuxTest(
  "receiveEx() fails with 10014 for a slice of addresses or flags that is not registered",
  (rig) => {
    const { rio } = rig;
    const { posts } = rig.udp(rig.queue(16));
    const data = rig.slice(0, 8);
    const nowhere = { bufferId: 999, offset: 0, length: 64 };
    for (let i = 0; i < 4; i++) {
      const slices: (RioBuf | null)[] = [null, null, null, null];
      slices[i] = nowhere;
      const [local, remote, control, flags] = slices;
      assertEquals(
        rio.rings.receiveEx(
          posts,
          data,
          local!,
          remote!,
          control!,
          flags!,
          0,
          0,
        ),
        wsa.WSAEFAULT,
      );
    }
    for (let i = 0; i < 8; i++) {
      assertEquals(rio.rings.receive(posts, data, 0, 0), 0);
    }
  },
);

linuxTest(
  "receiveEx() tells of a datagram and control data that were cut off",
  async (rig) => {
    const { rio } = rig;
    const queue = rig.queue(16, 1);
    const { socket, address, posts } = rig.udp(queue);
    const { IPPROTO_IP, IP_PKTINFO } = winsock;
    assertEquals(rio.sockets.setOption(socket, IPPROTO_IP, IP_PKTINFO, ON), 0);
    const [control, flags] = [rig.slice(64, 24), rig.slice(128, 4)];
    assertEquals(
      rio.rings.receiveEx(
        posts,
        rig.slice(0, 2),
        null,
        null,
        control,
        flags,
        0,
        5,
      ),
      0,
    );
    rig.memory.bytes.set(address, 256);
    const to = rig.slice(256, 28);
    assertEquals(
      rio.rings.sendEx(posts, rig.slice(300, 3), to, null, 0, 6),
      0,
    );
    const received = () => rig.dequeue(queue).find((one) => one.context === 5);
    let completion = received();
    while (completion === undefined) {
      assertEquals(rio.rings.notify(queue), 0);
      assertEquals(await rig.keys(), [1]);
      completion = received();
    }
    assertEquals(completion.bytes, 2);
    const [low, high] = rig.memory.bytes.subarray(128);
    // MSG_TRUNC and MSG_CTRUNC
    assertEquals([low, high], [0, 3]);
  },
);

linuxTest(
  "receive() of no bytes on a connection completes when more has arrived",
  async (rig) => {
    const { rio } = rig;
    const [inbox, outbox] = [rig.queue(16, 1), rig.queue(16)];
    const [client, server] = await rig.tcp(inbox, outbox);
    const { RIO_MSG_DEFER, RIO_MSG_COMMIT_ONLY } = winsock;
    const post = (length: number, context: number) =>
      rio.rings.receive(
        server!.posts,
        rig.slice(0, length),
        RIO_MSG_DEFER,
        context,
      );
    assertEquals([post(4, 1), post(0, 2), post(4, 3)], [0, 0, 0]);
    assertEquals(
      rio.rings.receive(server!.posts, null, RIO_MSG_COMMIT_ONLY, 0),
      0,
    );
    assertEquals(rio.rings.send(client!.posts, rig.slice(64, 5), 0, 0), 0);
    const received: number[][] = [];
    while (received.length < 3) {
      for (const { context, bytes } of rig.dequeue(inbox)) {
        received.push([context, bytes]);
      }
      if (received.length === 3) break;
      assertEquals(rio.rings.notify(inbox), 0);
      assertEquals(await rig.keys(), [1]);
    }
    assertEquals(received, [[1, 4], [2, 0], [3, 1]]);
  },
);

linuxTest(
  "setOption() asks the kernel for the type of service until nobody wants it",
  (rig) => {
    const { rio } = rig;
    const { IPPROTO_IP, IP_RECVTOS, IP_ECN } = winsock;
    const { socket } = rig.udp(rig.queue(16));
    const asked = () => {
      const value = new Uint8Array(4);
      assertEquals(
        rio.sockets.getOption(socket, IPPROTO_IP, IP_RECVTOS, value),
        4,
      );
      return value[0];
    };
    const set = (name: number, value: Uint8Array) =>
      assertEquals(rio.sockets.setOption(socket, IPPROTO_IP, name, value), 0);
    set(IP_RECVTOS, ON);
    assertEquals(asked(), 1);
    set(IP_ECN, ON);
    set(IP_RECVTOS, OFF);
    set(IP_ECN, OFF);
    assertEquals(asked(), 0);
  },
);
