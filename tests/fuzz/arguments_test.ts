/** The public API takes any arguments: it works, or throws a documented error. */
import { assertEquals } from "@std/assert";
import { listenDatagram, RioSession, rioSupport } from "../../mod.ts";
import { Random } from "../model/random.ts";
import { attackTest, SEED } from "./attack.ts";
import { hostileOptions, hostileValue } from "./values.ts";

attackTest(
  "any arguments give a result or a documented error",
  (session, random) => {
    const buffer = session.registerBuffer(4096);
    const queue = session.createCompletionQueue({ capacity: 4096 });
    const open = () =>
      session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: queue,
      });
    const [first, second] = [open(), open()];
    // Half of the sessions are never closed in the middle of a call.
    const violent = random.oneIn(2);
    const acts = () => {
      if (!violent || !random.oneIn(6)) return;
      random.pick([
        () => session[Symbol.dispose](),
        () => void session.close(),
        () => buffer[Symbol.dispose](),
        () => first.close(),
        () => second[Symbol.dispose](),
        () => queue.close(),
      ])!();
    };
    const listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const value = () => hostileValue(random, acts) as never;
    const options = (sound: Record<string, unknown>) =>
      hostileOptions(random, sound, acts) as never;
    const slice = () => buffer.slice(random.below(2048), random.below(2048));
    const request = () =>
      options({
        remote: slice(),
        local: slice(),
        control: slice(),
        messageFlags: slice(),
        flags: 0,
        defer: false,
        dontNotify: true,
        waitAll: false,
        context: 1,
      });
    const calls: (() => unknown)[] = [
      () => {
        const source = value();
        // That one works, and a machine may not have so much.
        if (source !== 2 ** 31) session.registerBuffer(source);
      },
      () =>
        session.createCompletionQueue(
          options({ capacity: 16, notification: "event" }),
        ),
      () =>
        session.openSocket(options({
          transport: random.pick(["udp", "tcp"]),
          hostname: "127.0.0.1",
          port: 0,
          backlog: 1,
          ipv6Only: false,
          reuseAddress: false,
          receives: 2,
          sends: 2,
          completions: random.oneIn(2)
            ? queue
            : { receive: queue, send: queue },
          notification: "none",
        })),
      () => buffer.slice(value(), value()),
      () => buffer.slice(random.below(100), value()),
      () => first.receive(random.oneIn(3) ? value() : slice(), request()),
      () => first.receive(slice(), request()),
      () => second.send(random.oneIn(3) ? value() : slice(), request()),
      () => second.send(slice(), request()),
      () => first.commit(value()),
      () => first.resize(options({ receives: 64, sends: 64 })),
      () => first.connect(options({ hostname: "127.0.0.1", port: 9 })),
      () => listener.accept(options({ receives: 1, sends: 1 })),
      () => first.shutdown(value()),
      () => first.setOption(value(), value()),
      () => first.setOption("timeToLive", value()),
      () => first.getOption(value()),
      () =>
        first.setRawOption(random.oneIn(2) ? [1, value()] : value(), value()),
      () => first.setRawOption([random.below(50), random.below(50)], value()),
      () => first.writeAddress(random.oneIn(2) ? value() : slice(), value()),
      () =>
        first.writeAddress(
          slice(),
          options({ hostname: "127.0.0.1", port: 1 }),
        ),
      () => first.readAddress(random.oneIn(2) ? value() : slice()),
      () => queue.dequeue(value()),
      () => queue.walk(value(), value()),
      () => queue.walk(acts),
      () => queue.resize(value()),
      () =>
        listenDatagram(options({
          hostname: "127.0.0.1",
          port: 0,
          receives: 2,
          sends: 2,
          datagramSize: 100,
          session,
        }))[Symbol.dispose](),
      () => session.stats(),
      () => RioSession.open(options({ backend: "auto" })).close(),
    ];
    return { calls };
  },
);

/** Times that a system is looked at; under Wine each takes 5 ms and more. */
const LOOKS = Deno.build.os === "windows" ? 200 : 2000;

Deno.test("rioSupport() never throws, whatever it is given", () => {
  const random = new Random(SEED);
  const acts = () => {};
  for (let i = 0; i < LOOKS; i++) {
    const sound = { backend: "auto" };
    const options = random.oneIn(2)
      ? hostileValue(random, acts)
      : hostileOptions(random, sound, acts);
    const { supported, reason } = rioSupport(options as never);
    assertEquals(supported, reason === undefined);
  }
});
