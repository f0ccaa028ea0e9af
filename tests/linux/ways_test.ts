/** The choice between the event loop and a thread of the pool. */
import { assert, assertEquals } from "@std/assert";
import type { RioBackend } from "../../ffi/contract.ts";
import { bytesAt } from "../fake/memory.ts";
import { expect, within } from "../faults/steps.ts";
import type { FaultyLinux } from "../faults/faulty_linux.ts";
import { freshTest } from "./fresh.ts";
import { exchange, idles, SLEEP, withSocket } from "./sleeping.ts";

const { url } = import.meta;

/** Node's object, as far as the package asks it. */
const { process } = globalThis as unknown as {
  process: { binding: (name: string) => unknown };
};
const binding = process.binding.bind(process);

/** A handle of Deno's event loop that never calls back, whatever it is told. */
function silent({ real }: FaultyLinux) {
  return class {
    #fd = -1;
    open(fd: number): number {
      this.#fd = fd;
      return 0;
    }
    readStart(): number {
      return 0;
    }
    ref(): void {}
    unref(): void {}
    close(): void {
      assertEquals(real.close(this.#fd), 0);
    }
  };
}

/** Has `process.binding()` answer with a class, or what else a test wants. */
function bind(answer: (name: string) => unknown): void {
  process.binding = answer;
}

/** Has datagrams arrive, until a way is in use and while it is. */
async function useWay(
  system: FaultyLinux,
  rio: RioBackend,
  way: "reactor" | "thread",
): Promise<void> {
  const sleeping = { system, rio, way, sleep: SLEEP[way] };
  await withSocket(sleeping, async (pair) => {
    const { conn, peer } = pair;
    for (let i = 0; i < 100 && rio.waits.way !== way; i++) {
      const received = expect(conn.receive());
      await new Promise((resolve) => setTimeout(resolve, 10));
      await peer.send(new Uint8Array([i]), conn.addr);
      assertEquals([...(await within(received, "a datagram"))[0]], [i]);
    }
    assertEquals(rio.waits.way, way);
    await exchange(pair, sleeping);
    await idles(pair, sleeping);
    assertEquals(rio.waits.way, way);
  });
}

freshTest(url, "waits end in the event loop by default", async (system) => {
  await useWay(system, system.open(), "reactor");
});

/** What a Deno may be that has no such class, or another one. */
const WITHOUT: [what: string, prepare: () => void][] = [
  ["is missing", () =>
    bind((name) => {
      throw new Error(`No such module: ${name}`);
    })],
  ["has no name", () => bind(() => ({}))],
  ["cannot be asked for", () => Reflect.deleteProperty(process, "binding")],
  ["cannot be made", () =>
    bind(() => ({
      Pipe: class {
        constructor() {
          throw new TypeError("Illegal constructor");
        }
      },
    }))],
  ["refuses the descriptor", () =>
    bind(() => ({
      Pipe: class {
        open() {
          return -22;
        }
        readStart() {}
        unref() {}
      },
    }))],
  ["lacks what is needed", () =>
    bind(() => ({
      Pipe: class {
        open() {
          return 0;
        }
      },
    }))],
];

for (const [what, prepare] of WITHOUT) {
  freshTest(
    url,
    `waits end on a thread where the class behind Deno's pipes ${what}`,
    async (system) => {
      prepare();
      const rio = system.open();
      assertEquals(rio.waits.way, "thread");
      await useWay(system, rio, "thread");
    },
  );
}

freshTest(
  url,
  "waits end on a thread where the event loop does not call back, and nothing is lost",
  async (system) => {
    bind(() => ({ Pipe: silent(system) }));
    const rio = system.open();
    assertEquals(rio.waits.way, "reactor");
    await useWay(system, rio, "thread");
    // What was found out is not tried again.
    const other = system.open();
    assertEquals(other.waits.way, "thread");
    other.close(false);
  },
);

freshTest(
  url,
  "an event loop that does not call back is given up though waits end early",
  async (system) => {
    bind(() => ({ Pipe: silent(system) }));
    const rio = system.open();
    for (let i = 0; i < 200 && rio.waits.way !== "thread"; i++) {
      const wait = rio.waits.wait();
      await new Promise((resolve) => setTimeout(resolve, 10));
      rio.waits.wake();
      assertEquals(await within(wait, "the end of a wait"), 0);
    }
    await useWay(system, rio, "thread");
  },
);

freshTest(
  url,
  "close() ends the wait that finds out whether the event loop calls back",
  async (system) => {
    bind(() => ({ Pipe: silent(system) }));
    const rio = system.open();
    const wrote = system.next("write");
    const wait = rio.waits.wait();
    await within(wrote, "the first signal");
    rio.close(false);
    assertEquals(await within(wait, "the end of a wait"), 0);
  },
);

freshTest(
  url,
  "waits end in the event loop where the class gives what it has read",
  async (system) => {
    const { Pipe } = binding("pipe_wrap") as {
      Pipe: new (kind: number) => object;
    };
    bind(() => ({
      // As it was before Deno 2.8.
      Pipe: class extends Pipe {
        readonly useUserBuffer = undefined;
      },
    }));
    await useWay(system, system.open(), "reactor");
  },
);

for (const code of [1, 11, 12, 22, 38]) {
  freshTest(
    url,
    `waits end on a thread where io_setup is refused with errno ${code}`,
    async (system) => {
      system.fail("io_setup", { name: "refused", errno: code }, 1);
      const rio = system.open();
      assertEquals(rio.waits.way, "thread");
      await useWay(system, rio, "thread");
      assert(system.met);
    },
  );
}

freshTest(
  url,
  "waits end on a thread where no descriptor is left for the event loop",
  async (system) => {
    system.instead.fcntl = () => -1;
    const rio = system.open();
    assertEquals(rio.waits.way, "thread");
    await useWay(system, rio, "thread");
  },
);

freshTest(
  url,
  "waits end on a thread where the kernel shares no ring that is known, which is asked once",
  async (system) => {
    system.instead.io_setup = (call, ...values) => {
      const result = call(...values);
      const context = new DataView(bytesAt(values[2] as bigint, 8).buffer);
      const ring = bytesAt(context.getBigUint64(0, true), 20);
      new DataView(ring.buffer).setUint32(16, 0, true);
      return result;
    };
    for (let i = 0; i < 3; i++) {
      const rio = system.open();
      assertEquals(rio.waits.way, "thread");
      await useWay(system, rio, "thread");
    }
    assertEquals(system.counts.io_setup, 1);
  },
);

freshTest(
  url,
  "one sleeper is opened though somebody waits while the class is loaded",
  async (system) => {
    const rio = system.open();
    const opened: string[] = [];
    bind((name) => {
      opened.push(name);
      // Asking opens what it takes to answer.
      if (opened.length === 1) assertEquals(rio.waits.way, "reactor");
      return binding(name);
    });
    assertEquals(rio.waits.way, "reactor");
    assertEquals([system.counts.eventfd, system.counts.fcntl], [1, 1]);
    await useWay(system, rio, "reactor");
  },
);

for (const way of ["reactor", "thread"] as const) {
  const load = (name: string) => {
    if (way === "reactor") return binding(name);
    throw new Error(`No such module: ${name}`);
  };

  freshTest(
    url,
    `wake() while the class is loaded ends the wait that would sleep, ${way}`,
    async (system) => {
      const rio = system.open();
      bind((name) => {
        rio.waits.wake();
        return load(name);
      });
      assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
      assertEquals(system.counts[SLEEP[way]], undefined);
      await useWay(system, rio, way);
    },
  );

  freshTest(
    url,
    `close() while the class is loaded ends the wait that would sleep, ${way}`,
    async (system) => {
      const rio = system.open();
      bind((name) => {
        rio.close(false);
        return load(name);
      });
      assertEquals(await within(rio.waits.wait(), "the end of a wait"), 0);
    },
  );
}
