/**
 * Memory under the collector: what a request uses stays, and what a program
 * keeps can be read and written when the registration is long gone.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { RioBuffer, RioSession } from "../../mod.ts";
import { collect, openSelf, put, sessionTest, textOf } from "./harness.ts";

declare const gc: () => void;

const SOURCES: Readonly<
  Record<string, (session: RioSession) => RioBuffer<ArrayBufferLike>>
> = {
  "memory of the session": (session) => session.registerBuffer(1 << 20),
  "an array": (session) => session.registerBuffer(new Uint8Array(1 << 20)),
  "a shared array": (session) =>
    session.registerBuffer(new Uint8Array(new SharedArrayBuffer(1 << 20))),
};

/** Collects, and takes memory where something was freed. */
async function churn(session: RioSession): Promise<void> {
  for (let i = 0; i < 5; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve));
    const buffer = session.registerBuffer(1 << 20);
    buffer.bytes.fill(0x55);
    buffer.deregister();
  }
}

for (const [what, register] of Object.entries(SOURCES)) {
  sessionTest(
    `views of ${what} can be used after deregistration, and after the session`,
    async (open) => {
      using other = open();
      let view: Uint8Array;
      let part: Uint8Array;
      {
        using session = open();
        using socket = await openSelf(session);
        const buffer = register(session);
        view = buffer.bytes;
        part = buffer.slice(4096, 100).bytes;
        socket.receive(buffer.slice(4096, 100));
        socket.send(put(buffer.slice(0, 100), "old bytes"));
        await collect(socket.completions, 2);
        buffer.deregister();
        await churn(session);
        assertEquals(
          new TextDecoder().decode(part.subarray(0, 9)),
          "old bytes",
        );
      }
      await churn(other);
      assertEquals(new TextDecoder().decode(part.subarray(0, 9)), "old bytes");
      view.fill(7);
      assertEquals([part[0], view.at(-1), view.length], [7, 7, 1 << 20]);
    },
  );

  sessionTest(
    `${what} survives the collector while a request uses it`,
    async (open) => {
      using session = open();
      using socket = await openSelf(session);
      using outbox = session.registerBuffer(64);
      (() => {
        // Two buffers that nobody holds: one for the data, one for the address.
        const [inbox, addresses] = [register(session), register(session)];
        socket.receive(inbox.slice(4096, 64), {
          remote: addresses.slice(512, 28),
        });
      })();
      await churn(session);
      socket.send(put(outbox.slice(), "unharmed"));
      const received = (await collect(socket.completions, 2))
        .find(({ kind }) => kind === "receive")!;
      assertEquals(textOf(received), "unharmed");
      const { port } = socket.readAddress(received.remote!);
      assertEquals(port, socket.address.port);
      received.slice!.buffer.deregister();
      received.remote!.buffer.deregister();
    },
  );
}
