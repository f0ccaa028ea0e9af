/**
 * The one place that chooses a backend, and finds out whether it works.
 *
 * @module
 */
import {
  AF_INET,
  IPPROTO_UDP,
  RIO_FUNCTIONS,
  type RioFunctionName,
  SOCK_DGRAM,
} from "./constants.ts";
import type { RioBackend, RioBackendName } from "./contract.ts";
import { checkHandle } from "./errors.ts";
import { openLinux } from "./linux/backend.ts";
import { openWinsock } from "./winsock/open.ts";

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
  /** Which of the 13 functions are there. */
  readonly functions: Readonly<Record<RioFunctionName, boolean>>;
  /** The operating system, as Deno names it. */
  readonly os: typeof Deno.build.os;
  /** The processor, as Deno names it. */
  readonly arch: typeof Deno.build.arch;
  /** The release of the operating system; `null` without `--allow-sys`. */
  readonly osRelease: string | null;
}

/** Backends that were seen working, by name and library. */
const working: Set<string> = new Set();

/**
 * Opens the backend that the options name, and makes sure that it works.
 *
 * @throws {TypeError} If an option is not understood.
 * @throws {Deno.errors.NotSupported} If it does not work here, with the reason.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 */
export function openBackend(options: RioSessionOptions = {}): RioBackend {
  const name = chooseBackend(options);
  const { library } = options;
  const backend = name === "linux"
    ? openLinux()
    : openWinsock(library === undefined ? {} : { library });
  const key = `${name} ${library ?? ""}`;
  if (working.has(key)) return backend;
  try {
    probe(backend);
    working.add(key);
    return backend;
  } catch (cause) {
    backend.close(false);
    throw new Deno.errors.NotSupported(
      `Registered I/O is present but does not work here: ${
        cause instanceof Error ? cause.message : cause
      }; security software that filters sockets is a known cause`,
      { cause },
    );
  }
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
  let reason: string | undefined;
  try {
    backend = chooseBackend(options);
    openBackend(options).close(false);
  } catch (error) {
    reason = error instanceof Error ? error.message : Deno.inspect(error);
  }
  const supported = reason === undefined;
  return {
    supported,
    backend,
    ...(reason === undefined ? {} : { reason }),
    functions: Object.fromEntries(
      RIO_FUNCTIONS.map((name) => [name, supported]),
    ) as Record<RioFunctionName, boolean>,
    os,
    arch,
    osRelease: osRelease(),
  };
}

function chooseBackend(options: RioSessionOptions): RioBackendName {
  const { backend = "auto", library } = options;
  const { os } = Deno.build;
  const own = os === "windows" ? "winsock" : os === "linux" ? "linux" : null;
  if (backend !== "auto" && backend !== "winsock" && backend !== "linux") {
    throw new TypeError(
      `Unknown backend "${String(backend)}": give "auto", "winsock" or "linux"`,
    );
  }
  if (own === null) {
    throw new Deno.errors.NotSupported(
      `Registered I/O needs Windows 8 or later, or Linux: this is ${os}`,
    );
  }
  if (backend !== "auto" && backend !== own) {
    throw new Deno.errors.NotSupported(
      `The backend "${backend}" does not run on ${os}: give "auto" or "${own}"`,
    );
  }
  if (library !== undefined && own !== "winsock") {
    throw new TypeError(
      `Invalid library "${
        String(library)
      }": only the backend "winsock" opens a library in place of ws2_32.dll`,
    );
  }
  if (library !== undefined && (typeof library !== "string" || !library)) {
    throw new TypeError(
      `Invalid library ${
        typeof library === "string" ? `"${library}"` : String(library)
      }: give the path of a DLL`,
    );
  }
  return own;
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
