import { assertEquals, assertNotEquals } from "@std/assert";
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

for (const [name, errno, expected] of PAIRS) {
  Deno.test(`winsockError() gives ${expected} for ${name}`, () => {
    assertEquals(winsockError(errno), expected);
  });
}

Deno.test("winsockError() gives WSAEINVAL for a number without a counterpart", () => {
  for (const errno of [2, 39, 61, 117, 133, 4095]) {
    assertEquals(winsockError(errno), wsa.WSAEINVAL);
  }
});

Deno.test("winsockError() never gives a number that means success", () => {
  for (let errno = 1; errno < 4096; errno++) {
    assertNotEquals(winsockError(errno), 0);
  }
});
