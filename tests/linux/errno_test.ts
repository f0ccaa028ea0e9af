import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { errnoName, kernelError, winsockError } from "../../ffi/linux/errno.ts";
import * as linux from "../../ffi/linux/errno_numbers.ts";
import { RioError } from "../../ffi/errors.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { systemWords, winsockNumber } from "../../ffi/system_errors.ts";

const PAIRS: [name: string, errno: number, expected: number][] = [
  ["EINTR", 4, wsa.WSAEINTR],
  ["EBADF", 9, wsa.WSAEBADF],
  ["EAGAIN", 11, wsa.WSAEWOULDBLOCK],
  ["EACCES", 13, wsa.WSAEACCES],
  ["EFAULT", 14, wsa.WSAEFAULT],
  ["EINVAL", 22, wsa.WSAEINVAL],
  ["EMFILE", 24, wsa.WSAEMFILE],
  ["ENOTSOCK", 88, wsa.WSAENOTSOCK],
  ["EDESTADDRREQ", 89, wsa.WSAEDESTADDRREQ],
  ["EMSGSIZE", 90, wsa.WSAEMSGSIZE],
  ["ENOPROTOOPT", 92, wsa.WSAENOPROTOOPT],
  ["EPROTONOSUPPORT", 93, wsa.WSAEPROTONOSUPPORT],
  ["EOPNOTSUPP", 95, wsa.WSAEOPNOTSUPP],
  ["EAFNOSUPPORT", 97, wsa.WSAEAFNOSUPPORT],
  ["EADDRINUSE", 98, wsa.WSAEADDRINUSE],
  ["EADDRNOTAVAIL", 99, wsa.WSAEADDRNOTAVAIL],
  ["ENETDOWN", 100, wsa.WSAENETDOWN],
  ["ENETUNREACH", 101, wsa.WSAENETUNREACH],
  ["ECONNABORTED", 103, wsa.WSAECONNABORTED],
  ["ECONNRESET", 104, wsa.WSAECONNRESET],
  ["ENOBUFS", 105, wsa.WSAENOBUFS],
  ["EISCONN", 106, wsa.WSAEISCONN],
  ["ENOTCONN", 107, wsa.WSAENOTCONN],
  ["ETOOMANYREFS", 109, wsa.WSAETOOMANYREFS],
  ["ETIMEDOUT", 110, wsa.WSAETIMEDOUT],
  ["ECONNREFUSED", 111, wsa.WSAECONNREFUSED],
  ["EHOSTUNREACH", 113, wsa.WSAEHOSTUNREACH],
  ["EALREADY", 114, wsa.WSAEALREADY],
  ["EINPROGRESS", 115, wsa.WSAEINPROGRESS],
  ["ECANCELED", 125, wsa.WSA_OPERATION_ABORTED],
];

/** The Winsock number in the answer, where there is one, for 0 to 200. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [1, 10013],
  [4, 10004],
  [9, 10009],
  [11, 10035],
  [12, 10055],
  [13, 10013],
  [14, 10014],
  [19, 10049],
  [22, 10022],
  [23, 10024],
  [24, 10024],
  [32, 10054],
  [36, 10063],
  [38, 10045],
  [39, 10066],
  [40, 10062],
  [66, 10071],
  [71, 10054],
  [87, 10068],
  [88, 10038],
  [89, 10039],
  [90, 10040],
  [91, 10041],
  [92, 10042],
  [93, 10043],
  [94, 10044],
  [95, 10045],
  [96, 10046],
  [97, 10047],
  [98, 10048],
  [99, 10049],
  [100, 10050],
  [101, 10051],
  [102, 10052],
  [103, 10053],
  [104, 10054],
  [105, 10055],
  [106, 10056],
  [107, 10057],
  [108, 10058],
  [109, 10059],
  [110, 10060],
  [111, 10061],
  [112, 10064],
  [113, 10065],
  [114, 10037],
  [115, 10036],
  [116, 10070],
  [122, 10069],
  [125, 995],
]);

/** Numbers that Winsock has none of the same name for, with the nearest. */
const NEAREST: [name: string, errno: number, nearest: number][] = [
  ["EPERM", 1, wsa.WSAEACCES],
  ["ENOMEM", 12, wsa.WSAENOBUFS],
  ["ENODEV", 19, wsa.WSAEADDRNOTAVAIL],
  ["ENFILE", 23, wsa.WSAEMFILE],
  ["EPIPE", 32, wsa.WSAECONNRESET],
  ["ENOSYS", 38, wsa.WSAEOPNOTSUPP],
  ["EPROTO", 71, wsa.WSAECONNRESET],
  ["ESHUTDOWN", 108, wsa.WSAESHUTDOWN],
];

/** The kernel's last number, and one that it does not have. */
const LAST = 133;

describe("winsockError()", () => {
  for (const [name, errno, expected] of PAIRS) {
    it(`gives ${expected} for ${name}`, () => {
      assertEquals(winsockError(errno), expected);
    });
  }

  for (const [name, errno, nearest] of NEAREST) {
    it(`gives ${nearest} for ${name}, and tells that it is ${errno}`, () => {
      assertEquals(winsockNumber(winsockError(errno)), nearest);
      assertEquals(kernelError(winsockError(errno)), errno);
    });
  }

  it("never gives a number that means success", () => {
    for (let errno = 1; errno < 4096; errno++) {
      assertNotEquals(winsockError(errno), 0);
    }
  });

  it("gives the same Winsock number as ever for 0 to 200, or none", () => {
    for (let errno = 0; errno <= 200; errno++) {
      const expected = ANSWERS.get(errno) ?? winsockError(errno);
      assertEquals(winsockNumber(winsockError(errno)), expected, `${errno}`);
    }
  });

  it("gives each number of the kernel another one", () => {
    const given = new Set<number>();
    for (let errno = 1; errno <= 4095; errno++) given.add(winsockError(errno));
    assertEquals(given.size, 4095);
  });
});

describe("kernelError()", () => {
  it("gives back what winsockError() was given", () => {
    for (let errno = 1; errno <= 4095; errno++) {
      assertEquals(kernelError(winsockError(errno)), errno);
    }
  });

  it("gives 0 for what only Registered I/O has", () => {
    assertEquals(kernelError(wsa.ERROR_ABANDONED_WAIT_0), 0);
  });
});

describe("RioError of a number of the kernel", () => {
  const told = (errno: number) =>
    new RioError({ errno: winsockError(errno), syscall: "bind", attempt: "x" });

  it("has its own name and number where Winsock has none, never WSAEINVAL", () => {
    for (let errno = 1; errno <= 200; errno++) {
      if (ANSWERS.has(errno)) continue;
      const error = told(errno);
      assertEquals([error.code, error.errno], [errnoName(errno), errno]);
      assertEquals([error.osCode, error.osErrno], [errnoName(errno), errno]);
    }
  });

  it("names it beside Winsock's where that is only near", () => {
    for (const [name, errno, nearest] of NEAREST) {
      const { message, ...error } = told(errno);
      assertEquals([error.errno, error.osErrno], [nearest, errno]);
      assertEquals(error.osCode, name);
      assertMatch(message, new RegExp(` for ${name} \\(${errno}\\)$`));
    }
  });
});

Deno.test("errnoName() names every number that the kernel has", () => {
  for (const [name, errno] of Object.entries(linux)) {
    assertEquals(errnoName(errno), name);
  }
  // EWOULDBLOCK and EDEADLOCK are second names, of 11 and 35.
  const missing = Array.from({ length: LAST }, (_, i) => i + 1)
    .filter((errno) => errnoName(errno).startsWith("ERRNO_"));
  assertEquals(missing, [41, 58]);
  assertEquals(errnoName(LAST + 1), `ERRNO_${LAST + 1}`);
});

Deno.test("systemWords() gives the words of the C library", () => {
  assertEquals(systemWords(linux.ECONNREFUSED), "Connection refused");
  // The second time nobody is asked.
  assertEquals(systemWords(linux.ECONNREFUSED), "Connection refused");
  assertMatch(systemWords(linux.EIO), /^Input\/output error$|^I\/O error$/);
});
