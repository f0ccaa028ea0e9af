/** When the next address of a peer is tried. */
import { assertEquals, assertRejects } from "@std/assert";
import type { IpAddress } from "../../ffi/address.ts";
import { connectAny } from "../../ffi/net/streams/attempts.ts";
import { useHub } from "../../ffi/net/streams/hub.ts";
import { listen, type RioSession } from "../../mod.ts";
import { HOST } from "../net/connection.ts";
import { type Virtual, virtualTest } from "./harness.ts";

/** Where the system chooses to connect from. */
const ANYWHERE = { hostname: undefined, port: 0 };

/** What a test of attempts is given. */
interface Attempts extends Virtual {
  readonly session: RioSession;
  /** Addresses at which somebody listens. */
  readonly addresses: readonly IpAddress[];
  /** Connects to the first of the addresses that answers. */
  connect(
    patience: number,
    options?: { signal?: AbortSignal; to?: readonly IpAddress[] },
  ): Promise<IpAddress>;
  /** How many attempts there were. */
  attempts(): number;
}

function attemptsTest(
  name: string,
  body: (attempts: Attempts) => Promise<void>,
): void {
  virtualTest(name, async (virtual) => {
    const { open, fake } = virtual;
    using session = open();
    using peer = open();
    using listeners = new DisposableStack();
    const addresses = [1, 2, 3].map(() =>
      listeners.use(listen({ hostname: HOST, session: peer })).addr
    );
    await body({
      ...virtual,
      session,
      addresses,
      async connect(patience, { signal, to = addresses } = {}) {
        using hub = useHub(session);
        const options = { signal, patience, local: ANYWHERE };
        using socket = await connectAny(hub, to, options);
        return socket.remoteAddress!;
      },
      attempts: () => fake.counts.WSASocketW! - 3,
    });
    // Those who did not win are closed.
    assertEquals(session.stats().sockets, 0);
  });
}

attemptsTest(
  "connect() tries an address alone as long as it was told",
  async ({ clock, fake, addresses, connect, attempts }) => {
    fake.ignore(addresses[0]!.port);
    const before = attempts();
    const connected = connect(250);
    const tried: number[] = [];
    for (const pause of [249, 2]) {
      await clock.pass(pause);
      tried.push(attempts() - before);
    }
    assertEquals(tried, [1, 2]);
    assertEquals((await connected).port, addresses[1]!.port);
  },
);

attemptsTest(
  "connect() tries the next address at once where one refuses",
  async ({ clock, addresses, connect }) => {
    const to = [{ hostname: HOST, port: 9 }, ...addresses];
    const began = clock.now();
    assertEquals((await connect(250, { to })).port, addresses[0]!.port);
    assertEquals(clock.now() - began < 250, true);
  },
);

attemptsTest(
  "connect() keeps on waiting for the addresses that it has tried",
  async ({ clock, fake, addresses, connect }) => {
    for (const { port } of addresses) fake.ignore(port);
    const connected = connect(250);
    await clock.pass(600);
    fake.answer(addresses[1]!.port);
    assertEquals((await connected).port, addresses[1]!.port);
  },
);

attemptsTest(
  "connect() waits for one address for hours where it may try no other",
  async ({ clock, fake, addresses, connect, attempts }) => {
    fake.ignore(addresses[0]!.port);
    const before = attempts();
    const connected = connect(Infinity);
    await clock.pass(10_000_000);
    assertEquals(attempts() - before, 1);
    fake.answer(addresses[0]!.port);
    assertEquals((await connected).port, addresses[0]!.port);
  },
);

attemptsTest(
  "connect() tries no other address once it was aborted",
  async ({ clock, fake, addresses, connect, attempts }) => {
    for (const { port } of addresses) fake.ignore(port);
    const controller = new AbortController();
    const before = attempts();
    const { signal } = controller;
    const connected = assertRejects(() => connect(250, { signal }));
    await clock.pass(300);
    controller.abort();
    await connected;
    await clock.pass(1000);
    assertEquals(attempts() - before, 2);
  },
);
