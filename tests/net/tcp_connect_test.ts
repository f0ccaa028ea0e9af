/** Connecting: where it fails, and how it is given up. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  connect,
  listen,
  type RioSocket,
  type RioSocketOptions,
} from "../../mod.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { HOST } from "./connection.ts";

sessionTest(
  "connect() rejects with ConnectionRefused where nothing listens",
  async (openSession) => {
    using session = openSession();
    const listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    listener.close();
    await assertRejects(
      () => within(connect({ port, session })),
      Deno.errors.ConnectionRefused,
    );
  },
);

sessionTest(
  "connect() rejects with the reason of an aborted signal",
  async (openSession) => {
    using session = openSession();
    const reason = new Error("changed my mind");
    const aborted = AbortSignal.abort(reason);
    const error = await assertRejects(() =>
      connect({ port: 9, session, signal: aborted })
    );
    assertStrictEquals(error, reason);
  },
);

sessionTest(
  "connect() is given up when its signal is aborted",
  async (openSession) => {
    using session = openSession();
    using listener = session.openSocket({
      transport: "tcp",
      hostname: HOST,
      backlog: 1,
    });
    const { port } = listener.address;
    const controller = new AbortController();
    const { signal } = controller;
    // More than the listener keeps waiting: some of them get no answer.
    const attempts = Promise.allSettled(
      Array.from({ length: 6 }, () => connect({ port, session, signal })),
    );
    const reason = new Error("too slow");
    await until(() => session.stats().sockets >= 7, "the attempts to start");
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(reason);
    const given = (await within(attempts)).filter((outcome) => {
      if (outcome.status === "fulfilled") outcome.value.close();
      else assertStrictEquals(outcome.reason, reason);
      return outcome.status === "rejected";
    });
    assert(given.length > 0);
    assertEquals(session.stats().sockets, 1);
  },
  { only: ["linux"] },
);

sessionTest(
  "connect() and listen() refuse a closed session",
  async (openSession) => {
    const session = openSession();
    await session.close();
    assertThrows(() => listen({ session }), Deno.errors.BadResource);
    await assertRejects(
      () => connect({ port: 9, session }),
      Deno.errors.BadResource,
    );
  },
);

sessionTest(
  "connect() rejects when it is aborted just as the connection is made",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    const reason = new Error("too late");
    // Each is aborted so many microtasks after the connection is there.
    for (let after = 0; after < 12; after++) {
      const accepted = listener.accept();
      const controller = new AbortController();
      const open = session.openSocket.bind(session) as (
        options: RioSocketOptions,
      ) => RioSocket;
      Object.assign(session, {
        openSocket(options: RioSocketOptions) {
          const socket = open(options);
          const toPeer = socket.connect.bind(socket);
          socket.connect = async (address) => {
            await toPeer(address);
            abortAfter(controller, after, reason);
          };
          return socket;
        },
      });
      const [outcome] = await within(Promise.allSettled([
        connect({ port, session, signal: controller.signal }),
      ]));
      Object.assign(session, { openSocket: open });
      if (outcome.status === "rejected") {
        assertStrictEquals(outcome.reason, reason);
      } else {
        assert(!outcome.value.socket.closed, `closed, ${after} after`);
        outcome.value.close();
      }
      (await within(accepted)).close();
    }
  },
);

async function abortAfter(
  controller: AbortController,
  microtasks: number,
  reason: Error,
): Promise<void> {
  for (let i = 0; i < microtasks; i++) await undefined;
  controller.abort(reason);
}

sessionTest(
  "connect() takes options that its object inherits",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    const accepted = listener.accept();
    class Options {
      readonly port = port;
      get session() {
        return session;
      }
      get noDelay() {
        return true;
      }
    }
    using client = await within(connect(new Options()));
    assertEquals(client.socket.getOption("noDelay"), 1);
    (await within(accepted)).close();
    const reason = new Error("never");
    const never = Object.create({ signal: AbortSignal.abort(reason), session });
    never.port = port;
    await assertRejects(() => connect(never), Error, "never");
    const none = { port, session, signal: {} as AbortSignal };
    await assertRejects(() => connect(none), TypeError, "Invalid signal {}");
  },
);
