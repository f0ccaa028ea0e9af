import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  createWinsockBackend,
  openBackend,
  RIO_FUNCTIONS,
} from "../../ffi/mod.ts";
import { RioSession, type RioSessionOptions, rioSupport } from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { descriptors, SYSTEMS } from "./harness.ts";
import { ENGINE, WITHOUT_URING } from "../linux/engine.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { runScript } from "./child.ts";
import { WAY } from "../linux/way.ts";

const { os } = Deno.build;
const library = os === "windows" ? Deno.env.get("RIO_LIBRARY") : undefined;
const own = library === undefined ? {} : { library };
const other = os === "windows" ? "linux" : "winsock";
const ignore = skipped(
  "rioSupport() of this system",
  SYSTEMS.every((system) => system === "fake")
    ? `${os} has no Registered I/O`
    : undefined,
);

Deno.test("rioSupport() tells the backend of this system and its functions", {
  ignore,
}, () => {
  const support = rioSupport(own);
  assertEquals(support, {
    supported: true,
    backend: os === "windows" ? "winsock" : "linux",
    engine: ENGINE,
    without: support.without,
    functions: Object.fromEntries(
      RIO_FUNCTIONS.map((name) => [name, true]),
    ) as typeof support.functions,
    features: support.features,
    kernelFeatures: support.kernelFeatures,
    calls: os === "windows" ? "DispCallFunc" : "symbol",
    waits: os === "windows" ? "thread" : WAY,
    os,
    arch: Deno.build.arch,
    osRelease: Deno.osRelease(),
  });
  assert(!("reason" in support));
});

Deno.test("rioSupport() tells which optional things sockets here really do", {
  ignore,
}, async () => {
  const { features } = rioSupport(own);
  const kinds = Object.values(features).map((there) => typeof there);
  assertEquals(kinds, Array(5).fill("boolean"));
  await using session = RioSession.open(own);
  const open = (hostname: string) => () =>
    session.openSocket({ transport: "udp", hostname, receives: 1, sends: 1 });
  using socket = open("127.0.0.1")();
  const options = {
    segmentation: "segmentSize",
    coalescing: "coalescedSize",
    packetInfo: "packetInfo",
    ecn: "receiveEcn",
  } as const;
  for (const [name, option] of Object.entries(options)) {
    const there = features[name as keyof typeof options];
    if (there) socket.setOption(option, 0);
    else assertThrows(() => socket.setOption(option, 0), Error, "setsockopt");
  }
  if (features.ipv6) open("::1")().close();
  else assertThrows(open("::1"));
});

Deno.test("rioSupport() tells of no features where nothing works", {
  ignore,
}, () => {
  const { features } = rioSupport({ backend: other });
  assertEquals(Object.values(features), Array(5).fill(false));
});

Deno.test("rioSupport() says why a better engine does not run", {
  ignore: skipped("rioSupport() of engines", NOT_LINUX),
}, () => {
  const { engine, without } = rioSupport({ backend: "linux" });
  assertEquals(engine, WITHOUT_URING ? "epoll" : "io_uring");
  assertEquals(Object.keys(without), WITHOUT_URING ? ["io_uring"] : []);
  for (const backend of ["epoll", "io_uring"] as const) {
    const asked = rioSupport({ backend });
    if (backend === "io_uring" && WITHOUT_URING) {
      assertEquals([asked.supported, asked.engine], [false, null]);
      assertStringIncludes(asked.reason!, "Cannot use io_uring: ");
    } else {
      assertEquals([asked.supported, asked.engine], [true, backend]);
      assertEquals(asked.without, {});
    }
  }
});

Deno.test("rioSupport() tells what the kernel's io_uring has where it runs", {
  ignore: skipped("rioSupport() of engines", NOT_LINUX),
}, () => {
  const { engine, kernelFeatures } = rioSupport({ backend: "linux" });
  const needed = ["SINGLE_MMAP", "NODROP"];
  assertEquals(
    kernelFeatures.filter((name) => needed.includes(name)),
    engine === "io_uring" ? needed : [],
  );
  assertEquals(rioSupport({ backend: "epoll" }).kernelFeatures, []);
  assertEquals(rioSupport({ backend: "winsock" }).kernelFeatures, []);
});

Deno.test("RIO_BACKEND chooses the backend of programs that choose none", {
  ignore: skipped("RIO_BACKEND", NOT_LINUX),
}, async () => {
  const script = `
    const { engine, reason } = rioSupport();
    console.log(engine, reason?.split(":")[0] ?? "");
    console.log(rioSupport({ backend: "epoll" }).engine);`;
  const run = async (value: string, ...flags: string[]) =>
    (await runScript(script, {
      flags: ["--allow-ffi", ...flags],
      env: { RIO_BACKEND: value },
    })).stdout.trim().split("\n");
  const best = WITHOUT_URING ? "epoll" : "io_uring";
  assertEquals(await run("epoll", "--allow-env"), ["epoll ", "epoll"]);
  assertEquals(await run("", "--allow-env"), [`${best} `, "epoll"]);
  // Without the permission it does not exist, and nobody is asked.
  assertEquals(await run("epoll"), [`${best} `, "epoll"]);
  assertEquals(await run("kqueue", "--allow-env"), [
    'null Unknown RIO_BACKEND "kqueue"',
    "epoll",
  ]);
});

Deno.test("rioSupport() leaves nothing open", { ignore }, () => {
  const before = descriptors();
  for (let i = 0; i < 10; i++) rioSupport(own);
  assertEquals(descriptors(), before);
});

Deno.test(
  `rioSupport() says that the backend "${other}" is not for this system`,
  {
    ignore,
  },
  () => {
    const { supported, backend, reason, functions } = rioSupport({
      backend: other,
    });
    assertEquals([supported, backend], [false, null]);
    assertEquals(
      reason,
      `The backend "${other}" does not run on ${os}: give "auto" or "${
        os === "windows" ? "winsock" : "linux"
      }"`,
    );
    assertEquals(Object.values(functions), new Array(13).fill(false));
  },
);

/** Options that no program should give. */
const ODD: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["a number", 5],
  ["text", "auto"],
  ["an unknown backend", { backend: "kqueue" }],
  ["backend null", { backend: null }],
  ["a backend that is a symbol", { backend: Symbol("x") }],
  ["a library that is not there", { library: "/nowhere/at/all.dll" }],
  ["a library that is no text", { library: 7 }],
  ["a library that is a symbol", { library: Symbol("x") }],
  ["an empty library", { library: "" }],
  ["a getter that throws", {
    get backend() {
      throw new Error("from the getter");
    },
  }],
  ["a getter that throws text", {
    get backend() {
      throw "text";
    },
  }],
  ["a getter that throws an object without text", {
    get backend() {
      throw Object.create(null);
    },
  }],
  [
    "a proxy that refuses everything",
    new Proxy({}, {
      get() {
        throw new TypeError("refused");
      },
    }),
  ],
];

for (const [what, options] of ODD) {
  if (what === "a number" || what === "text") continue;
  Deno.test(`rioSupport() does not throw for ${what}`, { ignore }, () => {
    const support = rioSupport(options as RioSessionOptions);
    assertEquals(support.supported, false);
    assertEquals(typeof support.reason, "string");
    assert(support.reason !== "");
  });
}

Deno.test("rioSupport() does not throw for what is no object", {
  // It opens the system's own library, which then stays open.
  sanitizeResources: os !== "windows",
}, () => {
  for (const options of [5, "auto", true, Symbol("x")]) {
    const support = rioSupport(options as unknown as RioSessionOptions);
    assertEquals(typeof support.supported, "boolean");
  }
});

Deno.test("RioSession.open() throws TypeError for an unknown backend", () => {
  assertThrows(
    () =>
      RioSession.open({ backend: "kqueue" } as unknown as RioSessionOptions),
    TypeError,
    'Unknown backend "kqueue": give "auto", "winsock", "linux", "io_uring" or "epoll"',
  );
});

Deno.test(`RioSession.open() throws NotSupported for the backend "${other}"`, () => {
  assertThrows(
    () => RioSession.open({ backend: other }),
    Deno.errors.NotSupported,
    `The backend "${other}" does not run on ${os}`,
  );
});

Deno.test(
  "RioSession.open() throws TypeError for a library where there is none to open",
  {
    ignore: skipped(
      "a library where there is none to open",
      os === "windows" ? "Windows opens one" : undefined,
    ),
  },
  () => {
    assertThrows(
      () => RioSession.open({ library: "C:\\rio.dll" }),
      TypeError,
      'Invalid library "C:\\rio.dll"',
    );
  },
);

Deno.test(
  "openBackend() gives a backend that can be closed twice",
  { ignore },
  () => {
    const before = descriptors();
    const backend = openBackend(own);
    backend.close(false);
    backend.close(false);
    assertEquals(descriptors(), before);
  },
);

Deno.test("createWinsockBackend() throws NotSupported where Windows has no RIO", () => {
  using fake = createFakeWindows({ table: { errno: 10045 } });
  const error = assertThrows(() => createWinsockBackend(fake.symbols));
  assertInstanceOf(error, Deno.errors.NotSupported);
  assertStringIncludes(error.message, "Registered I/O is not available");
  assertEquals(fake.leftovers(), {});
});
