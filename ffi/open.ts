/**
 * The choice of a backend: the one place that knows them all. It opens one and
 * makes sure that it works.
 *
 * @module
 */
import { assertOneOf, refuseType } from "./arguments.ts";
import {
  AF_INET,
  AF_INET6,
  perFunction,
  type RioFunctionName,
} from "./constants.ts";
import type {
  RioBackend,
  RioBackendName,
  RioCallPath,
  RioEngine,
  RioWaitWay,
} from "./contract.ts";
import { findFeatures, NO_FEATURES, type RioFeatures } from "./features.ts";
import { openLinux, openUring } from "./linux/backend.ts";
import { findLinuxFunctions } from "./linux/library.ts";
import { probe } from "./probe.ts";
import { openUnsupported } from "./unsupported.ts";
import { findWinsockFunctions, openWinsock } from "./winsock/open.ts";

/** Options of {@linkcode RioSession.open}. */
export interface RioSessionOptions {
  /**
   * What to run on; by default the best that works here. On Linux `"io_uring"`
   * and `"epoll"` ask for one of the two ways in which data is moved there; the
   * first is the best, and missing in old kernels and some sandboxes. The
   * environment variable `RIO_BACKEND` changes the default, where the program
   * may read it.
   *
   * @default {"auto"}
   */
  backend?: "auto" | RioBackendName | Exclude<RioEngine, "rio">;
  /** Path of a DLL to open in place of `ws2_32.dll`; Windows only. */
  library?: string;
}

/** Whether Registered I/O works here, and why not. */
export interface RioSupport {
  /** Whether {@linkcode RioSession.open} succeeds. */
  readonly supported: boolean;
  /** The backend of this system; `null` where there is none. */
  readonly backend: RioBackendName | null;
  /** What moves the data; `null` where nothing works. */
  readonly engine: RioEngine | null;
  /** Better engines of this system that do not work here, and why. */
  readonly without: Readonly<Partial<Record<RioEngine, string>>>;
  /** Why it is not supported; absent where it is. */
  readonly reason?: string;
  /**
   * Which of the 13 functions were found. One that was found may still not
   * work; `supported` tells whether a queue and a socket really do.
   */
  readonly functions: Readonly<Record<RioFunctionName, boolean>>;
  /** What else the system has; nothing where it is not supported. */
  readonly features: RioFeatures;
  /**
   * What the kernel says that its io_uring has, by the names that io_uring_setup(2)
   * gives the bits, without `IORING_FEAT_`; nothing where that does not run.
   */
  readonly kernelFeatures: readonly string[];
  /**
   * How the 13 functions are called; through `"UnsafeFnPointer"` a request takes
   * many times as long as elsewhere. `null` where nothing works.
   */
  readonly calls: RioCallPath | null;
  /**
   * How waits end: in Deno's event loop, or on a thread of its pool, which is
   * slower; `null` where nothing works.
   */
  readonly waits: RioWaitWay | null;
  /** The operating system, as Deno names it. */
  readonly os: typeof Deno.build.os;
  /** The processor, as Deno names it. */
  readonly arch: typeof Deno.build.arch;
  /** The release of the operating system; `null` without `--allow-sys`. */
  readonly osRelease: string | null;
}

/** What a backend is opened with; `library` on Windows only. */
type Given = Pick<RioSessionOptions, "library">;

/** A backend, and where it runs. */
export interface Entry {
  /** `null` for the one that refuses everything. */
  readonly name: RioBackendName | null;
  readonly engine: RioEngine | null;
  readonly os: typeof Deno.build.os;
  readonly open: (given: Given) => RioBackend;
  /** Looks which functions are there; never throws. */
  readonly find: (given: Given) => RioSupport["functions"];
}

/** Every backend; where several run on one system, the best comes first. */
const BACKENDS: readonly Entry[] = [
  {
    name: "winsock",
    engine: "rio",
    os: "windows",
    open: openWinsock,
    find: findWinsockFunctions,
  },
  {
    name: "linux",
    engine: "io_uring",
    os: "linux",
    open: () => openUring(),
    find: findLinuxFunctions,
  },
  {
    name: "linux",
    engine: "epoll",
    os: "linux",
    open: () => openLinux(),
    find: findLinuxFunctions,
  },
];
/** Chooses a backend where a program leaves that open. */
const VARIABLE = "RIO_BACKEND";

const NO_FUNCTIONS: RioSupport["functions"] = Object.freeze(
  perFunction(() => false),
);

/** Backends that passed the probe in this process, each with which library. */
const working: Map<Entry, Set<string | undefined>> = new Map();

/**
 * Opens the backend that the options name, and makes sure that it works.
 *
 * @throws {TypeError} If an option is not understood.
 * @throws {Deno.errors.NotSupported} If it does not work here, with the reason.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 */
export function openBackend(options: RioSessionOptions = {}): RioBackend {
  const { entries, given } = choose(options);
  return openFirst(entries, given);
}

/** Opens the first backend that works; if none does, says of each why. */
export function openFirst(
  entries: readonly Entry[],
  given: Given = {},
  without: Partial<Record<RioEngine, string>> = {},
): RioBackend {
  const reasons: Error[] = [];
  for (const entry of entries) {
    try {
      return openWorking(entry, given);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotSupported)) throw error;
      reasons.push(error);
      if (entry.engine !== null) without[entry.engine] = error.message;
    }
  }
  if (reasons.length === 1) throw reasons[0];
  const all = reasons.map(({ message }) => message).join("; ");
  throw new Deno.errors.NotSupported(all, { cause: reasons });
}

/**
 * Finds out whether Registered I/O works here; never throws.
 *
 * That the functions are there proves nothing: some security software lets a
 * program fetch them, and then makes their calls fail. So this creates a small
 * completion queue and a request queue on a real socket, and closes both.
 *
 * @example Ask before opening
 * ```ts
 * import { rioSupport } from "@winsock/rio";
 *
 * const support = rioSupport();
 * if (!support.supported) console.error(support.reason);
 * ```
 *
 * @param options The same options as for {@linkcode RioSession.open}.
 * @returns What was found.
 */
export function rioSupport(options: RioSessionOptions = {}): RioSupport {
  const { os, arch } = Deno.build;
  let backend: RioBackendName | null = null;
  let functions = NO_FUNCTIONS;
  let features = NO_FEATURES;
  let kernelFeatures: readonly string[] = [];
  let calls: RioCallPath | null = null;
  let waits: RioWaitWay | null = null;
  let engine: RioEngine | null = null;
  let reason: string | undefined;
  const without: Partial<Record<RioEngine, string>> = {};
  try {
    const { entries, given } = choose(options);
    backend = entries[0]!.name;
    functions = entries[0]!.find(given);
    const opened = openFirst(entries, given, without);
    try {
      backend = opened.name;
      engine = opened.engine;
      calls = opened.calls;
      waits = opened.waits.way;
      features = findFeatures(opened);
      kernelFeatures = opened.kernelFeatures ?? [];
    } finally {
      opened.close(false);
    }
  } catch (error) {
    reason = error instanceof Error ? error.message : Deno.inspect(error);
  }
  return {
    supported: reason === undefined,
    backend,
    engine,
    without,
    ...(reason === undefined ? {} : { reason }),
    functions,
    features,
    kernelFeatures,
    calls,
    waits,
    os,
    arch,
    osRelease: osRelease(),
  };
}

/** The backends that the options allow here, at least one, best first. */
function choose(
  { backend: chosen = "auto", library }: RioSessionOptions,
): { entries: readonly Entry[]; given: Given } {
  const { os } = Deno.build;
  const names = ["auto", "winsock", "linux", "io_uring", "epoll"] as const;
  assertOneOf("backend", chosen, names);
  const backend = chosen === "auto" ? defaultBackend() ?? chosen : chosen;
  assertOneOf(VARIABLE, backend, names);
  const here = BACKENDS.filter((entry) => entry.os === os);
  if (here.length === 0) {
    const find = () => NO_FUNCTIONS;
    const nowhere = {
      name: null,
      engine: null,
      os,
      open: openUnsupported,
      find,
    };
    return { entries: [nowhere], given: {} };
  }
  const entries = here.filter(({ name, engine }) =>
    ["auto", name, engine].includes(backend)
  );
  if (entries.length === 0) {
    throw new Deno.errors.NotSupported(
      `The backend "${backend}" does not run on ${os}: give "auto" or ${
        [...new Set(here.map(({ name }) => `"${name}"`))].join(" or ")
      }`,
    );
  }
  if (library === undefined) return { entries, given: {} };
  assertLibrary(library, os);
  return { entries, given: { library } };
}

/** What the environment says, if the program may know. */
function defaultBackend(): string | undefined {
  const permission = { name: "env", variable: VARIABLE } as const;
  return Deno.permissions.querySync(permission).state === "granted"
    ? Deno.env.get(VARIABLE) || undefined
    : undefined;
}

function assertLibrary(library: unknown, os: typeof Deno.build.os): void {
  if (os !== "windows") {
    const advice =
      'only the backend "winsock" opens one in place of ws2_32.dll';
    refuseType("library", library, advice);
  }
  if (typeof library !== "string" || library === "") {
    refuseType("library", library, "give the path of a DLL");
  }
}

/** Opens a backend, and probes it unless it passed the probe before. */
function openWorking(entry: Entry, given: Given): RioBackend {
  const { library } = given;
  const backend = entry.open(given);
  const seen = working.get(entry) ?? new Set();
  if (seen.has(library)) return backend;
  try {
    probe(backend, [AF_INET, AF_INET6]);
  } catch (cause) {
    backend.close(false);
    throw new Deno.errors.NotSupported(whyNot(entry, cause), { cause });
  }
  working.set(entry, seen.add(library));
  return backend;
}

function whyNot({ name, os }: Entry, cause: unknown): string {
  if (name === null) {
    return `Registered I/O needs Windows 10 (version 1709) or later, or Linux: this is ${os}`;
  }
  return `Registered I/O is present but does not work here: ${
    cause instanceof Error ? cause.message : cause
  }; security software that filters sockets is a known cause`;
}

function osRelease(): string | null {
  const permission = { name: "sys", kind: "osRelease" } as const;
  return Deno.permissions.querySync(permission).state === "granted"
    ? Deno.osRelease()
    : null;
}
