/** The choice of a backend, on systems that this one is not. */
import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  allocate,
  openBackend,
  RIO_CORRUPT_CQ,
  type RioBackend,
  type RioBackendName,
  RioError,
  RioResults,
  WSAEOPNOTSUPP,
} from "../../ffi/mod.ts";
import { perFunction } from "../../ffi/constants.ts";
import { type Entry, openFirst } from "../../ffi/open.ts";
import { openUnsupported } from "../../ffi/unsupported.ts";
import { type RioSessionOptions, rioSupport } from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { openWith, pretend } from "./stand_ins.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const ignore = skipped("openBackend() over a broken C library", NOT_LINUX);

for (const os of ["darwin", "freebsd", "android"] as const) {
  Deno.test(`openBackend() throws NotSupported on ${os}, and opens no library`, () => {
    using _os = pretend(os);
    using libraries = openWith((path) => {
      throw new Error(path);
    });
    assertThrows(
      () => openBackend(),
      Deno.errors.NotSupported,
      `Registered I/O needs Windows 10 (version 1709) or later, or Linux: this is ${os}`,
    );
    const { supported, backend } = rioSupport();
    assertEquals([supported, backend], [false, null]);
    assertEquals(libraries.asked, []);
  });
}

for (
  const [library, shown] of [[7, "7"], ["", '""'], [null, "null"], [
    Symbol("x"),
    "Symbol(x)",
  ]] as const
) {
  Deno.test(`openBackend() throws TypeError for the library ${shown} on Windows, and opens none`, () => {
    using _os = pretend("windows");
    using libraries = openWith((path) => {
      throw new Error(path);
    });
    assertThrows(
      () => openBackend({ library } as unknown as RioSessionOptions),
      TypeError,
      `Invalid library ${shown}: give the path of a DLL`,
    );
    assertEquals(libraries.asked, []);
  });
}

Deno.test("openBackend() opens Winsock on Windows, with the library that it was given", () => {
  using fake = createFakeWindows();
  using _os = pretend("windows");
  const given: Uint8Array<ArrayBuffer>[] = [];
  const VirtualAlloc = (_address: bigint, size: bigint) => {
    const memory = new Uint8Array(Number(size));
    given.push(memory);
    return Deno.UnsafePointer.of(memory);
  };
  const symbols = { ...fake.symbols, VirtualAlloc };
  using libraries = openWith(() => ({ symbols }));
  const library = "C:\\own\\rio.dll";
  for (const options of [{}, { library }]) {
    const backend = openBackend(options);
    try {
      assertEquals(backend.name, "winsock");
      assertEquals(libraries.asked.includes(library), "library" in options);
    } finally {
      backend.close(false);
    }
  }
  assertEquals(fake.violations, []);
  assertEquals(fake.leftovers(), {});
});

Deno.test(
  "openBackend() throws NotSupported and closes all when its queues do not work",
  {
    ignore,
  },
  () => {
    let refused = true;
    using libraries = openWith((_path, real) => {
      const library = real("libc.so.6");
      const socket = library.symbols.socket as (...values: number[]) => number;
      return {
        symbols: {
          ...library.symbols,
          socket: (family: number, type: number, protocol: number) =>
            socket(refused ? -1 : family, type, protocol),
        },
        close: () => library.close(),
      };
    });
    const open = () => openBackend({ backend: "epoll" });
    const error = assertThrows(open, Deno.errors.NotSupported);
    assertStringIncludes(
      error.message,
      "Registered I/O is present but does not work here: ",
    );
    assertInstanceOf(error.cause, RioError);
    assertEquals(error.cause.syscall, "WSASocketW");
    assertEquals(libraries.open, 0);
    // It is tried again: security software can be told to let a program be.
    refused = false;
    open().close(false);
    assertEquals(libraries.open, 0);
  },
);

/** A backend of which nothing is real, except that it works. */
function openWorking(): RioBackend {
  const nothing = openUnsupported();
  const one = () => 1;
  return {
    ...nothing,
    rings: {
      ...nothing.rings,
      createCompletionQueue: one,
      createRequestQueue: one,
    },
    sockets: { ...nothing.sockets, open: one },
  };
}

/** An entry of the table; a broken one opens but refuses everything. */
function entry(name: RioBackendName, broken: boolean, opened: string[]): Entry {
  return {
    name,
    engine: name === "linux" ? "epoll" : "rio",
    os: "linux",
    open: () => {
      opened.push(name);
      return broken ? openUnsupported() : openWorking();
    },
    find: () => perFunction(() => !broken),
  };
}

Deno.test("openFirst() opens the next backend where the first does not work", () => {
  const opened: string[] = [];
  const entries = [
    entry("linux", true, opened),
    entry("winsock", false, opened),
    entry("winsock", false, opened),
  ];
  openFirst(entries).close(false);
  assertEquals(opened, ["linux", "winsock"]);
});

Deno.test("openFirst() tells of every backend when none works", () => {
  const opened: string[] = [];
  const entries = [entry("linux", true, opened), entry("linux", true, opened)];
  const error = assertThrows(
    () => openFirst(entries),
    Deno.errors.NotSupported,
    "RIOCreateCompletionQueue failed with WSAEOPNOTSUPP",
  );
  assertEquals(opened.length, 2);
  assertEquals((error.cause as unknown[]).length, 2);
});

Deno.test("openFirst() passes on what is no missing support", () => {
  const broken: Entry = {
    ...entry("linux", false, []),
    open: () => {
      throw new Deno.errors.NotCapable("no ffi");
    },
  };
  assertThrows(() => openFirst([broken]), Deno.errors.NotCapable, "no ffi");
});

Deno.test("openUnsupported() refuses everything, and can be closed again and again", async () => {
  const { rings, sockets, waits, close } = openUnsupported();
  assertEquals(rings.registerBuffer(allocate(8)), -WSAEOPNOTSUPP);
  assertEquals(
    rings.dequeueCompletion(1, new RioResults(1), 1),
    -RIO_CORRUPT_CQ,
  );
  assertEquals(sockets.open(2, 2, 17), -WSAEOPNOTSUPP);
  assertEquals(waits.createNotification("iocp", 1), WSAEOPNOTSUPP);
  assertEquals(await waits.wait(), -WSAEOPNOTSUPP);
  close(false);
  close(true);
});
