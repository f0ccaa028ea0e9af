/**
 * The one place that knows the backends: it chooses one and makes sure that it
 * works.
 *
 * @module
 */
import {
  AF_INET,
  IPPROTO_UDP,
  perFunction,
  type RioFunctionName,
  SOCK_DGRAM,
} from "./constants.ts";
import type { RioBackend, RioBackendName } from "./contract.ts";
import { checkHandle } from "./errors.ts";
import { openLinux } from "./linux/backend.ts";
import { findLinuxFunctions } from "./linux/library.ts";
import { openUnsupported } from "./unsupported.ts";
import { findWinsockFunctions, openWinsock } from "./winsock/open.ts";

/** Options of {@linkcode RioSession.open}. */
export interface RioSessionOptions {
  /**
   * The system to run on; by default the one that the program runs on.
   *
   * @default {"auto"}
   */
  backend?: "auto" | RioBackendName;
  /** Path of a DLL to open in place of `ws2_32.dll`; Windows only. */
  library?: string;
}

/** Whether Registered I/O works here, and why not. */
export interface RioSupport {
  /** Whether {@linkcode RioSession.open} succeeds. */
  readonly supported: boolean;
  /** The backend of this system; `null` where there is none. */
  readonly backend: RioBackendName | null;
  /** Why it is not supported; absent where it is. */
  readonly reason?: string;
  /**
   * Which of the 13 functions were found. One that was found may still not
   * work; `supported` tells whether a queue and a socket really do.
   */
  readonly functions: Readonly<Record<RioFunctionName, boolean>>;
  /** The operating system, as Deno names it. */
  readonly os: typeof Deno.build.os;
  /** The processor, as Deno names it. */
  readonly arch: typeof Deno.build.arch;
  /** The release of the operating system; `null` without `--allow-sys`. */
  readonly osRelease: string | null;
}

/** A backend, and where it runs. */
export interface Entry {
  /** `null` for the one that refuses everything. */
  readonly name: RioBackendName | null;
  readonly os: typeof Deno.build.os;
  /** Opens it; `library` is only given where it can be. */
  readonly open: (options: { library?: string }) => RioBackend;
  /** Looks which functions are there; never throws. */
  readonly find: (options: { library?: string }) => RioSupport["functions"];
}

/** Every backend; of several on one system the first that works is taken. */
const BACKENDS: readonly Entry[] = [
  {
    name: "winsock",
    os: "windows",
    open: openWinsock,
    find: findWinsockFunctions,
  },
  {
    name: "linux",
    os: "linux",
    open: () => openLinux(),
    find: findLinuxFunctions,
  },
];

/** Backends that were seen working, each with what library. */
const working: Map<Entry, Set<string | undefined>> = new Map();

/**
 * Opens the backend that the options name, and makes sure that it works.
 *
 * @throws {TypeError} If an option is not understood.
 * @throws {Deno.errors.NotSupported} If it does not work here, with the reason.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 */
export function openBackend(options: RioSessionOptions = {}): RioBackend {
  const { entries, library } = choose(options);
  return openFirst(entries, library);
}

/** Opens the first backend that works; tells of all when none does. */
export function openFirst(
  entries: readonly Entry[],
  library?: string,
): RioBackend {
  const reasons: Error[] = [];
  for (const entry of entries) {
    try {
      return openWorking(entry, library);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotSupported)) throw error;
      reasons.push(error);
    }
  }
  if (reasons.length === 1) throw reasons[0];
  const all = reasons.map(({ message }) => message).join("; ");
  throw new Deno.errors.NotSupported(all, { cause: reasons });
}

/**
 * Finds out whether Registered I/O works here; never throws.
 *
 * Having the functions is no proof: some security software lets a program
 * fetch them and then breaks them. So this creates a small completion queue and
 * a request queue on a real socket, and closes both.
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
  let functions = perFunction(() => false);
  let reason: string | undefined;
  try {
    const { entries: [first], library } = choose(options);
    if (first !== undefined) {
      backend = first.name;
      functions = first.find(libraryOption(library));
    }
    const opened = openBackend(options);
    backend = opened.name;
    opened.close(false);
  } catch (error) {
    reason = error instanceof Error ? error.message : Deno.inspect(error);
  }
  return {
    supported: reason === undefined,
    backend,
    ...(reason === undefined ? {} : { reason }),
    functions,
    os,
    arch,
    osRelease: osRelease(),
  };
}

/** The backends that the options allow here, best first. */
function choose(
  { backend = "auto", library }: RioSessionOptions,
): { entries: readonly Entry[]; library: string | undefined } {
  const { os } = Deno.build;
  const names = BACKENDS.map(({ name }) => `"${name}"`);
  if (!['"auto"', ...names].includes(`"${String(backend)}"`)) {
    throw new TypeError(
      `Unknown backend "${String(backend)}": give "auto", ${
        names.join(" or ")
      }`,
    );
  }
  const here = BACKENDS.filter((entry) => entry.os === os);
  if (here.length === 0) {
    const find = () => perFunction(() => false);
    const nowhere = { name: null, os, open: openUnsupported, find };
    return { entries: [nowhere], library: undefined };
  }
  const entries = here.filter(({ name }) =>
    backend === "auto" || backend === name
  );
  if (entries.length === 0) {
    throw new Deno.errors.NotSupported(
      `The backend "${backend}" does not run on ${os}: give "auto" or ${
        here.map(({ name }) => `"${name}"`).join(" or ")
      }`,
    );
  }
  if (library !== undefined) assertLibrary(library, os);
  return { entries, library };
}

function assertLibrary(library: unknown, os: typeof Deno.build.os): void {
  const shown = typeof library === "string" ? `"${library}"` : String(library);
  if (os !== "windows") {
    throw new TypeError(
      `Invalid library ${shown}: only the backend "winsock" opens a library in place of ws2_32.dll`,
    );
  }
  if (typeof library !== "string" || library === "") {
    throw new TypeError(`Invalid library ${shown}: give the path of a DLL`);
  }
}

/** Opens a backend and tries it, unless it was seen working before. */
function openWorking(entry: Entry, library: string | undefined): RioBackend {
  const backend = entry.open(libraryOption(library));
  const seen = working.get(entry) ?? new Set();
  if (seen.has(library)) return backend;
  try {
    probe(backend);
  } catch (cause) {
    backend.close(false);
    throw new Deno.errors.NotSupported(whyNot(entry, cause), { cause });
  }
  working.set(entry, seen.add(library));
  return backend;
}

function whyNot({ name, os }: Entry, cause: unknown): string {
  if (name === null) {
    return `Registered I/O needs Windows 8 or later, or Linux: this is ${os}`;
  }
  return `Registered I/O is present but does not work here: ${
    cause instanceof Error ? cause.message : cause
  }; security software that filters sockets is a known cause`;
}

function libraryOption(library: string | undefined): { library?: string } {
  return library === undefined ? {} : { library };
}

/** Creates the smallest queues on a real socket, and closes them. */
function probe(backend: RioBackend): void {
  const queue = checkHandle(
    backend.rings.createCompletionQueue(2, 0),
    "RIOCreateCompletionQueue",
    "create a completion queue of 2 entries",
  );
  try {
    const socket = checkHandle(
      backend.sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
      "WSASocketW",
      "open a UDP socket for registered I/O",
    );
    try {
      checkHandle(
        backend.rings.createRequestQueue(socket, 1, 1, queue, queue),
        "RIOCreateRequestQueue",
        "create a request queue of 1 receive and 1 send",
      );
    } finally {
      backend.sockets.close(socket);
    }
  } finally {
    backend.rings.closeCompletionQueue(queue);
  }
}

function osRelease(): string | null {
  const permission = { name: "sys", kind: "osRelease" } as const;
  return Deno.permissions.querySync(permission).state === "granted"
    ? Deno.osRelease()
    : null;
}
