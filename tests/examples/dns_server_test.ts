/** The authoritative DNS server and the mDNS browser, asked by hand and by dig. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type Answer,
  CODE,
  type Message,
  nameBytes,
  readMessage,
  TYPE,
  writeMessage,
} from "../../examples/dns/message.ts";
import { connect, listenDatagram } from "../../mod.ts";
import { skipped } from "../skip.ts";
import { example, exampleTest, type Program, run } from "./program.ts";
import { isWine } from "../windows/wine.ts";

const HOST = "127.0.0.1";
/** Why nothing is sent to a group over loopback. */
const NO_GROUP = isWine()
  ? "Wine sends through no interface of loopback"
  : undefined;
const RECORDS = [
  "www=192.0.2.1",
  "www=192.0.2.2",
  "www=2001:db8::1",
  "note=hello",
  "a.deep.example.test=192.0.2.3",
  ...Array.from({ length: 40 }, (_, i) => `many=198.51.100.${i}`),
];

/** Runs the server, and uses it. */
async function serving(
  use: (port: number, program: Program) => Promise<void>,
): Promise<void> {
  const args = ["--port", "0", ...RECORDS];
  await using program = example("dns_server.ts", args);
  const [, port] = await program.printed(/ on [\d.]+:(\d+),/);
  await use(Number(port), program);
  const { code, stderr } = await program.interrupt();
  assertEquals([code, stderr], [0, ""]);
}

/** A question, with the size that EDNS tells if it is given. */
function question(name: string, type: number, size?: number): Uint8Array {
  const edns = {
    name: "",
    type: TYPE.OPT,
    ttl: size ?? 0,
    data: nameBytes(""),
  };
  const additional = size === undefined
    ? []
    : [{ ...edns, data: new Uint8Array() }];
  return writeMessage({
    id: 7,
    flags: 0x0100,
    question: { name, type },
    additional,
  });
}

async function askOverUdp(port: number, bytes: Uint8Array) {
  using conn = listenDatagram({ hostname: HOST });
  await conn.connect({ hostname: HOST, port });
  await conn.send(bytes);
  const [answer] = await conn.receive();
  return { length: answer.length, ...readMessage(answer) };
}

async function askOverTcp(port: number, bytes: Uint8Array): Promise<Message> {
  using conn = await connect({ hostname: HOST, port });
  // One byte at a time: a stream has no messages.
  for (const byte of [bytes.length >> 8, bytes.length & 255, ...bytes]) {
    await conn.write(new Uint8Array([byte]));
  }
  await conn.closeWrite();
  const answer = await new Response(conn.readable).bytes();
  assertEquals(answer[0]! << 8 | answer[1]!, answer.length - 2);
  return readMessage(answer.subarray(2));
}

const dataOf = ({ records }: Message, type: number) =>
  records.filter((record: Answer) => record.type === type)
    .map(({ data }) => [...data]);
const codeOf = ({ flags }: Message) => flags & 15;
const isCut = ({ flags }: Message) => (flags & 0x0200) !== 0;

exampleTest(
  "examples/dns_server.ts answers what it has, and what not",
  async () => {
    await serving(async (port, program) => {
      const www = await askOverUdp(port, question("WWW.example.test", TYPE.A));
      assertEquals([www.id, www.flags], [7, 0x8500]);
      assertEquals(dataOf(www, TYPE.A), [[192, 0, 2, 1], [192, 0, 2, 2]]);
      const six = await askOverUdp(
        port,
        question("www.example.test", TYPE.AAAA),
      );
      assertEquals(dataOf(six, TYPE.AAAA)[0]!.slice(0, 4), [
        0x20,
        1,
        0xD,
        0xB8,
      ]);
      const note = await askOverUdp(
        port,
        question("note.example.test", TYPE.TXT),
      );
      assertEquals(dataOf(note, TYPE.TXT), [[5, 104, 101, 108, 108, 111]]);
      const codes: [name: string, code: number, authority: number][] = [
        ["note.example.test", CODE.NOERROR, 1],
        ["deep.example.test", CODE.NOERROR, 1],
        ["none.example.test", CODE.NXDOMAIN, 1],
        ["example.org", CODE.REFUSED, 0],
      ];
      for (const [name, code, authority] of codes) {
        const answer = await askOverUdp(port, question(name, TYPE.A));
        assertEquals([name, codeOf(answer)], [name, code]);
        assertEquals(dataOf(answer, TYPE.SOA).length, authority);
      }
      const garbage = new Uint8Array(20).fill(3);
      garbage[2] = 0;
      assertEquals(codeOf(await askOverUdp(port, garbage)), CODE.FORMERR);
      const { stdout } = await program.interrupt();
      assertMatch(stdout, /^8 answers over UDP, 0 over TCP$/m);
    });
  },
);

exampleTest(
  "examples/dns_server.ts cuts what does not fit, and gives it over TCP",
  async () => {
    await serving(async (port) => {
      const ask = question("many.example.test", TYPE.A);
      const cut = await askOverUdp(port, ask);
      assert(isCut(cut) && cut.length <= 512);
      assertEquals(dataOf(cut, TYPE.A), []);
      const small = question("many.example.test", TYPE.A, 600);
      const still = await askOverUdp(port, small);
      assert(isCut(still));
      assertEquals(dataOf(still, TYPE.OPT).length, 1);
      const whole = await askOverTcp(port, ask);
      assert(!isCut(whole));
      assertEquals(dataOf(whole, TYPE.A).length, 40);
    });
  },
);

exampleTest(
  "examples/dns_server.ts takes the size that EDNS tells",
  async () => {
    await serving(async (port) => {
      const www = (size?: number) => question("www.example.test", TYPE.A, size);
      assertEquals(dataOf(await askOverUdp(port, www()), TYPE.OPT).length, 0);
      assertEquals(
        dataOf(await askOverUdp(port, www(1232)), TYPE.OPT).length,
        1,
      );
      const many = await askOverUdp(
        port,
        question("many.example.test", TYPE.A, 4096),
      );
      // Never more than every path takes, whatever was told.
      assert(isCut(many) && many.length <= 1232);
    });
  },
);

exampleTest("examples/dns_server.ts answers dig", async () => {
  await serving(async (port) => {
    const dig = (...args: string[]) =>
      run("dig", [
        `@${HOST}`,
        "-p",
        String(port),
        "+time=5",
        "+tries=1",
        ...args,
      ]);
    const short = await dig("+short", "www.example.test");
    assertEquals(short, "192.0.2.1\n192.0.2.2\n");
    const many = await dig("many.example.test");
    assertMatch(many, /Truncated, retrying in TCP/);
    assertMatch(many, /ANSWER: 40,/);
    assertMatch(await dig("none.example.test"), /status: NXDOMAIN/);
  });
}, ["dig"]);

exampleTest("examples/dns_server.ts loses nothing to dnsperf", async () => {
  await serving(async (port) => {
    const pair = "www.example.test A\nwww.example.test AAAA\n";
    const questions = pair.repeat(500);
    for (const mode of ["udp", "tcp"]) {
      const said = await run(
        "dnsperf",
        ["-s", HOST, "-p", String(port), "-m", mode, "-n", "1", "-q", "20"],
        questions,
      );
      assertMatch(said, /Queries completed: +1000 \(100\.00%\)/);
      assertMatch(said, /Response codes: +NOERROR 1000 \(100\.00%\)/);
    }
  });
}, ["dnsperf"]);

exampleTest("examples/mdns_browser.ts prints what answers", async () => {
  if (skipped("an answer to a group", NO_GROUP)) return;
  const SERVICE = "_http._tcp.local";
  using responder = listenDatagram();
  // The interface of loopback, on both systems.
  await using _ = await responder.joinMulticastV4("224.0.0.251", 1);
  const answering = (async () => {
    for await (const [data, from] of responder) {
      const { questions } = readMessage(data);
      if (questions[0]?.name !== SERVICE) continue;
      await responder.send(new Uint8Array([1, 2, 3]), from); // garbage
      const name = `Printer \x1b[2J.${SERVICE}`;
      const host = nameBytes("printer.local");
      const answers = [
        { name: SERVICE, type: TYPE.PTR, ttl: 10, data: nameBytes(name) },
        {
          name,
          type: TYPE.SRV,
          ttl: 10,
          data: new Uint8Array([0, 0, 0, 0, 0, 80, ...host]),
        },
      ];
      const message = writeMessage({ id: 0, flags: 0x8400, answers });
      await responder.send(message, from);
    }
  })();
  const { port } = responder.addr;
  const args = [
    "--service",
    SERVICE,
    "--interface",
    "1",
    "--port",
    String(port),
  ];
  await using program = example("mdns_browser.ts", [
    ...args,
    "--seconds",
    "60",
  ]);
  await program.printed(/is printer\.local:80\n/);
  const { code, stdout, stderr } = await program.interrupt();
  responder.close();
  await answering;
  assertEquals([code, stderr], [130, ""]);
  assertMatch(stdout, /^Printer \?\[2J\._http\._tcp\.local {2}at [\d.]+$/m);
  assertMatch(stdout, /^2 found$/m);
});

exampleTest(
  "examples/mdns_browser.ts ends with code 1 when nobody answers",
  async () => {
    if (skipped("a question to a group", NO_GROUP)) return;
    const args = ["--interface", "1", "--port", "9", "--seconds", "1"];
    await using program = example("mdns_browser.ts", args);
    const { code, stdout, stderr } = await program.outcome;
    assertEquals([code, stderr], [1, ""]);
    assertMatch(stdout, /^0 found$/m);
  },
);
