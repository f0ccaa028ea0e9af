import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { winsockError } from "../../ffi/linux/errno.ts";
import * as wsa from "../../ffi/error_numbers.ts";

const PAIRS: [name: string, errno: number, expected: number][] = [
  ["EPERM", 1, wsa.WSAEACCES],
  ["EINTR", 4, wsa.WSAEINTR],
  ["EBADF", 9, wsa.WSAEBADF],
  ["EAGAIN", 11, wsa.WSAEWOULDBLOCK],
  ["ENOMEM", 12, wsa.WSAENOBUFS],
  ["EACCES", 13, wsa.WSAEACCES],
  ["EFAULT", 14, wsa.WSAEFAULT],
  ["ENODEV", 19, wsa.WSAEADDRNOTAVAIL],
  ["EINVAL", 22, wsa.WSAEINVAL],
  ["ENFILE", 23, wsa.WSAEMFILE],
  ["EMFILE", 24, wsa.WSAEMFILE],
  ["EPIPE", 32, wsa.WSAECONNRESET],
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
  ["ESHUTDOWN", 108, wsa.WSAESHUTDOWN],
  ["ETOOMANYREFS", 109, wsa.WSAETOOMANYREFS],
  ["ETIMEDOUT", 110, wsa.WSAETIMEDOUT],
  ["ECONNREFUSED", 111, wsa.WSAECONNREFUSED],
  ["EHOSTUNREACH", 113, wsa.WSAEHOSTUNREACH],
  ["EALREADY", 114, wsa.WSAEALREADY],
  ["EINPROGRESS", 115, wsa.WSAEINPROGRESS],
  ["ECANCELED", 125, wsa.WSA_OPERATION_ABORTED],
];

/** Every number from 0 to 200 that does not mean `WSAEINVAL`. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [1, 10013],
  [4, 10004],
  [9, 10009],
  [11, 10035],
  [12, 10055],
  [13, 10013],
  [14, 10014],
  [19, 10049],
  [23, 10024],
  [24, 10024],
  [32, 10054],
  [36, 10063],
  [38, 10045],
  [40, 10062],
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

describe("winsockError()", () => {
  for (const [name, errno, expected] of PAIRS) {
    it(`gives ${expected} for ${name}`, () => {
      assertEquals(winsockError(errno), expected);
    });
  }

  it("gives WSAEINVAL for a number without a counterpart", () => {
    for (const errno of [2, 39, 61, 117, 133, 4095]) {
      assertEquals(winsockError(errno), wsa.WSAEINVAL);
    }
  });

  it("never gives a number that means success", () => {
    for (let errno = 1; errno < 4096; errno++) {
      assertNotEquals(winsockError(errno), 0);
    }
  });

  it("gives the same number as ever for 0 to 200", () => {
    for (let errno = 0; errno <= 200; errno++) {
      assertEquals(
        winsockError(errno),
        ANSWERS.get(errno) ?? 10022,
        `${errno}`,
      );
    }
  });
});
