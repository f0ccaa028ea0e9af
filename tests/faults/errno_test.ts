/**
 * Every error number that the manual pages give for a call of the drop-in, in
 * both families: each is told with the class, the name, the words and the number
 * that Deno's own sockets would have.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { openSession, RioError, type RioSession } from "../../ffi/mod.ts";
import { errnoName } from "../../ffi/linux/errno.ts";
import * as errno from "../../ffi/linux/errno_numbers.ts";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { systemWords } from "../../ffi/system_errors.ts";
import { connect, listen, listenDatagram } from "../../mod.ts";
import { within } from "../session/harness.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { FaultyLinux } from "./faulty_linux.ts";

type Name = keyof typeof errno;
type Engine = "io_uring" | "epoll";

// Kept open: only the first opening is seen by the sanitizer.
const library = Deno.build.os === "linux" ? acquireLibrary() : null;

/**
 * The kind of each number in Rust's standard library that Deno has a class for;
 * all others are of class `Error`.
 */
const CLASSES: Partial<Record<Name, string>> = {
  EACCES: "PermissionDenied",
  EADDRINUSE: "AddrInUse",
  EADDRNOTAVAIL: "AddrNotAvailable",
  EAGAIN: "WouldBlock",
  ECONNABORTED: "ConnectionAborted",
  ECONNREFUSED: "ConnectionRefused",
  ECONNRESET: "ConnectionReset",
  EINVAL: "TypeError",
  ELOOP: "FilesystemLoop",
  ENETUNREACH: "NetworkUnreachable",
  ENOENT: "NotFound",
  ENOTCONN: "NotConnected",
  ENOTDIR: "NotADirectory",
  EPERM: "PermissionDenied",
  EPIPE: "BrokenPipe",
  ETIMEDOUT: "TimedOut",
};

/** What many calls have in common: memory, descriptors, and accidents. */
const ANY: readonly Name[] = [
  ...["EIO", "ENOMEM", "ENOBUFS", "EFAULT", "EBADF"] as const,
  ...["EBUSY", "ENOSPC", "ENXIO", "EREMOTEIO"] as const,
];

/** A call, what fails it, and how the drop-in makes it. */
interface Call {
  /** The function of the C library. */
  readonly call: string;
  /** What its manual page says, beside {@linkcode ANY}. */
  readonly names: readonly Name[];
  /** How many bytes are told by it where it fails; it does nothing else. */
  run(
    session: RioSession,
    hostname: string,
    fail: () => void,
  ): Promise<unknown>;
}

const openDatagrams: Call["run"] = (session, hostname, fail) =>
  Promise.try(() => {
    fail();
    listenDatagram({ session, hostname });
  });

const CALLS: readonly Call[] = [
  {
    call: "socket",
    names: ["EACCES", "EAFNOSUPPORT", "EINVAL", "EMFILE", "ENFILE"],
    run: openDatagrams,
  },
  {
    call: "bind",
    names: [
      ...["EACCES", "EADDRINUSE", "EINVAL", "EADDRNOTAVAIL"] as const,
      ...["ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "EROFS"] as const,
      ...["EPERM", "ENODEV"] as const,
    ],
    run: openDatagrams,
  },
  {
    call: "listen",
    names: ["EADDRINUSE", "EOPNOTSUPP", "EPERM", "EACCES"],
    run: (session, hostname, fail) =>
      Promise.try(() => {
        fail();
        listen({ session, hostname });
      }),
  },
  {
    call: "connect",
    names: [
      ...["EACCES", "EPERM", "EADDRINUSE", "EADDRNOTAVAIL"] as const,
      ...["EAFNOSUPPORT", "EAGAIN", "EALREADY", "ECONNREFUSED"] as const,
      ...["EISCONN", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"] as const,
      ...["EPROTOTYPE", "ETIMEDOUT", "EINVAL", "ECONNRESET"] as const,
    ],
    async run(session, hostname, fail) {
      using listener = listen({ session, hostname });
      fail();
      await connect({ session, ...listener.addr, transport: "tcp" });
    },
  },
  {
    call: "accept4",
    names: [
      "EINVAL",
      "EMFILE",
      "ENFILE",
      "EPERM",
      "ETIMEDOUT",
      "ESOCKTNOSUPPORT",
    ],
    async run(session, hostname, fail) {
      using listener = listen({ session, hostname });
      fail();
      await listener.accept();
    },
  },
  {
    call: "sendto",
    names: [
      ...["EACCES", "EPERM", "EAFNOSUPPORT", "EINVAL", "EISCONN"] as const,
      ...["EMSGSIZE", "ENETDOWN", "ENETUNREACH", "EHOSTUNREACH"] as const,
      ...["EOPNOTSUPP", "EADDRNOTAVAIL", "ENODEV", "EHOSTDOWN"] as const,
    ],
    async run(session, hostname, fail) {
      using conn = listenDatagram({ session, hostname });
      fail();
      await conn.send(new Uint8Array(3), conn.addr);
    },
  },
  {
    call: "sendmmsg",
    names: [
      ...["EACCES", "EPERM", "EAFNOSUPPORT", "EINVAL", "EISCONN"] as const,
      ...["EMSGSIZE", "ENETDOWN", "ENETUNREACH", "EHOSTUNREACH"] as const,
      ...["EOPNOTSUPP", "EADDRNOTAVAIL", "ENODEV", "EHOSTDOWN"] as const,
    ],
    async run(session, hostname, fail) {
      using conn = listenDatagram({ session, hostname });
      fail();
      const sizes = [3, 4];
      await conn.sendMany(
        sizes.map((n) => ({ data: new Uint8Array(n), addr: conn.addr })),
      );
    },
  },
  {
    call: "recvfrom",
    names: ["EINVAL", "ENOTCONN", "EPERM", "ETIMEDOUT", "ENETDOWN"],
    async run(session, hostname, fail) {
      using conn = listenDatagram({ session, hostname });
      await conn.send(new Uint8Array(3), conn.addr);
      fail();
      await conn.receive();
    },
  },
  {
    call: "send",
    names: [
      ...["ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH"] as const,
      ...["ENETUNREACH", "ENETDOWN", "EACCES", "EPERM", "EINVAL"] as const,
      ...["EMSGSIZE", "ECONNABORTED", "EPROTO", "ENOTCONN"] as const,
    ],
    async run(session, hostname, fail) {
      using listener = listen({ session, hostname });
      const accepted = listener.accept();
      using client = await connect({
        session,
        ...listener.addr,
        transport: "tcp",
      });
      using _server = await accepted;
      fail();
      await client.write(new Uint8Array(3));
    },
  },
  {
    call: "recv",
    names: [
      ...["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH"] as const,
      ...["ENETUNREACH", "ENETDOWN", "EINVAL", "ENOTCONN", "EPROTO"] as const,
    ],
    async run(session, hostname, fail) {
      using listener = listen({ session, hostname });
      const accepted = listener.accept();
      using client = await connect({
        session,
        ...listener.addr,
        transport: "tcp",
      });
      using server = await accepted;
      await server.write(new Uint8Array(3));
      fail();
      await client.read(new Uint8Array(3));
    },
  },
];

for (const { call, names, run } of CALLS) {
  for (const hostname of ["127.0.0.1", "::1"]) {
    const title =
      `${call} that fails over ${hostname} is told as Deno tells it`;
    Deno.test({
      name: `faulty linux: ${title}`,
      ignore: skipped(title, NOT_LINUX),
      async fn() {
        for (const name of [...ANY, ...names]) {
          const error = await outcome("epoll", call, hostname, name, run);
          const what = `${call} ${name}`;
          assertEquals(
            [what, error.constructor.name, error.code],
            [what, CLASSES[name] ?? "Error", name],
          );
          const number = errno[name];
          const words = `${systemWords(number)} (os error ${number}): `;
          assert(error.message.startsWith(words), `${what}: ${error.message}`);
          const { cause } = error;
          assert(cause instanceof RioError, what);
          assertEquals([cause.osErrno, cause.osCode], [number, name]);
          assertEquals(errnoName(number), name);
        }
      },
    });
  }
}

/** Makes a call that fails each time with one number, from when it is told. */
async function outcome(
  engine: Engine,
  call: string,
  hostname: string,
  name: Name,
  run: Call["run"],
): Promise<Error & { code?: string }> {
  using system = new FaultyLinux(undefined, engine);
  const session = openSession(system.open());
  let error: Error | undefined;
  try {
    await within(run(session, hostname, () => {
      system.instead[call] = () => {
        library!.errno[0] = errno[name];
        return -1;
      };
    }));
  } catch (thrown) {
    error = thrown as Error;
  } finally {
    await session.close();
  }
  assertEquals(await system.faults(), []);
  assert(error !== undefined, `${call} ${name}: nothing was thrown`);
  return error;
}
