/** Sends that are cut into datagrams without the kernel. */
import { assertEquals } from "@std/assert";
import { IPPROTO_IP, IPPROTO_UDP } from "../../ffi/constants.ts";
import { ControlReader, ControlWriter } from "../../ffi/control_messages.ts";
import type { LinuxLibrary } from "../../ffi/linux/library.ts";
import type { Messages } from "../../ffi/linux/messages.ts";
import { MSGHDR } from "../../ffi/linux/msghdr.ts";
import { UDP_SEGMENT } from "../../ffi/linux/numbers.ts";
import { Request } from "../../ffi/linux/request.ts";
import { isCut, sendApart } from "../../ffi/linux/segments.ts";

const SLOT = 3;
const START = 16;
const EAGAIN = 11;
/** A message of another kind. */
const OTHER = [IPPROTO_IP, 1] as const;

/** A send with control messages: a kind and 16 bits each. */
function made(length: number, controls: [level: number, type: number][]) {
  const view = new DataView(new ArrayBuffer(256));
  const writer = new ControlWriter().begin(view, START, 256);
  for (const [level, type] of controls) {
    writer.add(level, type, 2);
    writer.setUint16(0, level === IPPROTO_UDP ? 4 : 77);
  }
  const send = { at: 0, length, control: writer.length };
  const sent: [at: number, length: number, controls: number[]][] = [];
  const kinds = () => {
    const reader = new ControlReader().begin(
      view,
      START,
      START + send.control,
    );
    const types: number[] = [];
    while (reader.next()) types.push(reader.type);
    return types;
  };
  const messages = {
    field: (_slot: number, word: number) =>
      word === MSGHDR.controlLength ? send.control : 0,
    setField: (_slot: number, _word: number, value: number) =>
      send.control = value,
    controls: () => ({ view, start: START, end: START + send.control }),
    dataLength: () => send.length,
    setDataLength: (_slot: number, bytes: number) => send.length = bytes,
    advance: (_slot: number, bytes: number) => send.at += bytes,
    headerAddress: () => 0n,
  } as unknown as Messages;
  /** How many calls get through. */
  const kernel = { room: Infinity };
  const library = {
    errno: new Int32Array([EAGAIN]),
    symbols: {
      sendmsg() {
        if (kernel.room-- <= 0) return -1;
        sent.push([send.at, send.length, kinds()]);
        return send.length;
      },
    },
  } as unknown as LinuxLibrary;
  const request = new Request();
  const go = () => sendApart(request, messages, { slot: SLOT, fd: 9, library });
  return { messages, kernel, request, sent, go };
}

Deno.test("isCut() is true of a send that says a segment size, among other messages", () => {
  const cut = (...controls: [number, number][]) =>
    isCut(made(10, controls).messages, SLOT);
  assertEquals(cut(), false);
  assertEquals(cut([...OTHER]), false);
  assertEquals(cut([...OTHER], [IPPROTO_UDP, UDP_SEGMENT]), true);
});

Deno.test("sendApart() sends each datagram with the other messages", () => {
  const { sent, request, go } = made(10, [
    [IPPROTO_UDP, UDP_SEGMENT],
    [...OTHER],
  ]);
  assertEquals(go(), 0);
  assertEquals(sent, [[0, 4, [1]], [4, 4, [1]], [8, 2, [1]]]);
  assertEquals([request.progress, request.left], [10, 0]);
});

Deno.test("sendApart() finds the size behind other messages, and keeps those", () => {
  const { sent, go } = made(5, [[...OTHER], [IPPROTO_UDP, UDP_SEGMENT]]);
  assertEquals(go(), 0);
  assertEquals(sent, [[0, 4, [1]], [4, 1, [1]]]);
});

Deno.test("sendApart() goes on with what is left after an error", () => {
  const { sent, kernel, request, go } = made(10, [[IPPROTO_UDP, UDP_SEGMENT]]);
  kernel.room = 1;
  assertEquals(go(), -EAGAIN);
  assertEquals([request.progress, request.left], [4, 6]);
  kernel.room = Infinity;
  assertEquals(go(), 0);
  assertEquals(sent, [[0, 4, []], [4, 4, []], [8, 2, []]]);
});

Deno.test("sendApart() sends one datagram where nothing or no size is given", () => {
  const empty = made(0, [[IPPROTO_UDP, UDP_SEGMENT]]);
  assertEquals(empty.go(), 0);
  assertEquals(empty.sent, [[0, 0, []]]);
  const whole = made(10, [[...OTHER]]);
  assertEquals(whole.go(), 0);
  assertEquals(whole.sent, [[0, 10, [1]]]);
});
