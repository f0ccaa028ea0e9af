/**
 * Systems that refuse to cut a send into datagrams, with EIO: before 6.11 Linux
 * does over devices that compute no checksums, and over some tunnels still.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import {
  listenDatagram,
  type RioDatagramConn,
  type RioListenDatagramOptions,
} from "../../mod.ts";
import { bytesAt } from "../fake/memory.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import type { FaultyLinux } from "../faults/faulty_linux.ts";
import { receiveAll, within } from "./harness.ts";
import { datagram } from "./trains.ts";

// Kept open: only the first opening is seen by the sanitizer.
const library = Deno.build.os === "linux" ? acquireLibrary() : null;

const [EIO, EAGAIN, EPERM] = [5, 11, 1];
const [SOL_UDP, UDP_SEGMENT] = [17, 103];

/** Bytes of a `struct mmsghdr`. */
const MMSGHDR = 64;

function fail(errno: number): number {
  library!.errno[0] = errno;
  return -1;
}

/** Whether a `struct msghdr` asks for datagrams of a size. */
function isCut(address: bigint): boolean {
  const header = new DataView(bytesAt(address, 56).slice().buffer);
  const length = Number(header.getBigUint64(40, true));
  const messages = new DataView(
    length === 0
      ? new ArrayBuffer(0)
      : bytesAt(header.getBigUint64(32, true), length).slice().buffer,
  );
  for (let at = 0; at + 16 <= length;) {
    const level = messages.getInt32(at + 8, true);
    const type = messages.getInt32(at + 12, true);
    if (level === SOL_UDP && type === UDP_SEGMENT) return true;
    at += (messages.getUint32(at, true) + 7) & ~7;
  }
  return false;
}

/** A kernel that does not cut, and how often it was asked to. */
interface Uncut {
  asked: number;
  readonly system: FaultyLinux;
}

function uncutTest(
  name: string,
  body: (
    open: (options?: RioListenDatagramOptions) => RioDatagramConn,
    uncut: Uncut,
  ) => Promise<void>,
): void {
  for (const hostname of ["127.0.0.1", "::1"]) {
    faultyTest(`${name}, ${hostname}`, async ({ system, session }) => {
      const uncut: Uncut = { asked: 0, system };
      system.instead.sendmmsg = (call, fd, messages, count, flags) => {
        // As the kernel does: what comes before the one that fails is sent.
        let good = 0;
        while (good < (count as number)) {
          if (isCut((messages as bigint) + BigInt(good * MMSGHDR))) break;
          good++;
        }
        if (good > 0) return call(fd, messages, good, flags);
        uncut.asked++;
        return fail(EIO);
      };
      using stack = new DisposableStack();
      const open = (options = {}) =>
        stack.use(
          listenDatagram({
            session,
            hostname,
            receiveBufferSize: 1 << 20,
            ...options,
          }),
        );
      await body(open, uncut);
    });
  }
}

uncutTest(
  "conn.sendMany() sends each once and in order, and asks for no cut again",
  async (open, uncut) => {
    const [sender, receiver] = [open(), open()];
    const sizes = [7, ...Array(90).fill(50), 9, 9, 0, ...Array(70).fill(20), 3];
    for (let round = 0; round < 3; round++) {
      const all = sizes.map((size, i) => datagram(i, size, receiver.addr));
      assertEquals(await within(sender.sendMany(all)), all.length);
      const got = await receiveAll(receiver, all.length);
      assertEquals(got, all.map(({ data }) => data));
      assertEquals(uncut.asked, 1);
    }
    // Another socket may use another device.
    const other = open();
    const two = [0, 1].map((i) => datagram(i, 10, receiver.addr));
    assertEquals(await within(other.sendMany(two)), 2);
    assertEquals(await receiveAll(receiver, 2), two.map(({ data }) => data));
    assertEquals(uncut.asked, 2);
  },
);

uncutTest(
  "conn.send() cuts into datagrams of segmentSize all the same",
  async (open, uncut) => {
    const [sender, receiver] = [open(), open()];
    const { data } = datagram(1, 2500, receiver.addr);
    for (let round = 0; round < 2; round++) {
      const sent = sender.send(data, receiver.addr, { segmentSize: 1000 });
      assertEquals(await within(sent), 2500);
      assertEquals(await receiveAll(receiver, 3), [
        data.slice(0, 1000),
        data.slice(1000, 2000),
        data.slice(2000),
      ]);
    }
    assertEquals(uncut.asked, 1);
    await within(
      sender.send(new Uint8Array(), receiver.addr, { segmentSize: 9 }),
    );
    assertEquals(await receiveAll(receiver, 1), [new Uint8Array()]);
  },
);

uncutTest(
  "what is sent later stays behind, and the codepoint with each datagram",
  async (open) => {
    const [sender, receiver] = [open(), open({ info: true })];
    const { addr } = receiver;
    const { data } = datagram(1, 300, addr);
    await within(Promise.all([
      sender.send(datagram(0, 5, addr).data, addr),
      sender.send(data, addr, { segmentSize: 100, ecn: 1 }),
      sender.send(datagram(2, 6, addr).data, addr),
      sender.sendMany([3, 4, 5].map((i) => datagram(i, 30, addr))),
      sender.send(datagram(6, 8, addr).data, addr),
    ]));
    const got: [length: number, ecn: number | undefined][] = [];
    while (got.length < 9) {
      using batch = await within(receiver.receiveMany());
      for (const { data, info } of batch) got.push([data.length, info.ecn]);
    }
    const plain = (length: number) => [length, 0];
    assertEquals(got, [
      plain(5),
      ...Array(3).fill([100, 1]),
      plain(6),
      ...Array(3).fill(plain(30)),
      plain(8),
    ]);
  },
);

uncutTest(
  "conn.sendMany() of a connected socket with one slot waits for room in between",
  async (open, { system }) => {
    const [sender, receiver] = [open({ sends: 1 }), open()];
    await sender.connect(receiver.addr);
    let calls = 0;
    // Every third datagram finds no room at first.
    system.instead.sendmsg = (call, ...values) =>
      ++calls % 3 === 0 ? fail(EAGAIN) : call(...values);
    const all = Array.from({ length: 40 }, (_, i) => {
      const { data } = datagram(i, 100, receiver.addr);
      return { data };
    });
    const sending = sender.sendMany(all);
    assertEquals(await within(sending), 40);
    assertEquals(await receiveAll(receiver, 40), all.map(({ data }) => data));
  },
);

uncutTest(
  "conn.send() tells what a datagram of its segments ran into",
  async (open, { system }) => {
    const [sender, receiver] = [open(), open()];
    let calls = 0;
    system.instead.sendmsg = (call, ...values) =>
      ++calls === 2 ? fail(EPERM) : call(...values);
    await assertRejects(
      () =>
        within(
          sender.send(new Uint8Array(300), receiver.addr, { segmentSize: 100 }),
        ),
      Deno.errors.PermissionDenied,
      "(os error 1)",
    );
    assertEquals((await receiveAll(receiver, 1))[0]!.length, 100);
    assertEquals(
      await within(sender.send(new Uint8Array(4), receiver.addr)),
      4,
    );
    assertEquals((await receiveAll(receiver, 1))[0]!.length, 4);
  },
);

uncutTest(
  "closing the socket in the middle of a send that is cut loses no request",
  async (open, { system }) => {
    const [sender, receiver] = [open(), open()];
    system.instead.sendmsg = () => fail(EAGAIN);
    const { addr } = receiver;
    const sent = sender.send(new Uint8Array(300), addr, { segmentSize: 100 });
    const rejected = assertRejects(() => within(sent), Deno.errors.Interrupted);
    // The request is with the kernel when the microtasks have run.
    await Promise.resolve().then(() => {}).then(() => {}).then(() => {});
    sender.close();
    await rejected;
  },
);
