/** The queues of a socket by themselves, over a connection that a test answers. */
import { assertEquals } from "@std/assert";
import { WSAECONNREFUSED } from "../../ffi/error_numbers.ts";
import { RioError } from "../../ffi/errors.ts";
import type { RioDatagramConn } from "../../ffi/net/datagrams/conn.ts";
import { receiveAll, type Receiver } from "../../ffi/dgram/receives.ts";
import type { Family } from "../../ffi/dgram/addresses.ts";
import { Sends } from "../../ffi/dgram/sends.ts";
import type { Sending } from "../../ffi/dgram/send_arguments.ts";

const REFUSED = new RioError({
  errno: WSAECONNREFUSED,
  syscall: "RIOSend",
  attempt: "send",
});

const datagram = (text: string): Sending => ({
  data: new TextEncoder().encode(text),
  size: text.length,
  port: 0,
  address: undefined,
  callback: undefined,
});

/** A connection that takes nothing before it is told to. */
class Peer {
  readonly sent: string[] = [];
  readonly #answers: PromiseWithResolvers<void>[] = [];
  readonly conn = {
    send: (data: Uint8Array) => this.#take(new TextDecoder().decode(data)),
    sendMany: (left: Iterable<Sending>) =>
      this.#take(
        Array.from(left, ({ data }) => new TextDecoder().decode(data)).join(),
      ),
  } as unknown as RioDatagramConn;

  /** Ends the oldest call, with an error if there is one. */
  async answer(error?: unknown): Promise<void> {
    const { resolve, reject } = this.#answers.shift()!;
    if (error === undefined) resolve();
    else reject(error);
    await turn();
  }

  #take(text: string): Promise<void> {
    this.sent.push(text);
    const answer = Promise.withResolvers<void>();
    this.#answers.push(answer);
    return answer.promise;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = (error: unknown) => {
  throw error;
};

Deno.test("Sends sends one datagram alone before the turn is over", async () => {
  const peer = new Peer();
  const sends = new Sends(peer.conn, never);
  sends.add(datagram("a"));
  assertEquals(peer.sent, []);
  await Promise.resolve();
  assertEquals(peer.sent, ["a"]);
  await peer.answer();
  assertEquals([sends.busy, sends.count, sends.bytes], [false, 0, 0]);
});

Deno.test("Sends sends the others of a turn together, when the former have left", async () => {
  const peer = new Peer();
  const sends = new Sends(peer.conn, never);
  sends.add(datagram("a"));
  await turn();
  sends.add(datagram("b"));
  sends.add(datagram("cd"));
  await turn();
  assertEquals(peer.sent, ["a"]);
  assertEquals([sends.busy, sends.count, sends.bytes], [true, 3, 4]);
  await peer.answer();
  assertEquals(peer.sent, ["a", "b,cd"]);
  await peer.answer();
  assertEquals([sends.busy, sends.count, sends.bytes], [false, 0, 0]);
});

Deno.test("Sends tries what is left after an error, once for each datagram", async () => {
  const peer = new Peer();
  const failed: unknown[] = [];
  const sends = new Sends(peer.conn, (error) => failed.push(error));
  sends.add(datagram("a"));
  sends.add(datagram("b"));
  await turn();
  await peer.answer(REFUSED);
  const other = new Error("not the system's");
  await peer.answer(other);
  assertEquals(peer.sent, ["a,b", ""]);
  assertEquals(failed, [other]);
  assertEquals([sends.busy, sends.count], [false, 0]);
});

Deno.test("Sends does not try what is left after it was closed", async () => {
  const peer = new Peer();
  const sends = new Sends(peer.conn, never);
  sends.add(datagram("a"));
  sends.add(datagram("b"));
  await turn();
  sends.close();
  await peer.answer(REFUSED);
  assertEquals(peer.sent, ["a,b"]);
});

Deno.test("receiveAll() lets all else run between receives that fail", async () => {
  const MANY = 200;
  let calls = 0;
  let turns = 0;
  const conn = {
    receiveMany: () => {
      calls++;
      return Promise.reject(REFUSED);
    },
  } as unknown as RioDatagramConn;
  const receiver = {
    isClosed: () => turns === 2 || calls === MANY,
    isConnected: () => false,
    failed: never,
  } as unknown as Receiver;
  const other = turn().then(() => turns++).then(turn).then(() => turns++);
  await receiveAll(conn, {} as Family, receiver);
  await other;
  assertEquals(calls < MANY, true);
});
