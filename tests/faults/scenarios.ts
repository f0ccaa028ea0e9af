/**
 * Whole uses of the package, each of them careful: what a program would do that
 * declares everything with `using` and looks at every completion.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { clearTimer, setTimer } from "../../ffi/clock.ts";
import { nextTurn } from "../../ffi/turns.ts";
import { RioError, type RioSession, type RioSocket } from "../../mod.ts";
import { dropIn } from "./drop_in_scenarios.ts";
import { PATIENCE_MS } from "../patience.ts";
import {
  addressed,
  arrive,
  closeDuring,
  connectedPair,
  expect,
  finish,
  HangError,
  listenOnce,
  poll,
  within,
} from "./steps.ts";

/** One whole use of a session. */
export interface Scenario {
  readonly name: string;
  /** Calls whose failure it does not tell, because it tries again. */
  readonly absorbs?: readonly string[];
  /** It makes so many calls that only the first few of each are to fail. */
  readonly brief?: boolean;
  /** It leaves to the session what it opened. */
  readonly leaves?: boolean;
  run(session: RioSession): Promise<void>;
}

/** The scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  {
    name: "datagrams",
    async run(session) {
      using buffer = session.registerBuffer(8192);
      using queue = session.createCompletionQueue({ capacity: 16 });
      using receiver = session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: queue,
        receives: 4,
        sends: 4,
      });
      receiver.setOption("packetInfo", true);
      receiver.receive(buffer.slice(0, 64), {
        remote: buffer.slice(1024, 28),
        local: buffer.slice(1056, 28),
        control: buffer.slice(1088, 128),
        messageFlags: buffer.slice(1216, 4),
        context: "first",
      });
      receiver.receive(buffer.slice(64, 64), { defer: true });
      receiver.commit("receive");
      using sender = session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        receives: 2,
        sends: 4,
        notification: "event",
      });
      const remote = buffer.slice(2048, 28);
      sender.writeAddress(remote, receiver.address);
      const data = buffer.slice(4096, 3);
      data.bytes.set([1, 2, 3]);
      sender.send(data, { remote });
      sender.send(data, { remote, defer: true });
      sender.commit();
      await arrive(sender.completions, 2);
      const received = await arrive(queue, 2);
      assertEquals(received.map((one) => one.bytesTransferred), [3, 3]);
      assertEquals(received[0]?.context, "first");
      queue.resize(32);
      receiver.resize({ receives: 8, sends: 8 });
      await sender.connect(receiver.address);
      receiver.receive(null);
      sender.send(data);
      await arrive(sender.completions, 1);
      await arrive(queue, 1);
      receiver.receive(buffer.slice(0, 64));
      receiver.close();
      assertEquals(queue.dequeue().length <= 1, true);
    },
  },
  {
    name: "requests left in flight",
    leaves: true,
    run(session) {
      const buffer = session.registerBuffer(4096);
      const own = session.registerBuffer(new Uint8Array(512));
      const queue = session.createCompletionQueue();
      for (let i = 0; i < 2; i++) {
        const socket = session.openSocket({
          transport: "udp",
          hostname: "127.0.0.1",
          completions: queue,
          receives: 2,
          sends: 2,
        });
        socket.receive(buffer.slice(64 * i, 64));
        socket.receive(own.slice(64 * i, 64), { defer: true });
        socket.send(buffer.slice(1024 + i, 1), {
          remote: addressed(buffer.slice(2048 + 64 * i, 28), socket),
          defer: true,
        });
      }
      return Promise.resolve();
    },
  },
  {
    name: "connections",
    async run(session) {
      using buffer = session.registerBuffer(4096);
      const [client, server] = await connectedPair(session);
      using _client = client;
      using _server = server;
      client.setOption("noDelay", true);
      assertEquals(client.getOption("noDelay"), 1);
      server.receive(buffer.slice(0, 8), { waitAll: true });
      client.send(buffer.slice(1024, 4));
      client.send(buffer.slice(1028, 4));
      await arrive(client.completions, 2);
      const [received] = await arrive(server.completions, 1);
      assertEquals(received?.bytesTransferred, 8);
      server.send(buffer.slice(2048, 100));
      client.receive(buffer.slice(3072, 100), { waitAll: true });
      await poll(server.completions, 1);
      await poll(client.completions, 1);
      client.shutdown("send");
      server.receive(buffer.slice(0, 8));
      const [end] = await arrive(server.completions, 1);
      assertEquals(end?.bytesTransferred, 0);
    },
  },
  {
    name: "a connection refused",
    async run(session) {
      let address: Deno.NetAddr;
      {
        using gone = listenOnce(session);
        address = gone.address;
      }
      using client = session.openSocket({ transport: "tcp" });
      try {
        await within(client.connect(address), "a refusal");
      } catch (error) {
        if (!(error instanceof RioError && error.errno === 10061)) throw error;
      }
    },
  },
  {
    name: "an iterator",
    async run(session) {
      using buffer = session.registerBuffer(4096);
      using socket = session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        receives: 4,
        sends: 4,
      });
      await socket.connect(socket.address);
      let left = 3;
      const next = () => {
        socket.receive(buffer.slice(0, 64));
        socket.send(buffer.slice(64, 10));
      };
      const timer = setTimer(PATIENCE_MS, () => socket.completions.close());
      try {
        next();
        let received = 0;
        for await (const batch of socket.completions) {
          for (const { error, kind } of batch) {
            if (error) throw error;
            if (kind === "receive") received++;
          }
          if (received === 0) continue;
          received = 0;
          if (--left === 0) return;
          // What is outstanding leaves room for one more of each.
          next();
        }
        throw new HangError("Iterated in vain");
      } finally {
        clearTimer(timer);
      }
    },
  },
  {
    name: "many sockets on one queue",
    async run(session) {
      using buffer = session.registerBuffer(8192);
      using queue = session.createCompletionQueue({ capacity: 64 });
      using stack = new DisposableStack();
      const sockets = Array.from({ length: 10 }, () => {
        const socket = session.openSocket({
          transport: "udp",
          hostname: "127.0.0.1",
          receives: 2,
          sends: 2,
          completions: queue,
        });
        return stack.use(socket);
      });
      sockets.forEach((socket, i) => socket.receive(buffer.slice(64 * i, 64)));
      const [first, second] = sockets as [RioSocket, RioSocket];
      const remote = addressed(buffer.slice(4096, 28), second);
      first.send(buffer.slice(4200, 5), { remote });
      await arrive(queue, 2);
      const other = addressed(buffer.slice(4300, 28), sockets[9]!);
      first.send(buffer.slice(4200, 5), { remote: other });
      await arrive(queue, 2);
      for (const socket of sockets) socket.close();
      for (const { error } of await finish(queue, 8)) {
        if (error && error.errno !== 995) throw error;
      }
    },
  },
  ...dropIn,
  {
    name: "an event",
    async run(session) {
      using buffer = session.registerBuffer(4096);
      using queue = session.createCompletionQueue({ notification: "event" });
      using socket = session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: queue,
        receives: 4,
        sends: 4,
      });
      await socket.connect(socket.address);
      const notified = expect(queue.notify());
      socket.receive(buffer.slice(0, 64));
      socket.send(buffer.slice(64, 10));
      assertEquals(await within(notified, "an event"), true);
      await arrive(queue, 2);
      const again = expect(queue.notify());
      // The wait begins before it is given up.
      await nextTurn();
      queue.close();
      assertEquals(await within(again, "the end of a wait"), false);
    },
  },
  {
    name: "waits that are given up",
    async run(session) {
      using queue = session.createCompletionQueue();
      const notified = expect(queue.notify());
      queue.close();
      assertEquals(await within(notified, "the end of a wait"), false);
      using listener = listenOnce(session);
      using other = session.createCompletionQueue();
      using events = session.createCompletionQueue({ notification: "event" });
      await closeDuring(session, [
        listener.accept(),
        other.notify(),
        events.notify(),
      ]);
    },
  },
  {
    // Where their packets come late, closing finds those that no wait took.
    name: "more accepts given up than one wait is told of",
    brief: true,
    async run(session) {
      using stack = new DisposableStack();
      const listeners = Array.from(
        { length: 70 },
        () => stack.use(listenOnce(session)),
      );
      const accepted = listeners.map((listener) => listener.accept());
      await closeDuring(session, accepted);
    },
  },
  {
    name: "an accept that nobody waits for",
    async run(session) {
      using listener = listenOnce(session);
      listener.unref();
      await closeDuring(session, [listener.accept()]);
    },
  },
];
