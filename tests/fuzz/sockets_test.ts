/** Sockets with Deno's shapes take any arguments: they work, or throw a documented error. */
import {
  connect,
  listen,
  listenDatagram,
  readAddress,
  readControl,
  writeAddress,
  writeControl,
} from "../../mod.ts";
import { within } from "../session/harness.ts";
import { assertAllowed, attackTest } from "./attack.ts";
import { hostileBytes, hostileOptions, hostileValue } from "./values.ts";

attackTest(
  "any arguments of a datagram socket give a result or a documented error",
  (session, random) => {
    const open = () =>
      listenDatagram({
        hostname: "127.0.0.1",
        port: 0,
        receives: 4,
        sends: 4,
        datagramSize: 64,
        session,
      });
    const [first, second] = [open(), open()];
    const violent = random.oneIn(2);
    const acts = () => {
      if (!violent || !random.oneIn(6)) return;
      random.pick([
        () => session[Symbol.dispose](),
        () => first[Symbol.dispose](),
        () => void second[Symbol.asyncDispose]().catch(assertAllowed),
      ])!();
    };
    const value = () => hostileValue(random, acts) as never;
    const options = (sound: Record<string, unknown>) =>
      hostileOptions(random, sound, acts) as never;
    const some = () => hostileBytes(random) as Uint8Array<ArrayBuffer>;
    const bytes = () => random.oneIn(4) ? value() : some();
    const address = () => {
      // What is a name may be looked up, which takes its time.
      const { port } = random.pick([first, second])!.addr;
      return {
        transport: "udp",
        hostname: "127.0.0.1",
        port: random.oneIn(3) ? value() : port,
      } as const;
    };
    const datagram = () => options({ data: some(), addr: address() });
    return {
      calls: [
        () => first.send(bytes(), address()),
        () =>
          first.send(
            some(),
            address(),
            options({ segmentSize: 8 }),
          ),
        () => first.send(bytes(), undefined),
        () =>
          first.sendMany(random.oneIn(3) ? value() : [datagram(), datagram()]),
        () =>
          second.receive(random.oneIn(2) ? undefined : bytes(), options({})),
        () =>
          second.receive(
            some(),
            options({ signal: AbortSignal.abort() }),
          ),
        async () => {
          using batch = await second.receiveMany(options({}));
          await first.sendMany(batch);
        },
        () => second.connect(random.oneIn(2) ? value() : address()),
        () => first.joinMulticastV4(value(), value()),
        () => first.joinMulticastV4("239.0.0.1", value()),
        () => first.joinMulticastV6(value(), value()),
        () => second.ref(),
        () => second.unref(),
        () => writeAddress(bytes(), address(), options({ mapped: true })),
        () =>
          writeAddress(
            new Uint8Array(28),
            options({ hostname: "::1", port: 1 }),
          ),
        () => readAddress(bytes(), value()),
        () => readControl(bytes()),
        () =>
          writeControl(bytes(), value(), options({ segmentSize: 8, ecn: 1 })),
      ],
      close() {
        first[Symbol.dispose]();
        second[Symbol.dispose]();
      },
    };
  },
);

attackTest(
  "any arguments of a connection give a result or a documented error",
  async (session, random) => {
    const listener = listen({ hostname: "127.0.0.1", port: 0, session });
    const { port } = listener.addr;
    const accepted = listener.accept();
    const client = await within(
      connect({ hostname: "127.0.0.1", port, session }),
    );
    const server = await within(accepted);
    const violent = random.oneIn(2);
    const acts = () => {
      if (!violent || !random.oneIn(6)) return;
      random.pick([
        () => session[Symbol.dispose](),
        () => client[Symbol.dispose](),
        () => server.reset(),
        () => listener[Symbol.dispose](),
      ])!();
    };
    const value = () => hostileValue(random, acts) as never;
    const options = (sound: Record<string, unknown>) =>
      hostileOptions(random, sound, acts) as never;
    const some = () => hostileBytes(random) as Uint8Array<ArrayBuffer>;
    const bytes = () => random.oneIn(4) ? value() : some();
    const close = () => {
      for (const one of [client, server, listener]) one[Symbol.dispose]();
    };
    return {
      calls: [
        () => client.write(bytes()),
        () => server.write(bytes()),
        () => client.read(bytes()),
        () => server.read(bytes()),
        () => random.oneIn(6) && client.closeWrite(),
        () => client.setNoDelay(value()),
        () => server.setKeepAlive(value()),
        () => client.ref(),
        () => client.unref(),
        async () => {
          using stream = await connect({
            hostname: "127.0.0.1",
            port: random.oneIn(2) ? port : value(),
            noDelay: value(),
            session,
          });
          stream.unref();
        },
        () =>
          listen(options({ hostname: "127.0.0.1", port: 0, session }))
            [Symbol.dispose](),
        () =>
          listen({
            hostname: "127.0.0.1",
            port: 0,
            tcpBacklog: value(),
            session,
          }).close(),
        () => listen({ hostname: value(), port: 0, session }).close(),
      ],
      close,
    };
  },
);
