/**
 * A fake Windows: the native functions that the Winsock backend calls, with
 * Registered I/O, simulated in memory.
 *
 * The backend's own code runs on it unchanged. Every request completes late,
 * through the address that was registered; misuse is recorded, and any call can
 * be made to fail.
 *
 * @module
 */
import { INVALID_SOCKET, WINSOCK_VERSION } from "../../ffi/constants.ts";
import {
  WSANOTINITIALISED,
  WSAVERNOTSUPPORTED,
} from "../../ffi/error_numbers.ts";
import type { WinsockSymbols } from "../../ffi/winsock/library.ts";
import { Clock } from "./clock.ts";
import { makeBodies, setConditionMask } from "./functions.ts";
import { Handles } from "./handles.ts";
import { control, type TableFaults } from "./ioctl.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { type PointerName, Pointers } from "./pointers.ts";
import { Rio, type RioOptions } from "./rio.ts";
import { type Fault, Script } from "./script.ts";
import { Sockets } from "./sockets.ts";

/** How a fake system behaves. */
export interface FakeOptions {
  /**
   * Every how many polls of a completion queue a round passes.
   *
   * @default {2}
   */
  lateBy?: number;
  /** How much of what is due happens in one round; by default all. */
  portion?: (due: number) => number;
  /**
   * Whether there is a `DispCallFunc`.
   *
   * @default {true}
   */
  dispatch?: boolean;
  /** What is wrong with the table of RIO functions. */
  table?: TableFaults;
}

/** A fake Windows and what a test can do with it. */
export interface FakeWindows {
  /** What the Winsock backend is opened on. */
  readonly symbols: WinsockSymbols;
  /** How often each native function was called. */
  readonly counts: Readonly<Record<string, number>>;
  /** Misuse so far, one sentence each. */
  readonly violations: readonly string[];
  /** What is open now: names and numbers of what is not 0. */
  leftovers(): Record<string, number>;
  /** Returns the violations so far and forgets them. */
  takeViolations(): string[];
  /** Fails a call of a function, by default the next one. */
  fail(name: string, errno: number, fault?: Fault): void;
  /** Whether a scripted failure was not met yet. */
  readonly failing: boolean;
  /** Damages every completion queue that is open. */
  corrupt(): void;
  /** Completes no request until {@linkcode FakeWindows.resume}. */
  hold(): void;
  /** Completes what was held back. */
  resume(): void;
  /** Answers nobody who connects to a port, until {@linkcode FakeWindows.answer}. */
  ignore(port: number): void;
  /** Answers those who connect to a port. */
  answer(port: number): void;
  /** Lets rounds pass. */
  pump(rounds?: number): void;
  /** How many waits go on. */
  readonly waiting: number;
  /** Frees the native function pointers. */
  [Symbol.dispose](): void;
}

/**
 * Makes a fake Windows.
 *
 * @param options How it behaves.
 */
export function createFakeWindows(options: FakeOptions = {}): FakeWindows {
  const { lateBy = 2, dispatch = true, table = {} } = options;
  const clock = new Clock(lateBy, options.portion ?? ((due) => due));
  const oracle = new Oracle();
  const script = new Script();
  const network = new Network();
  const fail = (errno: number) => {
    script.lastError = errno;
  };
  const handles = new Handles({ clock, oracle, fail });
  const sockets = new Sockets({
    clock,
    oracle,
    network,
    handles,
    rio: () => rio,
    fail,
  });
  const rioOptions: RioOptions = {
    clock,
    oracle,
    network,
    handles,
    fail,
    socket: (handle) => {
      const socket = sockets.open.get(handle);
      if (!socket) return undefined;
      return socket.flagged ? socket.net : null;
    },
  };
  const rio = new Rio(rioOptions);
  const pointers = new Pointers(
    makeBodies(script, sockets, rio, rioOptions),
    oracle,
  );
  const ioctlOptions = { sockets, pointers, table, fail };
  let startups = 0;

  function leftovers(): Record<string, number> {
    const all = {
      buffers: count(rio.registrations.values(), (buffer) => buffer.open),
      completionQueues: count(
        rio.completionQueues.all.values(),
        (queue) => !queue.closed,
      ),
      sockets: sockets.open.size,
      handles: handles.size,
      startups,
    };
    return Object.fromEntries(
      Object.entries(all).filter(([, number]) => number > 0),
    );
  }

  const run = script.run.bind(script);
  const failed = () => -1;
  const symbols: WinsockSymbols = {
    WSAStartup: (version) =>
      run("WSAStartup", (errno) => errno, () => {
        if (version !== WINSOCK_VERSION) return WSAVERNOTSUPPORTED;
        startups++;
        return 0;
      }),
    WSACleanup: () =>
      run("WSACleanup", failed, () => {
        if (!oracle.expect(startups > 0, "WSACleanup: not started")) {
          fail(WSANOTINITIALISED);
          return -1;
        }
        if (--startups === 0) {
          for (const [what, number] of Object.entries(leftovers())) {
            oracle.record(`WSACleanup: ${number} ${what} are left`);
          }
        }
        return 0;
      }),
    WSAGetLastError: () => script.lastError,
    WSASocketW: (family, type, _protocol, _info, _group, flags) =>
      run("WSASocketW", () => INVALID_SOCKET, () => {
        if (startups === 0) fail(WSANOTINITIALISED);
        return startups > 0 && sockets.create(family, type, flags) ||
          INVALID_SOCKET;
      }),
    closesocket: (socket) =>
      run("closesocket", failed, () => sockets.close(socket)),
    bind: (socket, name, length) =>
      run(
        "bind",
        failed,
        () => sockets.bind(socket, bytes(name).subarray(0, length)),
      ),
    connect: (socket, name, length) =>
      run(
        "connect",
        failed,
        () => sockets.connect(socket, bytes(name).subarray(0, length)),
      ),
    listen: (socket, backlog) =>
      run("listen", failed, () => sockets.listen(socket, backlog)),
    shutdown: (socket, how) =>
      run("shutdown", failed, () => sockets.shutdown(socket, how)),
    getsockname: (socket, name, length) =>
      run(
        "getsockname",
        failed,
        () => sockets.name(socket, "local", bytes(name), length as Int32Array),
      ),
    getpeername: (socket, name, length) =>
      run(
        "getpeername",
        failed,
        () => sockets.name(socket, "remote", bytes(name), length as Int32Array),
      ),
    setsockopt: (socket, level, name, value, length) =>
      run("setsockopt", failed, () =>
        sockets.setOption(
          socket,
          level,
          name,
          bytes(value).subarray(0, length),
        )),
    getsockopt: (socket, level, name, value, length) =>
      run("getsockopt", failed, () =>
        sockets.getOption(
          socket,
          level,
          name,
          bytes(value),
          length as Int32Array,
        )),
    WSAIoctl: (socket, code, input, inputSize, output, outputSize, returned) =>
      run("WSAIoctl", failed, () =>
        control(ioctlOptions, {
          handle: socket,
          code,
          input: bytes(input).subarray(0, inputSize),
          output: bytes(output).subarray(0, outputSize),
          returned: returned as Uint32Array,
        })),
    WSAGetOverlappedResult: (socket, overlapped) =>
      run(
        "WSAGetOverlappedResult",
        () => 0,
        () => sockets.overlappedResult(socket, overlapped),
      ),
    GetSystemDirectoryW: (text) => {
      const path = new TextEncoder().encode("C:\\Windows\\System32");
      (text as Uint16Array).set(path);
      return path.length;
    },
    GetModuleHandleW: () => run("GetModuleHandleW", () => 0n, () => 1n),
    GetProcAddress: (_module, name) =>
      run("GetProcAddress", () => 0n, () => {
        const text = new TextDecoder().decode(bytes(name)).slice(0, -1);
        return pointers.addresses[text as PointerName] ?? 0n;
      }),
    VerSetConditionMask: (mask, type, condition) =>
      run(
        "VerSetConditionMask",
        () => 0n,
        () => setConditionMask(BigInt(mask), type, condition),
      ),
    CloseHandle: (handle) =>
      run("CloseHandle", () => 0, () => handles.close(handle)),
    CreateEventW: (_security, manual, signalled) =>
      run(
        "CreateEventW",
        () => 0n,
        () => handles.createEvent(manual !== 0, signalled !== 0),
      ),
    SetEvent: (event) =>
      run("SetEvent", () => 0, () => handles.signal(event, true)),
    ResetEvent: (event) =>
      run("ResetEvent", () => 0, () => handles.signal(event, false)),
    WaitForSingleObject: (event) =>
      run(
        "WaitForSingleObject",
        () => 0xFFFFFFFF,
        () => handles.isSignalled(event),
      ),
    WaitForMultipleObjects: (number, list, _all, milliseconds) =>
      run(
        "WaitForMultipleObjects",
        () => Promise.resolve(0xFFFFFFFF),
        () => handles.waitForAny(number, list, milliseconds),
      ),
    CreateIoCompletionPort: (file, port, key) =>
      run("CreateIoCompletionPort", () => 0n, () => {
        if (file === INVALID_SOCKET) return handles.createPort();
        return sockets.associate(file, port, key) ? port : 0n;
      }),
    CancelIoEx: (socket, overlapped) =>
      run("CancelIoEx", () => 0, () => sockets.cancel(socket, overlapped)),
    PostQueuedCompletionStatus: (port, _bytes, key, overlapped) =>
      run(
        "PostQueuedCompletionStatus",
        () => 0,
        () => handles.post(port, key, overlapped),
      ),
    GetQueuedCompletionStatusEx: (
      port,
      entries,
      number,
      removed,
      milliseconds,
    ) =>
      run(
        "GetQueuedCompletionStatusEx",
        () => Promise.resolve(0),
        () =>
          handles.waitForPackets(port, entries, number, removed, milliseconds),
      ),
    DrainQueuedCompletionStatusEx: (port, entries, number, removed) =>
      run("DrainQueuedCompletionStatusEx", () => 0, () => {
        clock.pump();
        return handles.takePackets(port, entries, number, removed);
      }),
    DispCallFunc: dispatch
      ? (...frame) =>
        run(
          "DispCallFunc",
          () => 0x80070057 | 0,
          () => pointers.dispCallFunc(...frame),
        )
      : null,
  };

  return {
    symbols,
    counts: script.counts,
    violations: oracle.violations,
    leftovers,
    takeViolations: () => oracle.violations.splice(0),
    fail: (name, errno, fault) => script.fail(name, errno, fault),
    get failing() {
      return script.armed;
    },
    corrupt: () => {
      for (const queue of rio.completionQueues.all.values()) {
        queue.corrupt = true;
      }
    },
    hold: () => rio.completionQueues.hold(),
    resume: () => rio.completionQueues.resume(),
    ignore: (port) => void sockets.quiet.set(port, []),
    answer: (port) => sockets.answer(port),
    pump: (rounds = 1) => {
      for (let i = 0; i < rounds; i++) clock.pump();
    },
    get waiting() {
      return clock.waiting;
    },
    [Symbol.dispose]: () => {
      clock.stop();
      pointers.close();
    },
  };
}

function count<T>(items: Iterable<T>, test: (item: T) => boolean): number {
  let number = 0;
  for (const item of items) if (test(item)) number++;
  return number;
}

function bytes(buffer: AllowSharedBufferSource | null): Uint8Array {
  if (buffer === null) return new Uint8Array();
  if (!ArrayBuffer.isView(buffer)) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
