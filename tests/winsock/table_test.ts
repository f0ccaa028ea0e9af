/** How the table of RIO functions is resolved, and what is refused. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { RIO_FUNCTIONS, SOCK_DGRAM } from "../../ffi/constants.ts";
import { RioError } from "../../ffi/errors.ts";
import {
  createWinsockBackend,
  findRioFunctions,
} from "../../ffi/winsock/open.ts";
import { resolveRioTable } from "../../ffi/winsock/table.ts";
import {
  createFakeWindows,
  type FakeOptions,
  type FakeWindows,
} from "../fake/mod.ts";
import { Rig } from "./open.ts";

/** Opens a backend that must be refused, and returns why. */
function refusal(table: FakeOptions["table"] & object): Error {
  using fake = createFakeWindows({ table });
  const error = assertThrows(
    () => createWinsockBackend(fake.symbols),
    Deno.errors.NotSupported,
  );
  assertEquals(fake.leftovers(), {});
  assertEquals(fake.violations, []);
  return error;
}

/** The names that are found in a table, over a fake that keeps nothing. */
function found(
  table: FakeOptions["table"] & object,
  prepare: (fake: FakeWindows) => void = () => {},
): string[] {
  using fake = createFakeWindows({ table });
  prepare(fake);
  const functions = findRioFunctions(fake.symbols);
  assertEquals(Object.keys(functions), [...RIO_FUNCTIONS]);
  assertEquals(fake.leftovers(), {});
  return RIO_FUNCTIONS.filter((name) => functions[name]);
}

Deno.test("resolveRioTable() gives 13 different addresses", () => {
  using rig = new Rig();
  const socket = rig.backend.sockets.open(2, SOCK_DGRAM, 17);
  const table = resolveRioTable(socket, rig.fake.symbols);
  assertEquals(Object.keys(table), [...RIO_FUNCTIONS]);
  assertEquals(new Set(Object.values(table)).size, 13);
  rig.backend.sockets.close(socket);
});

Deno.test("resolveRioTable() refuses a socket that is not open", () => {
  using rig = new Rig();
  const error = assertThrows(
    () => resolveRioTable(12, rig.fake.symbols),
    Deno.errors.NotSupported,
    "WSAENOTSOCK",
  );
  assertEquals((error.cause as RioError).errno, 10038);
});

Deno.test("createWinsockBackend() explains a provider without Registered I/O", () => {
  const error = refusal({ errno: 10045 });
  assertStringIncludes(error.message, "Windows 10, version 1709");
  assertEquals((error.cause as RioError).errno, 10045);
  assertEquals((error.cause as RioError).syscall, "WSAIoctl");
});

Deno.test("createWinsockBackend() passes on why the table could not be resolved", () => {
  assertStringIncludes(refusal({ errno: 10050 }).message, "WSAENETDOWN");
});

Deno.test("createWinsockBackend() refuses a table that states another size", () => {
  assertStringIncludes(refusal({ cbSize: 104 }).message, "104 bytes");
});

Deno.test("createWinsockBackend() refuses a table that was not wholly written", () => {
  assertStringIncludes(refusal({ byteCount: 56 }).message, "wrote 56");
});

for (const without of RIO_FUNCTIONS) {
  Deno.test(`createWinsockBackend() refuses a table without ${without}`, () => {
    assertStringIncludes(refusal({ without }).message, `no ${without}`);
  });
}

Deno.test("createWinsockBackend() throws a RioError when Winsock does not start", () => {
  using fake = createFakeWindows();
  fake.fail("WSAStartup", 10091);
  const error = assertThrows(
    () => createWinsockBackend(fake.symbols),
    RioError,
    "WSASYSNOTREADY",
  );
  assertEquals(error.syscall, "WSAStartup");
  assertEquals(fake.leftovers(), {});
});

Deno.test("createWinsockBackend() asks an IPv6 socket when there is no IPv4", () => {
  using fake = createFakeWindows();
  fake.fail("WSASocketW", 10047);
  createWinsockBackend(fake.symbols).close(false);
  assertEquals(fake.counts.WSASocketW, 2);
  assertEquals(fake.leftovers(), {});
});

Deno.test("createWinsockBackend() gives up Winsock when no socket opens", () => {
  using fake = createFakeWindows();
  fake.fail("WSASocketW", 10055);
  assertThrows(
    () => createWinsockBackend(fake.symbols),
    RioError,
    "WSAENOBUFS",
  );
  assertEquals(fake.leftovers(), {});
});

Deno.test("findRioFunctions() finds all 13 in a whole table, and gives Winsock up", () => {
  assertEquals(found({}), [...RIO_FUNCTIONS]);
});

for (const without of RIO_FUNCTIONS) {
  Deno.test(`findRioFunctions() misses exactly ${without} in a table without it`, () => {
    const others = RIO_FUNCTIONS.filter((name) => name !== without);
    assertEquals(found({ without }), others);
  });
}

Deno.test("findRioFunctions() finds none where the table is refused", () => {
  assertEquals(found({ errno: 10045 }), []);
  assertEquals(found({ cbSize: 104 }), []);
  assertEquals(found({ byteCount: 56 }), []);
});

Deno.test("findRioFunctions() finds none where Winsock does not start or opens no socket", () => {
  for (const name of ["WSAStartup", "WSASocketW"]) {
    assertEquals(found({}, (fake) => fake.fail(name, 10055)), []);
  }
});

Deno.test("open() refuses a socket whose provider has other functions", () => {
  const table: FakeOptions["table"] & object = {};
  using rig = new Rig({ table });
  const first = rig.backend.sockets.open(2, SOCK_DGRAM, 17);
  table.moved = "RIONotify";
  assertEquals(rig.backend.sockets.open(23, SOCK_DGRAM, 17), -10045);
  delete table.moved;
  table.errno = 10045;
  assertEquals(rig.backend.sockets.open(23, SOCK_DGRAM, 17), -10045);
  assertEquals(rig.fake.leftovers().sockets, 1);
  rig.backend.sockets.close(first);
});

Deno.test("open() asks for the table once per kind of socket", () => {
  using rig = new Rig();
  const asked = () => rig.fake.counts.WSAIoctl!;
  const before = asked();
  const sockets = [2, 2, 23, 23].map((family) =>
    rig.backend.sockets.open(family, SOCK_DGRAM, 17)
  );
  assertEquals(asked() - before, 2);
  for (const socket of sockets) rig.backend.sockets.close(socket);
});
