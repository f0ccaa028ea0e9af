/** Sockets of node:dgram's shape take any arguments: they work, or tell an error of Node's. */
import { assert } from "@std/assert";
import process from "node:process";
import { createSocket, type Socket } from "../../ffi/dgram/mod.ts";
import { useSession } from "../../ffi/net/shared_session.ts";
import { SANITIZERS } from "../dgram/child.ts";
import { Random } from "../model/random.ts";
import { until } from "../patience.ts";
import { SEED } from "./attack.ts";
import {
  Hostile,
  hostileBytes,
  hostileOptions,
  hostileValue,
} from "./values.ts";

/** Pairs of sockets that are attacked. */
const PAIRS = Deno.build.os === "windows" ? 20 : 100;
/** Calls for each. */
const CALLS = 60;

/** Refuses what Node's documentation does not tell of. */
function assertAllowed(error: unknown): void {
  if (error instanceof Hostile) return;
  if (error instanceof Error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && /^(E[A-Z0-9]+|ERR_[A-Z_]+)$/.test(code)) {
      return;
    }
    // What was transferred before it left.
    if (
      error instanceof TypeError && /detached|transferred/.test(error.message)
    ) {
      return;
    }
  }
  throw new Error("Not an error of Node's", { cause: error });
}

/** What can be called, with anything. */
function callsOf(
  random: Random,
  [first, second]: readonly [Socket, Socket],
): readonly (() => unknown)[] {
  const acts = () => {
    if (random.oneIn(8)) random.pick([first, second])!.close();
  };
  const value = () => hostileValue(random, acts) as never;
  const some = () => hostileBytes(random) as Uint8Array<ArrayBuffer>;
  const bytes = () => random.oneIn(4) ? value() : some();
  const port = () => random.oneIn(3) ? value() : random.below(65535) + 1;
  const host = () => random.oneIn(3) ? value() : "127.0.0.1";
  const told = () => random.oneIn(3) ? value() : heard;
  return [
    () => first.bind(),
    () => first.bind(value(), value(), value()),
    () => first.bind(hostileOptions(random, { port: 0 }, acts) as never),
    () => second.connect(port(), host(), told()),
    () => second.disconnect(),
    () => first.send(bytes(), port(), host(), told()),
    () => first.send(bytes(), value(), value(), port(), host(), told()),
    () => first.send([some(), bytes()], port(), host()),
    () => second.send(bytes(), told()),
    () => second.send(bytes(), 0, 1, told()),
    () => second.sendto(bytes(), 0, 1, port(), host(), told()),
    () => first.address(),
    () => second.remoteAddress(),
    () => first.setBroadcast(value()),
    () => first.setTTL(value()),
    () => first.setMulticastTTL(value()),
    () => first.setMulticastLoopback(value()),
    () => first.setMulticastInterface(value()),
    () => first.addMembership(value(), value()),
    () => first.dropMembership("239.0.0.1", value()),
    () => first.addSourceSpecificMembership(value(), value(), value()),
    () => first.dropSourceSpecificMembership("127.0.0.1", "232.0.0.1", value()),
    () => first.setRecvBufferSize(value()),
    () => first.setSendBufferSize(value()),
    () => first.getRecvBufferSize(),
    () => first.getSendQueueCount(),
    () => first.ref().unref(),
    () => random.oneIn(20) && first.close(told() as never),
    () => createSocket(value(), value()),
  ];
}

/** A callback: what it is told has to be one of Node's errors, or none. */
function heard(error: unknown): void {
  if (error instanceof Error) assertAllowed(error);
}

async function attack(seed: number): Promise<void> {
  const random = new Random(seed);
  const lookup = (_host: string, _family: number, callback: unknown) => {
    const tell = callback as (...told: unknown[]) => void;
    // A name server would take its time.
    queueMicrotask(() =>
      random.oneIn(4)
        ? tell(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }))
        : tell(null, "127.0.0.1", 4)
    );
  };
  const open = () =>
    createSocket({ type: random.oneIn(2) ? "udp4" : "udp6", lookup });
  const sockets = [open(), open()] as const;
  for (const socket of sockets) socket.on("error", assertAllowed);
  const calls = callsOf(random, sockets);
  for (let i = 0; i < CALLS; i++) {
    try {
      random.pick(calls)!();
    } catch (error) {
      assertAllowed(error);
    }
    if (random.oneIn(10)) await new Promise((done) => setImmediate(done));
  }
  for (const socket of sockets) {
    const closed = new Promise<void>((done) => socket.once("close", done));
    try {
      socket.close();
    } catch (error) {
      // It was closed before.
      assertAllowed(error);
      continue;
    }
    await closed;
  }
}

Deno.test({
  name: "any arguments of a dgram socket give a result or an error of Node's",
  ...SANITIZERS,
  fn: async () => {
    using use = useSession();
    const strays: unknown[] = [];
    // What a hostile callback throws is nobody's to catch.
    const stray = (error: unknown) => {
      if (!(error instanceof Hostile)) strays.push(error);
    };
    process.on("uncaughtException", stray);
    try {
      for (let i = 0; i < PAIRS; i++) {
        const seed = SEED + i >>> 0;
        await attack(seed);
        assert(
          strays.length === 0,
          `Replay with RIO_FUZZ_SEED=${seed}: ${
            strays.map((one) => Deno.inspect(one))
          }`,
        );
      }
    } finally {
      process.removeListener("uncaughtException", stray);
    }
    // On a machine that is busy the system ends requests a moment later.
    await until(
      () => {
        const { sockets, outstanding } = use.session.stats();
        return sockets + outstanding === 0;
      },
      () => `what is left: ${JSON.stringify(use.session.stats())}`,
    );
    console.log(`${PAIRS * CALLS} calls from seed ${SEED}`);
  },
});
