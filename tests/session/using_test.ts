/** Sessions that end with their block, and the errors that end a block. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type { RioSession } from "../../mod.ts";
import { collect, openSelf, openUdp, put, sessionTest } from "./harness.ts";

sessionTest(
  "session[Symbol.dispose]() releases everything at the end of a block",
  async (open) => {
    let session: RioSession;
    {
      using inner = session = open();
      using buffer = inner.registerBuffer(64);
      using socket = await openSelf(inner);
      socket.receive(buffer.slice(0, 32));
      socket.send(put(buffer.slice(32), "once"));
      await collect(socket.completions, 2);
    }
    assert(session.closed);
    assertEquals(session.stats().posted, 2);
    assertEquals(session.stats().completed, 2);
  },
);

sessionTest(
  "session[Symbol.dispose]() deregisters each buffer exactly once",
  (open) => {
    let session: RioSession;
    {
      using inner = session = open();
      using _a = inner.registerBuffer(10);
      inner.registerBuffer(10);
      inner.registerBuffer(10).deregister();
    }
    const { registered, deregistered, calls } = session.stats();
    assertEquals([registered, deregistered, calls.RIODeregisterBuffer], [
      3,
      3,
      3,
    ]);
  },
);

sessionTest(
  "using lets an error of the block arrive as it is",
  async (open) => {
    const thrown = new Error("from the block");
    let session: RioSession | undefined;
    const caught = await assertRejects(async () => {
      using inner = session = open();
      using buffer = inner.registerBuffer(100);
      using socket = await openSelf(inner);
      socket.receive(buffer.slice());
      throw thrown;
    });
    assertStrictEquals(caught, thrown);
    assert(session?.closed);
  },
);

sessionTest(
  "using keeps an error of the block readable when a user's own dispose throws",
  (open) => {
    const [first, second] = [new Error("block"), new Error("dispose")];
    const caught = assertThrows(() => {
      using session = open();
      using buffer = session.registerBuffer(100);
      using _own = {
        [Symbol.dispose]() {
          throw second;
        },
      };
      using socket = openUdp(session);
      socket.receive(buffer.slice());
      throw first;
    });
    assertInstanceOf(caught, SuppressedError);
    assertStrictEquals(caught.error, second);
    assertStrictEquals(caught.suppressed, first);
  },
);

sessionTest(
  "await using lets an error of the block arrive as it is",
  async (open) => {
    const thrown = new Error("from the block");
    const caught = await assertRejects(async () => {
      await using session = open();
      using buffer = session.registerBuffer(100);
      const socket = openUdp(session);
      socket.receive(buffer.slice());
      throw thrown;
    });
    assertStrictEquals(caught, thrown);
  },
);

sessionTest("await using closes with requests in flight", async (open) => {
  let session: RioSession;
  {
    await using inner = session = open();
    const buffer = inner.registerBuffer(1000);
    const socket = openUdp(inner);
    for (let i = 0; i < 10; i++) socket.receive(buffer.slice(100 * i, 100));
  }
  assertEquals(session.stats().completed, 10);
});
