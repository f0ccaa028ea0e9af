/** Without the provider, Wine is a Windows that has no Registered I/O. */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import { listenDatagram, RioError, RioSession, rioSupport } from "../../mod.ts";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { EVERY, library, Provider } from "./provider.ts";
import { ignore } from "./setup.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (library !== undefined) {
  openLibrary();
  openLibrary({ library });
}

const NONE =
  "Registered I/O is not available: the provider of the socket has none (Windows 10, version 1709, or later is needed, and Wine has none)";

Deno.test(
  "rioSupport() tells why Wine has no Registered I/O",
  { ignore },
  () => {
    const { supported, backend, reason, functions } = rioSupport();
    assertEquals([supported, backend, reason], [false, "winsock", NONE]);
    assertEquals(Object.values(functions), new Array(13).fill(false));
  },
);

Deno.test(
  "RioSession.open() throws NotSupported under Wine, with the number that Wine gave",
  { ignore },
  () => {
    const error = assertThrows(() => RioSession.open());
    assertInstanceOf(error, Deno.errors.NotSupported);
    assertEquals(error.message, NONE);
    assertInstanceOf(error.cause, RioError);
    const { code, errno, syscall } = error.cause;
    assertEquals([code, errno, syscall], ["WSAEOPNOTSUPP", 10045, "WSAIoctl"]);
  },
);

Deno.test("listenDatagram() throws NotSupported under Wine", { ignore }, () => {
  assertThrows(
    () => listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" }),
    Deno.errors.NotSupported,
    NONE,
  );
});

for (
  const [call, message] of [
    ["WSAStartup", "WSAStartup failed with WSASYSNOTREADY (10091)"],
    ["WSASocketW", "WSASocketW failed with WSASYSNOTREADY (10091)"],
    ["WSAIoctl", "WSAIoctl failed with WSASYSNOTREADY (10091)"],
    ["RIOCreateCompletionQueue", "is present but does not work here"],
    ["RIOCreateRequestQueue", "is present but does not work here"],
  ] as const
) {
  Deno.test(`rioSupport() tells that ${call} fails, and leaves nothing`, {
    ignore,
  }, () => {
    using provider = new Provider(library!);
    provider.fail(call, EVERY, 10091);
    const { supported, reason } = rioSupport({ library: library! });
    assertEquals(supported, false);
    assert(reason?.includes(message), reason);
    const { completed: _, notified: __, ...open } = provider.counters();
    assertEquals(Object.values(open).filter((count) => count > 0), []);
    assertEquals(provider.violations(), []);
  });
}
