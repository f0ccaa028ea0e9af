/** What requests and queues keep from the garbage collector, and until when. */
import { assertEquals } from "@std/assert";
import {
  collect,
  openSelf,
  openUdp,
  put,
  sessionTest,
  until,
} from "./harness.ts";

declare const gc: () => void;

sessionTest(
  "a buffer in use survives the collector until its request ends",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using outbox = session.registerBuffer(64);
    (() => {
      const inbox = session.registerBuffer(1 << 20);
      inbox.bytes.fill(0xAB);
      socket.receive(inbox.slice(4096, 64));
    })();
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
      session.registerBuffer(1 << 20).deregister();
    }
    assertEquals(session.stats().deregistered, 5);
    socket.send(put(outbox.slice(), "unharmed"));
    const received = (await collect(socket.completions, 2))
      .find(({ kind }) => kind === "receive")!;
    const { slice, bytesTransferred } = received;
    assertEquals(bytesTransferred, 8);
    assertEquals(
      new TextDecoder().decode(slice!.bytes.subarray(0, 8)),
      "unharmed",
    );
    assertEquals([...slice!.bytes.subarray(8, 10)], [0xAB, 0xAB]);
    assertEquals(slice!.buffer.bytes[4095], 0xAB);
    slice!.buffer.deregister();
  },
);

sessionTest(
  "an array is free to be collected after its buffer was deregistered",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    const weak = await (async () => {
      const bytes = new Uint8Array(1 << 16);
      const buffer = session.registerBuffer(bytes);
      socket.receive(buffer.slice(0, 100));
      socket.send(put(buffer.slice(100, 100), "x"));
      await collect(socket.completions, 2);
      buffer.deregister();
      return new WeakRef(bytes);
    })();
    await until(() => {
      gc();
      return weak.deref() === undefined;
    }, "the array to be collected");
  },
);

sessionTest(
  "session forgets completions of a queue that nobody holds",
  async (open) => {
    using session = open();
    using outbox = session.registerBuffer(8);
    const weak = await (async () => {
      const context = { some: "object" };
      const inbox = session.registerBuffer(8);
      const socket = openUdp(session);
      socket.receive(inbox.slice(), { context });
      socket.close();
      await until(() => {
        inbox[Symbol.dispose]();
        if (session.stats().outstanding === 0) return true;
        using other = session.registerBuffer(8);
        using prod = openUdp(session);
        prod.receive(other.slice());
        other[Symbol.dispose]();
        return false;
      }, "the request to end");
      return new WeakRef(context);
    })();
    assertEquals(session.stats().completionQueues, 0);
    await until(() => {
      gc();
      return weak.deref() === undefined;
    }, "the context to be collected");
    assertEquals(outbox.inFlight, 0);
  },
);
