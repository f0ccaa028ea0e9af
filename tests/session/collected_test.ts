/**
 * What nobody disposed and nobody holds: the collector's net releases it, and
 * says so.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { RioSession } from "../../mod.ts";
import {
  collect,
  descriptors,
  type Open,
  openPair,
  openSelf,
  openUdp,
  sessionTest,
  until,
} from "./harness.ts";

declare const gc: () => void;

/** Collects until something holds; returns the warnings meanwhile. */
async function collectUntil(
  holds: (warnings: readonly string[]) => boolean,
  what: string,
): Promise<string[]> {
  const warnings: string[] = [];
  // deno-lint-ignore no-console -- the net warns there
  const original = console.warn;
  console.warn = (message: string) => void warnings.push(message);
  try {
    await until(() => {
      gc();
      return holds(warnings);
    }, what);
  } finally {
    console.warn = original;
  }
  for (const warning of warnings) {
    assertMatch(
      warning,
      /^Rio\w+ was dropped without being disposed and was released by the garbage collector: declare it with "using"$/,
    );
  }
  return warnings.map((warning) => warning.split(" ")[0]!);
}

sessionTest(
  "a dropped buffer is deregistered, with a warning",
  async (open) => {
    using session = open();
    (() => {
      session.registerBuffer(100);
    })();
    const warnings = await collectUntil(
      () => session.stats().deregistered === 1,
      "the buffer to be deregistered",
    );
    assertEquals(warnings, ["RioBuffer"]);
  },
);

for (const shared of [false, true]) {
  sessionTest(
    `the memory of a dropped buffer stays until it is deregistered, ${
      shared ? "shared" : "not shared"
    }`,
    async (open) => {
      using session = open();
      const memory = (() => {
        const size = 1 << 16;
        const block = shared
          ? new SharedArrayBuffer(size)
          : new ArrayBuffer(size);
        session.registerBuffer(new Uint8Array(block));
        return new WeakRef(block);
      })();
      // Until this job ends, nothing that was made a WeakRef of is collected.
      await new Promise((resolve) => setTimeout(resolve));
      // What the program held is collected at once; the net that deregisters
      // runs only later.
      await collectUntil(() => {
        const registered = session.stats().deregistered === 0;
        assert(
          !registered || memory.deref() !== undefined,
          "registered memory was freed",
        );
        return !registered;
      }, "the buffer to be deregistered");
      await collectUntil(
        () => memory.deref() === undefined,
        "the memory to be freed",
      );
    },
  );
}

sessionTest("a dropped queue is closed, with a warning", async (open) => {
  using session = open();
  (() => {
    session.createCompletionQueue();
  })();
  const warnings = await collectUntil(
    () => session.stats().completionQueues === 0,
    "the queue to be closed",
  );
  assertEquals(warnings, ["RioCompletionQueue"]);
});

sessionTest(
  "a dropped socket is closed with its queue, with a warning",
  async (open) => {
    using session = open();
    (() => {
      openUdp(session);
    })();
    const warnings = await collectUntil(
      () => session.stats().sockets + session.stats().completionQueues === 0,
      "the socket to be closed",
    );
    assert(warnings.includes("RioSocket"));
  },
);

sessionTest("a dropped listener is closed, with a warning", async (open) => {
  using session = open();
  (() => {
    session.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 });
  })();
  const warnings = await collectUntil(
    () => session.stats().sockets === 0,
    "the listener to be closed",
  );
  assertEquals(warnings, ["RioListener"]);
});

sessionTest("a dropped connection is closed on both ends", async (open) => {
  using session = open();
  await (async () => {
    await openPair(session);
  })();
  await collectUntil(
    () => session.stats().sockets + session.stats().completionQueues === 0,
    "both sockets to be closed",
  );
});

sessionTest(
  "a dropped socket with a request in flight stays open",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    (() => {
      openUdp(session).receive(buffer.slice());
    })();
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertEquals([session.stats().sockets, buffer.inFlight], [1, 1]);
  },
);

sessionTest(
  "what a request was posted with is dropped once the request has ended",
  async (open) => {
    using session = open();
    await (async () => {
      const buffer = session.registerBuffer(100);
      const socket = await openSelf(session);
      socket.send(buffer.slice());
      await collect(socket.completions, 1);
    })();
    await collectUntil(() => {
      const { buffers, sockets } = session.stats();
      return buffers + sockets === 0;
    }, "the buffer and the socket to be released");
  },
);

sessionTest("an object that was disposed does not warn", async (open) => {
  using session = open();
  (() => {
    using _buffer = session.registerBuffer(100);
    using _socket = openUdp(session);
    using _queue = session.createCompletionQueue();
    openUdp(session).close();
    session.registerBuffer(100).deregister();
  })();
  const marker = new WeakRef({});
  const warnings = await collectUntil(
    () => marker.deref() === undefined,
    "the collector to run",
  );
  assertEquals(warnings, []);
});

sessionTest(
  "an object of a session that was disposed does not warn",
  async (open) => {
    (() => {
      using session = open.forget();
      session.registerBuffer(100);
      session.createCompletionQueue();
      openUdp(session);
    })();
    const marker = new WeakRef({});
    const warnings = await collectUntil(
      () => marker.deref() === undefined,
      "the collector to run",
    );
    assertEquals(warnings, []);
  },
);

/** Whether a session was found, and all of its system was given back. */
function givenBack(
  { fake }: Open,
  before: number,
): (warnings: readonly string[]) => boolean {
  return (warnings) =>
    warnings.some((warning) => warning.startsWith("RioSession")) &&
    (fake
      ? Object.keys(fake.leftovers()).length === 0
      : descriptors() <= before);
}

const DROPPED: Readonly<Record<string, (session: RioSession) => unknown>> = {
  "alone": () => {},
  "with a buffer": (session) => session.registerBuffer(100),
  "with a socket": (session) => openUdp(session),
  "with a request in flight": (session) =>
    openUdp(session).receive(session.registerBuffer(100).slice()),
  "with a queue of everything": (session) => {
    const completions = session.createCompletionQueue();
    const buffer = session.registerBuffer(100);
    for (const at of [1, 2]) {
      openUdp(session, { completions }).receive(buffer.slice(10 * at, 10));
    }
    session.openSocket({ transport: "tcp", hostname: "127.0.0.1", backlog: 1 });
  },
};

for (const [how, fill] of Object.entries(DROPPED)) {
  sessionTest(
    `a session dropped ${how} is closed, with a warning`,
    async (open) => {
      const before = descriptors();
      (() => {
        fill(open.forget());
      })();
      const warnings = await collectUntil(
        givenBack(open, before),
        "the session to be closed",
      );
      assert(warnings.includes("RioSession"), `${warnings}`);
      if (open.fake) {
        const { RIORegisterBuffer = 0, RIODeregisterBuffer = 0 } =
          open.fake.counts;
        assertEquals(RIODeregisterBuffer, RIORegisterBuffer);
        assertEquals(open.fake.counts.WSACleanup, 1);
      }
    },
  );
}

sessionTest("a session lives as long as a part of it is held", async (open) => {
  const before = descriptors();
  await (async () => {
    const buffer = (() => open.forget().registerBuffer(100))();
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertEquals(buffer.closed, false);
    assertEquals(buffer.slice(0, 10).length, 10);
    buffer.deregister();
    assertEquals(buffer.closed, true);
  })();
  const warnings = await collectUntil(
    givenBack(open, before),
    "the session to be closed",
  );
  assertEquals(warnings, ["RioSession"]);
});
