/**
 * What is tried in all orders, and on which systems.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { RioBackend } from "../../ffi/contract.ts";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import { openBackend } from "../../ffi/open.ts";
import { connect, listen, listenDatagram, type RioSession } from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { Collector } from "./collector.ts";
import { Connections } from "./connections.ts";
import { Datagrams } from "./datagrams.ts";
import { Lifetimes, type LifetimesOptions, type Subject } from "./lifetimes.ts";
import type { Place } from "./run.ts";

const LOCAL = { hostname: "127.0.0.1" };

/** The ways in which Linux moves data that are here. */
const ENGINES = Deno.build.os !== "linux"
  ? [] as const
  : WITHOUT_URING
  ? ["epoll"] as const
  : ["io_uring", "epoll"] as const;

/**
 * Opens what is tried, by name.
 *
 * @param once Each kind of thing happens to a session once, and requests twice.
 */
export function places(once: boolean): Record<string, () => Place> {
  const all: Record<string, () => Place> = {
    "session, fake": () => fakeSessions(once),
    "collected, fake": () => fakeSessions(once, new Collector()),
  };
  for (const engine of ENGINES) {
    const open = () => openBackend({ backend: engine });
    all[`session, ${engine}`] = () => sessions(open, { once, make: apart });
    all[`session of a connection, ${engine}`] = () =>
      sessions(open, { once, make: connected });
    all[`collected, ${engine}`] = () =>
      sessions(open, { once, make: apart, collector: new Collector() });
    all[`collected of a connection, ${engine}`] = () =>
      sessions(open, { once, make: connected, collector: new Collector() });
    all[`connection, ${engine}`] = () => connections(openSession(open()));
    all[`datagrams, ${engine}`] = () => datagrams(openSession(open()));
  }
  return all;
}

/** Two sockets for datagrams. */
function apart(session: RioSession): Subject {
  const completions = session.createCompletionQueue({ capacity: 8 });
  const options = { ...LOCAL, completions, receives: 1, sends: 1 };
  const open = () => session.openSocket({ transport: "udp", ...options });
  return { session, completions, sockets: [open(), open()] };
}

/** Both ends of a connection. */
async function connected(session: RioSession): Promise<Subject> {
  const completions = session.createCompletionQueue({ capacity: 8 });
  const options = { completions, receives: 1, sends: 1 };
  using listener = session.openSocket({
    transport: "tcp",
    ...LOCAL,
    backlog: 1,
  });
  const accepted = listener.accept(options);
  const client = session.openSocket({ transport: "tcp", ...options });
  await client.connect(listener.address);
  return { session, completions, sockets: [client, await accepted] };
}

function sessions(
  open: () => RioBackend,
  { once, make, collector }: {
    once: boolean;
    make: (session: RioSession) => Subject | Promise<Subject>;
    collector?: Collector;
  },
): Place {
  const stranger = new Stranger(open());
  const options: LifetimesOptions = {
    arrive: (to) => stranger.send(to),
    pass() {},
    once,
    ...(collector && { collector }),
  };
  return {
    async begin(choices) {
      const backend = collector?.begin(open()) ?? open();
      const subject = await make(openSession(backend));
      return new Lifetimes(subject, options, choices);
    },
    async [Symbol.asyncDispose]() {
      collector?.[Symbol.dispose]();
      await stranger.close();
    },
  };
}

/** A fake for each life: what completes late depends on what was before. */
function fakeSessions(once: boolean, collector?: Collector): Place {
  let end = () => Promise.resolve();
  return {
    async begin(choices) {
      await end();
      const fake = createFakeWindows();
      const open = () => createWinsockBackend(fake.symbols);
      const stranger = new Stranger(open());
      end = async () => {
        await stranger.close();
        const faults = fake.takeViolations();
        fake[Symbol.dispose]();
        assertEquals(faults, []);
      };
      const backend = collector?.begin(open()) ?? open();
      return new Lifetimes(apart(openSession(backend)), {
        arrive: (to) => stranger.send(to),
        pass: () => fake.pump(),
        once,
        ...(collector && { collector }),
      }, choices);
    },
    async [Symbol.asyncDispose]() {
      collector?.[Symbol.dispose]();
      await end();
    },
  };
}

function connections(session: RioSession): Place {
  const listener = listen({ session, ...LOCAL });
  const { port } = listener.addr;
  return {
    async begin(choices) {
      const accepted = listener.accept();
      const client = await connect({ session, ...LOCAL, port });
      return new Connections([client, await accepted], choices);
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await session.close();
    },
  };
}

function datagrams(session: RioSession): Place {
  const peer = listenDatagram({ session, ...LOCAL });
  return {
    begin(choices) {
      const conn = listenDatagram({ session, ...LOCAL });
      return Promise.resolve(new Datagrams({ conn, peer }, choices));
    },
    async [Symbol.asyncDispose]() {
      peer.close();
      await session.close();
    },
  };
}

/** Somebody who sends from outside the session. */
export class Stranger {
  /** Where it is. */
  readonly address: Deno.NetAddr;
  readonly #session: RioSession;
  readonly #send: (to: Deno.NetAddr) => void;

  constructor(backend: RioBackend) {
    this.#session = openSession(backend);
    const buffer = this.#session.registerBuffer(64);
    const socket = this.#session.openSocket({
      transport: "udp",
      ...LOCAL,
      receives: 1,
      sends: 8,
      notification: "none",
    });
    this.address = socket.address;
    this.#send = (to) => {
      const remote = buffer.slice(16, 28);
      socket.writeAddress(remote, to);
      socket.send(buffer.slice(0, 8), { remote });
      socket.sendCompletions.dequeue();
    };
  }

  /** Sends a datagram. */
  send(to: Deno.NetAddr): void {
    this.#send(to);
  }

  /** Goes away. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
