/**
 * The machine, and what this program may do on it.
 *
 * @module
 */

/** What runs here. */
export interface System {
  readonly os: typeof Deno.build.os;
  readonly arch: typeof Deno.build.arch;
  /** The release of the operating system; `null` without `--allow-sys`. */
  readonly release: string | null;
  readonly deno: string;
  readonly v8: string;
}

/** One permission. */
export interface Permission {
  readonly flag: string;
  readonly granted: boolean;
  /** What its absence means. */
  readonly without: string;
}

/** The permissions that matter, by name. */
export type Permissions = Readonly<
  Record<"ffi" | "net" | "sys" | "run", Permission>
>;

/** Looks at the machine; asks for no permission. */
export function readSystem(permissions: Permissions): System {
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    release: permissions.sys.granted ? Deno.osRelease() : null,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}

/** Looks at the permissions; asks for none. */
export function readPermissions(): Permissions {
  const program = denoPath();
  return {
    ffi: permission(
      { name: "ffi" },
      "--allow-ffi",
      "Registered I/O can not work: the flag is needed, and without a path",
    ),
    net: permission(
      { name: "net", host: "127.0.0.1" },
      "--allow-net=127.0.0.1",
      "nothing is sent, so nobody knows whether it arrives",
    ),
    sys: permission(
      { name: "sys", kind: "osRelease" },
      "--allow-sys=osRelease",
      "the release of the system stays unknown",
    ),
    run: permission(
      { name: "run", ...(program === null ? {} : { command: program }) },
      "--allow-run",
      "no child processes, so the experiments with a risk are left out",
    ),
  };
}

/** Deno itself; `null` where an older one wants a permission to tell. */
function denoPath(): string | null {
  try {
    return Deno.execPath();
  } catch {
    return null;
  }
}

function permission(
  descriptor: Deno.PermissionDescriptor,
  flag: string,
  without: string,
): Permission {
  const { state } = Deno.permissions.querySync(descriptor);
  return { flag, granted: state === "granted", without };
}
