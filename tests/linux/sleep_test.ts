/** Sleeps, in both ways: what ends one, and that nothing is lost around it. */
import { assert, assertEquals } from "@std/assert";
import { openSession } from "../../ffi/mod.ts";
import { listenDatagram, RioSession } from "../../mod.ts";
import { expect, within } from "../faults/steps.ts";
import { PATIENCE_MS } from "../patience.ts";
import {
  asleep,
  begun,
  exchange,
  rests,
  sleepTest,
  withSocket,
} from "./sleeping.ts";

const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
/** Signals of somebody else. */
const STORM = 5000;

sleepTest(
  "a datagram that arrives between the last look and the sleep is told",
  async (sleeping) => {
    const { system, sleep } = sleeping;
    await using other = RioSession.open();
    const sender = other.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
    });
    const data = other.registerBuffer(1).slice();
    await withSocket(sleeping, async (pair) => {
      const { conn } = pair;
      await sender.connect(conn.addr);
      await exchange(pair, sleeping, 1);
      for (let i = 0; i < 20; i++) {
        let sent = false;
        system.instead[sleep] = (call, ...values) => {
          if (!sent) sender.send(data);
          sent = true;
          return call(...values);
        };
        const [received] = await within(conn.receive(), `datagram ${i}`);
        assertEquals([sent, received.length], [true, 1]);
      }
    });
  },
);

sleepTest(
  "wake() ends a sleep, and leaves the next one alone",
  async (sleeping) => {
    const { rio } = sleeping;
    for (let i = 0; i < 20; i++) {
      const { wait } = await asleep(sleeping);
      rio.waits.wake();
      rio.waits.wake();
      assertEquals(await within(wait, "the end of a wait"), 0);
    }
    const { wait } = await asleep(sleeping);
    await rests(sleeping);
    rio.waits.wake();
    assertEquals(await within(wait, "the end of a wait"), 0);
  },
);

sleepTest(
  "wake() before the sleep ends the wait without one",
  async ({ system, rio, sleep }) => {
    const before = system.counts[sleep];
    const wait = rio.waits.wait();
    rio.waits.wake();
    assertEquals(await within(wait, "the end of a wait"), 0);
    rio.waits.wake();
    assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
    assertEquals(system.counts[sleep], before);
  },
);

sleepTest(
  "wake() keeps the process alive until the sleep has ended, which did not",
  async (sleeping) => {
    const { rio } = sleeping;
    rio.waits.setReferenced(false);
    const { wait } = await asleep(sleeping);
    rio.waits.wake();
    rio.waits.setReferenced(false);
    // Not within a time: a timer would keep the process alive.
    assertEquals(await wait, 0);
  },
);

sleepTest(
  "signals that come while nobody waits keep no later wait busy",
  async (sleeping) => {
    const { system } = sleeping;
    const eventfd = system.last.eventfd as number;
    await withSocket(sleeping, async (pair) => {
      const { conn } = pair;
      for (let i = 0; i < STORM; i++) {
        assertEquals(system.real.write(eventfd, ONE, 8n), 8);
        if (i % 100 === 0) await new Promise((turn) => setImmediate(turn));
      }
      const sleeps = begun(sleeping);
      const received = expect(conn.receive());
      await sleeps;
      await rests(sleeping);
      await conn.send(new Uint8Array(3), conn.addr);
      assertEquals((await within(received, "a datagram"))[0].length, 3);
      await exchange(pair, sleeping);
    });
  },
);

sleepTest(
  "signals that come while somebody waits end it in no loop that is busy",
  async (sleeping) => {
    const { system } = sleeping;
    const eventfd = system.last.eventfd as number;
    await withSocket(sleeping, async (pair) => {
      const { conn } = pair;
      const sleeps = begun(sleeping);
      const received = expect(conn.receive());
      await sleeps;
      for (let i = 0; i < STORM; i++) {
        assertEquals(system.real.write(eventfd, ONE, 8n), 8);
        if (i % 100 === 0) await new Promise((turn) => setImmediate(turn));
      }
      await rests(sleeping);
      await conn.send(new Uint8Array(3), conn.addr);
      assertEquals((await within(received, "a datagram"))[0].length, 3);
      await exchange(pair, sleeping);
    });
  },
);

sleepTest("a child process inherits nothing of a sleep", async (sleeping) => {
  const { wait } = await asleep(sleeping);
  const child = new Deno.Command("ls", { args: ["-l", "/proc/self/fd"] });
  const { stdout } = await child.output();
  const inherited = new TextDecoder().decode(stdout);
  assertEquals(inherited.match(/anon_inode.*/g), null);
  sleeping.rio.waits.wake();
  assertEquals(await within(wait, "the end of a wait"), 0);
});

sleepTest("close() ends the sleep that goes on", async (sleeping) => {
  const { rio, system } = sleeping;
  // By itself it would end too late.
  system.instead.poll = (call, memory, count) =>
    call(memory, count, 2 * PATIENCE_MS);
  const { wait } = await asleep(sleeping);
  rio.close(false);
  assertEquals(await within(wait, "the end of a wait"), 0);
});

sleepTest("a wait that begins after close() ends at once", async ({ rio }) => {
  rio.close(false);
  for (let i = 0; i < 3; i++) {
    assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
  }
});

sleepTest("wake() after close() does nothing", async (sleeping) => {
  const { rio, system } = sleeping;
  const { wait } = await asleep(sleeping);
  rio.close(false);
  rio.waits.wake();
  const { write } = system.counts;
  assertEquals(await within(wait, "the end of a wait"), 0);
  rio.waits.wake();
  assertEquals(rio.waits.setReferenced(false), true);
  assertEquals(rio.waits.setReferenced(true), true);
  assertEquals(system.counts.write, write);
  assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
});

sleepTest("close() may be called where a wait ends", async (sleeping) => {
  const { rio } = sleeping;
  const { wait } = await asleep(sleeping);
  const ended = wait.then((count) => {
    rio.close(false);
    return count;
  });
  rio.waits.wake();
  assertEquals(await within(ended, "the end of a wait"), 0);
  assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
});

sleepTest(
  "one context serves many backends, each closed in its sleep",
  async (sleeping) => {
    const { system } = sleeping;
    const { io_setup } = system.counts;
    // A busy kernel ends polls late, and a context has room for some 60.
    const times = 50;
    for (let i = 0; i < times; i++) {
      const rio = system.open();
      const { wait } = await asleep({ ...sleeping, rio });
      rio.close(false);
      assertEquals(await within(wait, "the end of a wait"), 0);
    }
    // The first backend goes on, and has another one.
    assertEquals([system.counts.poll, system.counts.io_cancel], [
      undefined,
      times,
    ]);
    assert(system.counts.io_setup! <= io_setup! + 1);
  },
  ["reactor"],
);

sleepTest(
  "a context whose poll cannot be ended is not used again",
  async (sleeping) => {
    const { system, rio } = sleeping;
    const { wait } = await asleep(sleeping);
    system.fail("io_cancel", { name: "EAGAIN", errno: 11 }, 1);
    rio.close(false);
    assertEquals([await wait, system.met], [0, true]);
    system.takeSpare();
    const { io_setup } = system.counts;
    const other = system.open();
    assertEquals(other.waits.way, "reactor");
    other.close(false);
    assertEquals(system.counts.io_setup, io_setup! + 1);
  },
  ["reactor"],
);

sleepTest(
  "close() may be called when the event loop has refused to watch",
  async ({ system }) => {
    const rio = system.open();
    system.instead.io_submit = () => {
      queueMicrotask(() => rio.close(false));
      return -1;
    };
    assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
    assertEquals(rio.waits.way, "reactor");
  },
  ["reactor"],
);

sleepTest(
  "a session may be closed where a datagram is told",
  async (sleeping) => {
    const session = openSession(sleeping.rio);
    const conn = listenDatagram({ session, hostname: "127.0.0.1" });
    const sleeps = begun(sleeping);
    const closed = expect(
      conn.receive().then(() => {
        conn.close();
        return session.close();
      }),
    );
    await sleeps;
    const sent = expect(conn.send(new Uint8Array(1), conn.addr));
    await within(closed, "the end of a session");
    await within(Promise.allSettled([sent]), "the end of a send");
  },
);
