import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ERROR_NAMES } from "../../ffi/error_names.ts";
import {
  check,
  checkHandle,
  errorName,
  RioBufferInUseError,
  RioClosedError,
  RioError,
} from "../../ffi/errors.ts";
import { toDenoError } from "../../ffi/net/errors.ts";

describe("RioError", () => {
  it("carries code, errno and syscall", () => {
    const error = new RioError({
      errno: 10055,
      syscall: "RIORegisterBuffer",
      attempt: "register 4096 bytes",
    });
    assert(error instanceof Error);
    assertEquals(
      [error.name, error.code, error.errno, error.syscall],
      ["RioError", "WSAENOBUFS", 10055, "RIORegisterBuffer"],
    );
  });

  it("says what failed, with which values, and what to do", () => {
    const { message } = new RioError({
      errno: 10055,
      syscall: "RIORegisterBuffer",
      attempt: "register 4096 bytes",
    });
    assertEquals(
      message,
      "Cannot register 4096 bytes: RIORegisterBuffer failed with WSAENOBUFS (10055), a queue is full: dequeue completions, or give the queue more room",
    );
  });

  it("messages end without a full stop and hold no contraction", () => {
    for (const errno of [...ERROR_NAMES.keys(), 4242]) {
      const { message } = new RioError({ errno, syscall: "x", attempt: "y" });
      assertMatch(
        message,
        /^Cannot y: x failed with \w+ \(\d+\)(, [^.]+[^. ])?$/,
      );
      assert(!/\w'\w/.test(message), message);
    }
  });

  it("keeps its cause", () => {
    const cause = new Error("first");
    const error = new RioError({
      errno: 5,
      syscall: "bind",
      attempt: "bind",
      cause,
    });
    assertStrictEquals(error.cause, cause);
  });
});

Deno.test("errorName() names a number that it does not know", () => {
  assertEquals(errorName(4242), "ERROR_4242");
  assertEquals(errorName(995), "WSA_OPERATION_ABORTED");
});

describe("check()", () => {
  it("passes 0", () => {
    assertEquals(check(0, "bind", "bind 127.0.0.1:0"), undefined);
  });

  it("throws RioError for every other number", () => {
    for (const errno of [1, 995, 10048, 0xFFFFFFFF]) {
      const error = assertThrows(() => check(errno, "bind", "bind"), RioError);
      assertEquals(error.errno, errno);
      assertEquals(error.syscall, "bind");
    }
  });
});

describe("checkHandle()", () => {
  it("passes handles, 0 and those above 32 bits", () => {
    for (const handle of [0, 1, 0xFFFFFFFF, 2 ** 52]) {
      assertEquals(checkHandle(handle, "WSASocketW", "open"), handle);
    }
  });

  it("throws RioError for minus an error number", () => {
    const error = assertThrows(
      () => checkHandle(-10024, "WSASocketW", "open a udp socket"),
      RioError,
      "Cannot open a udp socket: WSASocketW failed with WSAEMFILE (10024)",
    );
    assertEquals(error.code, "WSAEMFILE");
  });
});

Deno.test("RioBufferInUseError carries how many requests use the buffer", () => {
  const error = new RioBufferInUseError("Cannot deregister", 3);
  assert(error instanceof Error && !(error instanceof RioError));
  assertEquals([error.name, error.inFlight], ["RioBufferInUseError", 3]);
});

Deno.test("RioClosedError keeps its cause", () => {
  const cause = new Error("first");
  const error = new RioClosedError("Cannot send", { cause });
  assertStrictEquals(error.cause, cause);
  assertEquals([error.name, error.message], ["RioClosedError", "Cannot send"]);
});

describe("toDenoError() of a number of Winsock", () => {
  const told = (errno: number) =>
    toDenoError(new RioError({ errno, syscall: "bind", attempt: "bind" })) as
      & Error
      & { code?: string };

  it("keeps a number that nobody knows, and is no TypeError", () => {
    const { constructor, message, code } = told(10_200);
    assertEquals([constructor, code], [Error, undefined]);
    assert(message.endsWith("bind failed with ERROR_10200 (10200)"), message);
  });

  it("takes a number of Win32 as the one that sockets have", () => {
    for (
      const [win32, name] of [
        [1225, "ConnectionRefused"],
        [1231, "NetworkUnreachable"],
        [1236, "ConnectionAborted"],
        [64, "ConnectionReset"],
        [121, "TimedOut"],
        [1232, "Error"],
      ] as const
    ) assertEquals(told(win32).constructor.name, name);
  });

  it("tells each number that the package names by words of the system", () => {
    for (const number of ERROR_NAMES.keys()) {
      const { message, cause } = told(number);
      if (number === 995) continue;
      const { osErrno } = cause as RioError;
      const isTold = new RegExp(`^\\S.* \\(os error ${osErrno}\\): Cannot`);
      if (osErrno !== 0) assertMatch(message, isTold);
      else assert(message.startsWith("Cannot bind"), message);
    }
  });
});
