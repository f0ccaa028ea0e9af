import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { listenDatagram } from "../../mod.ts";
import { skipped } from "../skip.ts";
import { example, exampleTest, type Program, run } from "./program.ts";
import { isWine } from "../windows/wine.ts";

type Socket = Deno.DatagramConn & { readonly addr: Deno.NetAddr };

/** What the fake server does with a query; it sends what it likes. */
type Serve = (query: Uint8Array, answer: (bytes: Uint8Array) => void) => void;

const SERVFAIL = 2;
const FORMERR = 1;

function open(): Socket {
  return Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  }) as Socket;
}

/** A query for the address of a name. */
function query(id: number, name: string): Uint8Array {
  const labels = name.split(".").map((label) =>
    String.fromCharCode(label.length) + label
  );
  const text = `${labels.join("")}\0\0\x01\0\x01`;
  const header = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return new Uint8Array([...header, ...new TextEncoder().encode(text)]);
}

/** The answer that a name has this address. */
function addressOf(message: Uint8Array, address: number[]): Uint8Array {
  const record = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address];
  let end = 12;
  while (message[end]! > 0) end += 1 + message[end]!;
  const bytes = new Uint8Array([...message.subarray(0, end + 5), ...record]);
  bytes.set([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], 2);
  return bytes;
}

const idOf = (message: Uint8Array) => message[0]! << 8 | message[1]!;
const codeOf = (message: Uint8Array) => message[3]! & 15;

/** Runs the forwarder before a fake server, and a client. */
async function forwarding(
  serve: Serve,
  use: (
    ask: (bytes: Uint8Array) => Promise<void>,
    heard: () => Promise<Uint8Array>,
    forwarder: { program: Program; port: string },
  ) => Promise<void>,
  more: readonly string[] = [],
): Promise<void> {
  const [upstream, client] = [open(), open()];
  const serving = (async () => {
    for await (const [message, from] of upstream) {
      serve(message, (bytes) => upstream.send(bytes, from));
    }
  })();
  const { port: target } = upstream.addr;
  const args = [`127.0.0.1:${target}`, "--port", "0", "--timeout", "300"]
    .concat(more);
  await using program = example("dns_forwarder.ts", args);
  try {
    const [, port = ""] = await program.printed(/ on [\d.]+:(\d+) to/);
    const to = { ...client.addr, port: Number(port) };
    await use(
      async (bytes) => {
        await client.send(bytes, to);
      },
      async () => (await client.receive())[0],
      { program, port },
    );
    const { code, stderr } = await program.interrupt();
    assertEquals([code, stderr], [0, ""]);
  } finally {
    upstream.close();
    client.close();
    await serving;
  }
}

const answering: Serve = (message, answer) =>
  answer(addressOf(message, [192, 0, 2, 1]));

exampleTest(
  "examples/dns_forwarder.ts gives the answer under the client's id",
  async () => {
    const upstreamIds: number[] = [];
    await forwarding((message, answer) => {
      upstreamIds.push(idOf(message));
      answering(message, answer);
    }, async (ask, heard, { program }) => {
      for (let i = 0; i < 8; i++) await ask(query(7, `host${i}.test`));
      const names = new Set<string>();
      for (let i = 0; i < 8; i++) {
        const answer = await heard();
        assertEquals([idOf(answer), codeOf(answer)], [7, 0]);
        names.add(new TextDecoder().decode(answer.subarray(13, 18)));
      }
      assertEquals(names.size, 8);
      const { stdout } = await program.interrupt();
      assertStringIncludes(stdout, "8 queries, 8 answers, 0 failures");
    });
    assertEquals(new Set(upstreamIds).size, 8);
  },
);

exampleTest(
  "examples/dns_forwarder.ts answers from the address that was asked",
  async () => {
    const wine = isWine()
      ? "Wine's sends take no address to leave from"
      : undefined;
    if (skipped("an answer from the address that was asked", wine)) return;
    const args = ["--hostname", "0.0.0.0"];
    await forwarding(
      answering,
      async (_ask, _heard, { port }) => {
        for (const hostname of ["127.0.0.3", "127.0.0.1"]) {
          using client = listenDatagram({ hostname: "127.0.0.1" });
          // It hears what comes from there alone.
          await client.connect({ hostname, port: Number(port) });
          await client.send(query(9, "host.test"));
          const [answer] = await client.receive();
          assertEquals([idOf(answer), codeOf(answer)], [9, 0]);
        }
      },
      args,
    );
  },
);

exampleTest(
  "examples/dns_forwarder.ts matches answers that come out of order",
  async () => {
    const held: (() => void)[] = [];
    await forwarding((message, answer) => {
      const last = message[13]!;
      held.push(() => answer(addressOf(message, [192, 0, 2, last])));
      if (held.length === 5) {
        for (const release of held.reverse()) {
          release();
        }
      }
    }, async (ask, heard) => {
      for (const letter of "abcde") {
        await ask(query(letter.charCodeAt(0), `${letter}.test`));
      }
      for (let i = 0; i < 5; i++) {
        const answer = await heard();
        assertEquals(answer.at(-1), idOf(answer));
      }
    });
  },
);

exampleTest(
  "examples/dns_forwarder.ts answers SERVFAIL when nobody answers in time",
  async () => {
    await forwarding(() => {}, async (ask, heard, { program }) => {
      const asked = query(513, "silent.test");
      await ask(asked);
      const answer = await heard();
      assertEquals([idOf(answer), codeOf(answer)], [513, SERVFAIL]);
      assertEquals(answer.subarray(4), asked.subarray(4));
      const { stdout } = await program.interrupt();
      assertStringIncludes(stdout, "1 queries, 0 answers, 1 failures");
    });
  },
);

exampleTest(
  "examples/dns_forwarder.ts answers FORMERR to what is no question",
  async () => {
    await forwarding(answering, async (ask, heard) => {
      const none = query(1, "a.test");
      none[5] = 0;
      const cut = query(2, "a.test").subarray(0, 15);
      const compressed = query(3, "a.test");
      compressed[12] = 0xC0;
      for (const message of [none, cut, compressed]) {
        await ask(message);
        const answer = await heard();
        assertEquals([idOf(answer), codeOf(answer)], [idOf(message), FORMERR]);
        assertEquals(answer.length, 12);
      }
    });
  },
);

exampleTest("examples/dns_forwarder.ts is not ended by garbage", async () => {
  await forwarding((message, answer) => {
    answer(new Uint8Array(3));
    answer(new Uint8Array(500).fill(0xFF));
    answering(message, answer);
    answering(message, answer); // a second time
  }, async (ask, heard) => {
    await ask(new Uint8Array(0));
    await ask(new Uint8Array(11));
    await ask(new Uint8Array(600).fill(0xFF)); // an answer, nobody asked
    await ask(query(4, "a.test"));
    const answer = await heard();
    assertEquals([idOf(answer), codeOf(answer)], [4, 0]);
    await ask(query(5, "b.test"));
    assertEquals(idOf(await heard()), 5);
  });
});

exampleTest(
  "examples/dns_forwarder.ts ignores the answer to another question",
  async () => {
    await forwarding((message, answer) => {
      const other = query(idOf(message), "evil.test");
      answer(addressOf(other, [203, 0, 113, 1]));
      answering(message, answer);
    }, async (ask, heard) => {
      await ask(query(6, "good.test"));
      assertEquals(
        (await heard()).subarray(-4),
        new Uint8Array([192, 0, 2, 1]),
      );
    });
  },
);

exampleTest("examples/dns_forwarder.ts answers dig", async () => {
  await forwarding((message, answer) => {
    if (message[12] !== 6) answering(message, answer); // all but silent.test
  }, async (_ask, _heard, { port }) => {
    const base = ["@127.0.0.1", "-p", port, "+time=5", "+tries=1"];
    const names = Array.from({ length: 10 }, (_, i) => `host${i}.test`);
    const all = await Promise.all(
      names.map((name) => run("dig", [...base, "+short", name])),
    );
    assertEquals(all, names.map(() => "192.0.2.1\n"));
    assertMatch(await run("dig", [...base, "silent.test"]), /status: SERVFAIL/);
  });
}, ["dig"]);
