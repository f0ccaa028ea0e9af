/** What epoll is asked, and whom it tells, over a kernel of the test. */
import { assertEquals } from "@std/assert";
import { forget } from "../../ffi/linux/descriptors.ts";
import { Epoll } from "../../ffi/linux/epoll.ts";
import { winsockError } from "../../ffi/linux/errno.ts";
import { EBADF, EINTR, ENOMEM } from "../../ffi/linux/errno_numbers.ts";
import type { LinuxLibrary } from "../../ffi/linux/library.ts";
import * as linux from "../../ffi/linux/numbers.ts";
import type { Source } from "../../ffi/linux/readiness.ts";
import { EVENT_WORDS, EVENTS, Scratch } from "../../ffi/linux/scratch.ts";

const { EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP } = linux;
const [ADD, MOD, DEL] = [
  linux.EPOLL_CTL_ADD,
  linux.EPOLL_CTL_MOD,
  linux.EPOLL_CTL_DEL,
];
/** The word of an event that has the descriptor. */
const FD = Deno.build.arch === "x86_64" ? 1 : 2;
/** Numbers that no descriptor of this process has. */
const FIRST = 100_001;

/** A source that notes what it is told. */
class Noted implements Source {
  interest = 0;
  wantsWritable = false;
  readonly told: string[] = [];
  constructor(readonly fd: number) {}
  readable(ended: boolean): void {
    this.told.push(ended ? "ended" : "readable");
  }
  writable(): void {
    this.told.push("writable");
  }
}

type Told = [events: number, fd: number];

function made() {
  const scratch = new Scratch();
  const errno = new Int32Array([EBADF]);
  const asked: [how: number, fd: number][] = [];
  /** What the next calls of epoll_wait give: events, or an error. */
  const next: (Told[] | number)[] = [];
  const most: number[] = [];
  /** The events that were asked for. */
  const wanted: number[] = [];
  const kernel = { opened: FIRST, refuses: 0 };
  const symbols = {
    epoll_create1: () => kernel.opened++,
    epoll_ctl(_epoll: number, how: number, fd: number, address: bigint) {
      asked.push([how, fd]);
      if (how !== DEL) {
        assertEquals(address, scratch.eventsAddress);
        assertEquals(scratch.events[FD], fd);
        wanted.push(scratch.events[0]!);
      }
      errno[0] = kernel.refuses;
      return kernel.refuses === 0 ? 0 : -1;
    },
    epoll_wait(_epoll: number, address: bigint, room: number) {
      // What is asked with has room of its own before.
      const first = scratch.eventsAddress + BigInt(4 * EVENT_WORDS);
      assertEquals(address, first);
      most.push(room);
      const given = next.shift() ?? [];
      if (typeof given === "number") {
        errno[0] = given;
        return -1;
      }
      for (const [i, [events, fd]] of given.entries()) {
        scratch.events[(i + 1) * EVENT_WORDS] = events;
        scratch.events[(i + 1) * EVENT_WORDS + FD] = fd;
      }
      return given.length;
    },
  };
  const epoll = new Epoll(
    { symbols, errno } as unknown as LinuxLibrary,
    scratch,
  );
  const end = () => void forget(epoll.fd);
  return { epoll, asked, wanted, next, most, kernel, end };
}

Deno.test("Epoll.watch() asks once for what a source wants, or as often as it is told", () => {
  const { epoll, asked, wanted, next, end } = made();
  const source = new Noted(5);
  assertEquals([epoll.watch(source), epoll.watch(source)], [0, 0]);
  assertEquals(asked, [[ADD, 5]]);
  epoll.watch(source, true);
  source.wantsWritable = true;
  epoll.watch(source);
  epoll.watch(source);
  assertEquals(asked, [[ADD, 5], [MOD, 5], [MOD, 5]]);
  const arrivals = (EPOLLIN | EPOLLRDHUP | linux.EPOLLET) >>> 0;
  assertEquals(wanted, [arrivals, arrivals, (arrivals | EPOLLOUT) >>> 0]);
  epoll.unwatch(source);
  epoll.unwatch(source);
  assertEquals(asked.slice(3), [[DEL, 5]]);
  assertEquals(source.interest, 0);
  next.push([[EPOLLIN, 5]]);
  assertEquals([epoll.collect(), source.told], [0, []]);
  end();
});

Deno.test("Epoll.watch() asks again after the system refused", () => {
  const { epoll, asked, kernel, end } = made();
  const source = new Noted(5);
  kernel.refuses = ENOMEM;
  assertEquals(epoll.watch(source), winsockError(ENOMEM));
  assertEquals(source.interest, 0);
  kernel.refuses = 0;
  assertEquals(epoll.watch(source), 0);
  assertEquals(asked, [[ADD, 5], [ADD, 5]]);
  end();
});

Deno.test("Epoll.collect() tells each source what has come", () => {
  const events: [number, string[]][] = [
    [EPOLLIN, ["readable"]],
    [EPOLLOUT, ["writable"]],
    [EPOLLIN | EPOLLOUT, ["writable", "readable"]],
    [EPOLLIN | EPOLLRDHUP, ["ended"]],
    [EPOLLERR, ["writable", "ended"]],
    [EPOLLHUP, ["writable", "ended"]],
    [0, []],
  ];
  const { epoll, next, end } = made();
  const sources = events.map((_, i) => new Noted(i + 3));
  for (const source of sources) epoll.watch(source);
  next.push(events.map(([events], i) => [events, i + 3]));
  assertEquals(epoll.collect(), events.length);
  assertEquals(
    sources.map(({ told }) => told),
    events.map(([, told]) => told),
  );
  assertEquals(epoll.collects, 1);
  end();
});

Deno.test("Epoll.collect() tells no source that was forgotten, and the one that has its number now", () => {
  const { epoll, next, end } = made();
  const [old, other] = [new Noted(5), new Noted(6)];
  epoll.watch(old);
  epoll.watch(other);
  epoll.forget(old);
  next.push([[EPOLLIN, 5], [EPOLLIN, 6]]);
  assertEquals(epoll.collect(), 1);
  assertEquals([old.told, other.told], [[], ["readable"]]);
  const young = new Noted(5);
  epoll.watch(young);
  epoll.forget(old);
  next.push([[EPOLLIN, 5]]);
  assertEquals(epoll.collect(), 1);
  assertEquals([old.told, young.told], [[], ["readable"]]);
  end();
});

Deno.test("Epoll.collect() asks again while there may be more, and for no more than wanted", () => {
  const { epoll, next, most, end } = made();
  const source = new Noted(5);
  epoll.watch(source);
  const all = new Array<Told>(EVENTS).fill([EPOLLIN, 5]);
  next.push(all, [[EPOLLIN, 5]]);
  assertEquals(epoll.collect(), EVENTS + 1);
  next.push(all);
  assertEquals(epoll.collect(EVENTS), EVENTS);
  next.push([[EPOLLIN, 5], [EPOLLIN, 5]]);
  assertEquals(epoll.collect(2), 2);
  assertEquals(most, [EVENTS, EVENTS, EVENTS, 2]);
  assertEquals(epoll.collects, 3);
  end();
});

Deno.test("Epoll.collect() opens another instance for one that somebody closed, not for a signal", () => {
  const { epoll, next, asked, end } = made();
  const [watched, left] = [new Noted(5), new Noted(6)];
  epoll.watch(watched);
  epoll.watch(left);
  epoll.unwatch(left);
  const before = epoll.fd;
  assertEquals([epoll.collect(), epoll.fd], [0, before]);
  next.push(EINTR);
  assertEquals([epoll.collect(), epoll.fd], [0, before]);
  asked.length = 0;
  next.push(EBADF);
  assertEquals([epoll.collect(), epoll.fd], [0, before + 1]);
  // It is somebody else's now.
  assertEquals(forget(before), false);
  assertEquals(asked, [[ADD, 5]]);
  next.push([[EPOLLIN, 5]]);
  assertEquals(epoll.collect(), 1);
  end();
});
