/**
 * Files of which mutants are made by rule, and the tests that have to notice
 * them.
 *
 * @module
 */

/** Tests that have to notice a mutant. */
export interface Subject {
  /** Run first: those that notice most, in the least time. */
  readonly quick: readonly string[];
  /** Run for what is left. */
  readonly rest: readonly string[];
}

const tests = (folder: string, names: string): string[] =>
  names.split(" ").map((name) => `tests/${folder}/${name}_test.ts`);

/** Tests of what a session owns. */
const SESSION: Subject = {
  quick: [
    ...tests("session", "using closing buffer capacity closed notify"),
    ...tests("session", "stats teardown"),
    "tests/time/",
  ],
  rest: [
    ...tests("session", "lifetime held dequeue shared_wait abandoned"),
    ...tests("session", "paused tcp udp bad_requests bad_arguments"),
    ...tests("session", "options faults doors"),
    ...tests("net", "late_ends late_queues tcp_exhausted unreferenced"),
    ...tests("faults", "winsock_regressions linux_regressions"),
    "tests/exhaustive/",
    "tests/model/",
  ],
};

/** Tests of the wait of a session. */
const WAITER: Subject = {
  ...SESSION,
  quick: [
    ...tests("unit", "waiter"),
    ...tests("session", "notify shared_wait paused closing"),
  ],
};

/** Tests of Winsock over a fake Windows. */
const WINSOCK: Subject = {
  quick: [
    ...tests("winsock", "waits errors call connections leftovers"),
    ...tests("contract", "winsock fake"),
    "tests/time/",
  ],
  rest: [
    ...tests("winsock", "operations shared table giving_up"),
    ...tests("session", "notify teardown shared_wait abandoned tcp paused"),
    ...tests("faults", "winsock_regressions winsock"),
    ...tests("net", "late_ends tcp_exhausted tcp_regressions"),
  ],
};

/** Tests of the Linux backend. */
const LINUX: Subject = {
  quick: tests("linux", "backend waits ways rings uring_ring uring"),
  rest: [
    ...tests("linux", "sleep memory fairness sockets corners direct reports"),
    ...tests("contract", "linux"),
    ...tests("session", "notify teardown udp tcp closing dequeue"),
    ...tests("net", "datagram tcp tcp_close tcp_streams late_ends"),
    ...tests("faults", "linux_regressions"),
    "tests/exhaustive/",
    "tests/model/",
  ],
};

const of = (folder: string, names: string, subject: Subject) =>
  names.split(" ").map((name) =>
    [`ffi/${folder}/${name}.ts`, subject] as const
  );

/** Each file, and its tests. */
export const subjects: Readonly<Record<string, Subject>> = Object.fromEntries([
  ...of("session", "teardown ledger late_drain buffer source", SESSION),
  ...of("session", "waiter", WAITER),
  ...of("session", "queue requests request_queue post", SESSION),
  ...of("session", "core session listener", SESSION),
  ...of("winsock", "rings waits settling connections", WINSOCK),
  ...of("linux", "ring rings request_queue completion_queue", LINUX),
  ...of("linux", "result_queue receives sends epoll reactor", LINUX),
  ...of("linux", "poll aio pool_thread", LINUX),
  ...of("linux/uring", "ring uring slots stream buffers", LINUX),
]);
