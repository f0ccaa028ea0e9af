/** Contexts of Linux AIO, over a kernel of the test. */
import {
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import type { AioPoll } from "../../ffi/linux/aio.ts";
import type { LinuxLibrary } from "../../ffi/linux/library.ts";
import { allocate } from "../../ffi/memory.ts";

const MAGIC = 0xa10a10a1 | 0;
/** Words of what the kernel shares of a context. */
const RING = { head: 2, tail: 3, magic: 4 } as const;
const [EPERM, EINVAL] = [1, 22];

let modules = 0;

/** The class of a module that has opened nothing yet, and what it asks for. */
async function fresh(magic: number) {
  const url = new URL(`../../ffi/linux/aio.ts?${++modules}`, import.meta.url);
  const { AioPoll: Class } = await import(url.href) as {
    AioPoll: typeof AioPoll;
  };
  const calls = { setup: 0, submit: 0, cancel: 0 };
  const answers = { setup: 0, submit: 1, cancel: 0 };
  const rings: Int32Array[] = [];
  const errno = new Int32Array([EPERM]);
  const symbols = {
    io_setup(_call: number, _events: number, answer: bigint) {
      calls.setup++;
      const { bytes, address } = allocate(64);
      const ring = new Int32Array(bytes.buffer as ArrayBuffer, 0, 16);
      ring[RING.magic] = magic;
      rings.push(ring);
      const at = Deno.UnsafePointer.create(answer)!;
      const context = Deno.UnsafePointerView.getArrayBuffer(at, 8);
      new BigUint64Array(context)[0] = address;
      return answers.setup;
    },
    io_submit() {
      calls.submit++;
      return answers.submit;
    },
    io_cancel() {
      calls.cancel++;
      return answers.cancel;
    },
  };
  const library = { symbols, errno } as unknown as LinuxLibrary;
  return { open: () => Class.open(library), calls, answers, rings, library };
}

Deno.test("AioPoll.open() takes no context that is not as it is known, and asks for no other", async () => {
  const { open, calls } = await fresh(MAGIC + 1);
  assertEquals([open(), open()], [null, null]);
  assertEquals(calls.setup, 1);
});

Deno.test("AioPoll.open() asks again where the system had no context to give", async () => {
  const { open, calls, answers } = await fresh(MAGIC);
  answers.setup = -1;
  assertEquals([open(), open()], [null, null]);
  answers.setup = 0;
  assertNotStrictEquals(open(), null);
  assertEquals(calls.setup, 3);
});

Deno.test("AioPoll.arm() submits one poll at a time", async () => {
  const { open, calls, answers, rings, library } = await fresh(MAGIC);
  const poll = open()!;
  answers.submit = 0;
  assertEquals(poll.arm(library, 5, 6), false);
  assertEquals(poll.goesOn, false);
  answers.submit = 1;
  assertEquals(poll.arm(library, 5, 6), true);
  assertEquals(poll.goesOn, true);
  assertEquals(poll.arm(library, 5, 6), true);
  assertEquals(calls.submit, 2);
  // It has ended: the ring has one answer more.
  rings[0]![RING.tail] = 1;
  assertEquals(poll.goesOn, false);
  assertEquals(rings[0]![RING.head], 0);
  assertEquals(poll.arm(library, 5, 6), true);
  assertEquals(rings[0]![RING.head], 1);
  assertEquals(calls.submit, 3);
});

Deno.test("AioPoll.close() lets somebody else have a context that polls nothing", async () => {
  const { open, calls, answers, library } = await fresh(MAGIC);
  const poll = open()!;
  poll.close(library);
  assertEquals(calls.cancel, 0);
  assertStrictEquals(open(), poll);
  // What was cancelled, and what cannot be because it has ended.
  for (const [answer, errno] of [[0, EPERM], [-1, EINVAL]] as const) {
    assertEquals(poll.arm(library, 5, 6), true);
    answers.cancel = answer;
    library.errno[0] = errno;
    poll.close(library);
    assertStrictEquals(open(), poll);
  }
  assertEquals([calls.submit, calls.cancel], [2, 2]);
  assertEquals(poll.arm(library, 5, 6), true);
  library.errno[0] = EPERM;
  poll.close(library);
  assertNotStrictEquals(open(), poll);
  assertEquals(calls.setup, 2);
});
