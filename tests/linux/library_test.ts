/** The C library: which file it is, what is tried, and who closes it. */
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  acquireLibrary,
  findLinuxFunctions,
  releaseLibrary,
} from "../../ffi/linux/library.ts";
import { memoryFor, openWith } from "../unit/stand_ins.ts";
import { descriptors } from "./rig.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const { arch } = Deno.build;
const ignore = skipped("the C library", NOT_LINUX);
const [GLIBC, MUSL, PLAIN] = ["libc.so.6", `libc.musl-${arch}.so.1`, "libc.so"];
const [EPERM, EBADF, EACCES, ENOSYS] = [1, 9, 13, 38];

/** Calls that fail without a file, which is all that is tried at first. */
const PROBED = [
  "recvmmsg",
  "sendmmsg",
  "recvmsg",
  "sendmsg",
  "accept4",
  "epoll_wait",
  "epoll_ctl",
];

/** A C library whose calls fail, each with a number of its own. */
function failing(errnoOf: Record<string, number>) {
  const errno = new Int32Array(1);
  const calls = PROBED.map((name) => [name, () => {
    errno[0] = errnoOf[name] ?? EBADF;
    return -1;
  }]);
  return {
    symbols: {
      __errno_location: () => Deno.UnsafePointer.of(errno),
      ...Object.fromEntries(calls),
    },
  };
}

function missing(path: string): never {
  throw new Error(`${path} is not here`);
}

Deno.test("acquireLibrary() opens once for all who share it", () => {
  using libraries = openWith(() => failing({}));
  const first = acquireLibrary();
  assertStrictEquals(acquireLibrary(), first);
  assertEquals(libraries.asked, [GLIBC]);
  releaseLibrary();
  assertEquals(libraries.open, 1);
  releaseLibrary();
  assertEquals(libraries.open, 0);
});

Deno.test("acquireLibrary() heeds no number that an earlier call left", () => {
  const errno = new Int32Array([EPERM]);
  const calls = PROBED.map((name) => [name, () => 0]);
  using libraries = openWith(() => ({
    symbols: {
      __errno_location: () => Deno.UnsafePointer.of(errno),
      ...Object.fromEntries(calls),
    },
  }));
  assertEquals(acquireLibrary().errno[0], EPERM);
  releaseLibrary();
  assertEquals(libraries.open, 0);
});

Deno.test("releaseLibrary() does nothing when nothing is shared", () => {
  using libraries = openWith(() => failing({}));
  releaseLibrary();
  acquireLibrary();
  releaseLibrary();
  assertEquals(libraries.open, 0);
});

Deno.test(
  "acquireLibrary() takes musl where glibc is missing",
  { ignore },
  () => {
    using libraries = openWith((path, real) =>
      path === MUSL ? real(GLIBC) : missing(path)
    );
    const { symbols, errno } = acquireLibrary();
    try {
      assertEquals(symbols.close(-1), -1);
      assertEquals(errno[0], EBADF);
    } finally {
      releaseLibrary();
    }
    assertEquals(libraries.asked, [GLIBC, MUSL]);
    assertEquals(libraries.open, 0);
  },
);

Deno.test("acquireLibrary() throws NotSupported with what it tried when there is no C library", () => {
  using libraries = openWith(missing);
  assertThrows(
    acquireLibrary,
    Deno.errors.NotSupported,
    `Cannot open the C library: ${
      [GLIBC, MUSL, PLAIN].map((path) => `${path}: ${path} is not here`).join(
        "; ",
      )
    }`,
  );
  assertEquals(libraries.asked, [GLIBC, MUSL, PLAIN]);
});

Deno.test("acquireLibrary() passes a missing permission on at once", () => {
  using libraries = openWith(() => {
    throw new Deno.errors.NotCapable("no ffi");
  });
  assertThrows(acquireLibrary, Deno.errors.NotCapable, "no ffi");
  assertEquals(libraries.asked, [GLIBC]);
});

for (const name of PROBED) {
  for (const code of [ENOSYS, EPERM, EACCES]) {
    Deno.test(`acquireLibrary() throws NotSupported and closes when ${name} is refused with errno ${code}`, () => {
      using libraries = openWith(() => failing({ [name]: code }));
      assertThrows(
        acquireLibrary,
        Deno.errors.NotSupported,
        `the kernel or a sandbox refuses ${name} (errno ${code})`,
      );
      assertEquals(libraries.asked, [GLIBC]);
      assertEquals(libraries.open, 0);
    });
  }
}

Deno.test(
  "acquireLibrary() opens again after it was refused",
  { ignore },
  () => {
    using libraries = openWith((path, real) =>
      libraries.asked.length === 1 ? failing({ recvmmsg: ENOSYS }) : real(path)
    );
    assertThrows(acquireLibrary, Deno.errors.NotSupported);
    assert(acquireLibrary().symbols.close(-1) < 0);
    releaseLibrary();
    assertEquals(libraries.open, 0);
  },
);

Deno.test(
  "openLinux() throws RangeError and closes the library when memory has no room",
  { ignore },
  async () => {
    // What a thread opens once: this one has not.
    const fresh = "../../ffi/linux/backend.ts?fresh";
    const { openLinux } = await import(fresh);
    const before = descriptors();
    using libraries = openWith((path, real) => real(path));
    {
      using _memory = memoryFor(0);
      assertThrows(() => openLinux(), RangeError);
    }
    assertEquals(libraries.open, 0);
    openLinux().close(false);
    assertEquals([libraries.open, descriptors()], [0, before]);
  },
);

Deno.test("findLinuxFunctions() tells which functions the kernel has the calls for", () => {
  using libraries = openWith(() => failing({ recvmmsg: ENOSYS }));
  const missing = Object.entries(findLinuxFunctions())
    .filter(([, there]) => !there)
    .map(([name]) => name);
  assertEquals(missing, ["RIOReceive", "RIOReceiveEx"]);
  assertEquals(libraries.open, 0);
});

Deno.test("findLinuxFunctions() finds none where there is no C library", () => {
  using _libraries = openWith(missing);
  const found = Object.values(findLinuxFunctions());
  assertEquals(found, new Array(13).fill(false));
});
