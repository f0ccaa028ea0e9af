/**
 * Round trips over loopback, one in flight: between two sockets of one process
 * and between two processes.
 *
 * @module
 */
import { Child, type ChildOptions } from "./child.ts";
import {
  type Echo,
  ECHOES,
  type EchoServer,
  SIZE,
  type Transport,
} from "./echo.ts";
import {
  compareTrips,
  type Effort,
  percentiles,
  type Report,
  type Trips,
} from "./harness.ts";
import type { Limit } from "./limit.ts";
import { hasNode } from "./node.ts";

/** What is compared. */
export interface RoundTripOptions {
  transport: Transport;
  /** Whether the server has a process of its own. */
  apart: boolean;
  limit: Limit | null;
}

/** Microseconds of a round trip of 64 bytes: p50 and p99. */
export async function roundTrips(
  { transport, apart, limit }: RoundTripOptions,
  effort: Effort,
): Promise<Report[]> {
  const candidates: Trips[] = [];
  for (const [kind, echo] of Object.entries(ECHOES[transport])) {
    const args = [transport, kind];
    const server = apart ? await serverProcess("echo_server.ts", args) : null;
    candidates.push(trips(echo, server));
  }
  if (transport === "udp" && await hasNode()) {
    candidates.push(await nodeItself(apart));
  }
  if (limit) {
    const name = "the limit: C";
    const mode = [`${transport}-echo`, SIZE, apart ? 1 : 0] as const;
    candidates.push(limit.trips(name, ...mode));
  }
  const where = apart ? "two processes" : "one process";
  return await compareTrips(
    {
      id: `${transport}-echo-${apart ? "two" : "one"}`,
      title: `${transport.toUpperCase()} round trip, 64 bytes, ${where}`,
    },
    candidates,
    effort,
  );
}

/** Nothing else is open in this process while one kind takes its turn. */
function trips(echo: Echo, server: EchoServer | null): Trips {
  return {
    name: echo.name,
    async run(count) {
      await using stack = new AsyncDisposableStack();
      const { port } = server ?? stack.use(await echo.serve());
      const client = stack.use(await echo.connect(port));
      const trips: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await client.trip();
        trips.push((performance.now() - start) * 1000);
      }
      return percentiles(trips);
    },
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
    },
  };
}

async function serverProcess(
  script: string,
  args: string[],
  options: ChildOptions = {},
): Promise<EchoServer> {
  const child = new Child(script, args, options);
  const port = Number(await child.line());
  return { port, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** node:dgram under Node: the client, and where it is apart the server. */
async function nodeItself(apart: boolean): Promise<Trips> {
  const script = "node_echo.mjs";
  const command = ["node"] as const;
  const server = apart
    ? await serverProcess(script, ["serve"], { command })
    : null;
  return {
    name: "node:dgram in Node",
    async run(count) {
      const args = ["trips", String(count)];
      if (server) args.push(String(server.port));
      await using client = new Child(script, args, { command });
      const [p50, p99] = await client.numbers();
      return { p50: p50!, p99: p99! };
    },
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
    },
  };
}
