/**
 * The sockets of a backend, by handle: addresses, connections, options.
 *
 * @module
 */
import * as winsock from "../constants.ts";
import type { RioHandle, RioSockets } from "../contract.ts";
import * as wsa from "../error_numbers.ts";
import type { ControlChoice } from "./control.ts";
import { hold } from "./descriptors.ts";
import { winsockError } from "./errno.ts";
import { HandleTable } from "./handles.ts";
import type { LinuxLibrary } from "./library.ts";
import { setSockaddr, sockaddr } from "./sockaddr.ts";
import * as linux from "./numbers.ts";
import { findOption, type LinuxOption } from "./options.ts";
import type { Readiness } from "./readiness.ts";
import { LinuxSocket, SOCK_FLAGS, type SocketSystem } from "./socket.ts";

/** The value of an option that is on. */
const ON = new Uint8Array([1, 0, 0, 0]);

/** Sockets of the kernel. Request queues are their users, see `socket.ts`. */
export class LinuxSockets implements RioSockets {
  readonly #system: SocketSystem;
  readonly #sockets = new HandleTable<LinuxSocket>();
  #closed = false;

  /** Takes how to call the kernel, and who tells when to call again. */
  constructor(library: LinuxLibrary, readiness: Readiness) {
    this.#system = { library, readiness };
  }

  /** The socket of a handle, if there is one. */
  find(socket: RioHandle): LinuxSocket | undefined {
    return this.#sockets.get(socket);
  }

  open(family: number, type: number, protocol: number): RioHandle {
    if (this.#closed) return -wsa.WSANOTINITIALISED;
    const ipv6 = family === winsock.AF_INET6;
    if (!ipv6 && family !== winsock.AF_INET) return -wsa.WSAEAFNOSUPPORT;
    const stream = type === winsock.SOCK_STREAM;
    if (!stream && type !== winsock.SOCK_DGRAM) return -wsa.WSAESOCKTNOSUPPORT;
    const { library } = this.#system;
    const { symbols, errno } = library;
    const domain = ipv6 ? linux.AF_INET6 : family;
    const fd = symbols.socket(domain, type | SOCK_FLAGS, protocol);
    if (fd < 0) return -winsockError(errno[0]!);
    hold(library, fd);
    // Winsock's defaults: an IPv6 socket is not dual-stack, and connections
    // that linger in TIME_WAIT do not keep a listener from binding.
    if (ipv6) {
      symbols.setsockopt(fd, winsock.IPPROTO_IPV6, linux.IPV6_V6ONLY, ON, 4);
    }
    if (stream) {
      symbols.setsockopt(fd, linux.SOL_SOCKET, linux.SO_REUSEADDR, ON, 4);
    }
    return this.#add(new LinuxSocket(this.#system, { fd, stream }));
  }

  close(socket: RioHandle): number {
    const found = this.#sockets.take(socket);
    found?.close();
    return found === undefined ? wsa.WSAENOTSOCK : 0;
  }

  /** Closes every socket; no more can be opened. */
  closeAll(): void {
    this.#closed = true;
    for (const socket of this.#sockets) this.close(socket.handle);
  }

  bind(socket: RioHandle, address: Uint8Array): number {
    const found = this.find(socket);
    if (found === undefined) return wsa.WSAENOTSOCK;
    const length = setSockaddr(address);
    if (length < 0) return -length;
    found.forgetLocal();
    return this.#status(
      this.#system.library.symbols.bind(found.fd, sockaddr, length),
    );
  }

  listen(socket: RioHandle, backlog: number): number {
    const found = this.find(socket);
    if (found === undefined) return wsa.WSAENOTSOCK;
    return this.#status(
      this.#system.library.symbols.listen(found.fd, backlog | 0),
    );
  }

  localAddress(socket: RioHandle, address: Uint8Array): number {
    return this.find(socket)?.address("getsockname", address) ??
      wsa.WSAENOTSOCK;
  }

  remoteAddress(socket: RioHandle, address: Uint8Array): number {
    return this.find(socket)?.address("getpeername", address) ??
      wsa.WSAENOTSOCK;
  }

  connect(socket: RioHandle, address: Uint8Array, key: number): number {
    return this.find(socket)?.connect(address, key) ?? -wsa.WSAENOTSOCK;
  }

  connected(socket: RioHandle): number {
    return this.find(socket)?.takeOutcome() ?? -wsa.WSAENOTSOCK;
  }

  accept(listener: RioHandle, key: number): RioHandle {
    const accepted = this.find(listener)?.accept(key) ?? -wsa.WSAENOTSOCK;
    return typeof accepted === "number" ? accepted : this.#add(accepted);
  }

  shutdown(socket: RioHandle, how: number): number {
    const found = this.find(socket);
    if (found === undefined) return wsa.WSAENOTSOCK;
    const { symbols } = this.#system.library;
    if (how !== winsock.SD_RECEIVE) found.user?.flush?.();
    const errno = this.#status(symbols.shutdown(found.fd, how | 0));
    if (errno === 0 && how !== winsock.SD_RECEIVE) found.sendShutdown = true;
    return errno;
  }

  setOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const found = this.find(socket);
    if (found === undefined) return wsa.WSAENOTSOCK;
    const option = findOption(level, name);
    if (option === undefined) return wsa.WSAENOPROTOOPT;
    let bytes = option.toKernel(value);
    if (bytes === null) return wsa.WSAEFAULT;
    const { choice } = option;
    const before = found.controlChoice;
    if (choice !== undefined) {
      const family = familyOf(option);
      const on = bytes.some((byte) => byte !== 0);
      const after = { ...before[family], [choice]: on };
      found.controlChoice = { ...before, [family]: after };
      // Two of Winsock's options share one of the kernel's.
      if (choice !== "packetInfo") {
        bytes = new Uint8Array(4);
        bytes[0] = after.receivesTos || after.receivesEcn ? 1 : 0;
      }
    }
    const { symbols } = this.#system.library;
    const { length } = bytes;
    const errno = this.#status(
      symbols.setsockopt(found.fd, option.level, option.name, bytes, length),
    );
    if (errno !== 0) found.controlChoice = before;
    else if (option.level === winsock.IPPROTO_IP) {
      if (option.name === linux.IP_TOS) found.tos = bytes[0]!;
    } else if (option.level === winsock.IPPROTO_IPV6) {
      if (option.name === linux.IPV6_TCLASS) found.trafficClass = bytes[0]!;
    }
    return errno;
  }

  getOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const found = this.find(socket);
    if (found === undefined) return -wsa.WSAENOTSOCK;
    const option = findOption(level, name);
    if (option === undefined) return -wsa.WSAENOPROTOOPT;
    const { symbols } = this.#system.library;
    const bytes = new Uint8Array(64);
    const length = new Uint32Array([bytes.length]);
    const errno = this.#status(
      symbols.getsockopt(found.fd, option.level, option.name, bytes, length),
    );
    if (errno !== 0) return -errno;
    const result = option.choice === undefined
      ? option.toWinsock(bytes.slice(0, length[0]))
      : new Uint8Array(
        Int32Array.of(
          Number(found.controlChoice[familyOf(option)][option.choice]),
        ).buffer,
      );
    if (value.length < result.length) return -wsa.WSAEFAULT;
    value.set(result);
    return result.length;
  }

  ioctl(socket: RioHandle, code: number, input: Uint8Array): number {
    const found = this.find(socket);
    if (found === undefined) return wsa.WSAENOTSOCK;
    const reset = code >>> 0 === winsock.SIO_UDP_CONNRESET;
    if (found.stream || !reset && code >>> 0 !== winsock.SIO_UDP_NETRESET) {
      return wsa.WSAEOPNOTSUPP;
    }
    if (input.length === 0) return wsa.WSAEFAULT;
    const on = input.some((byte) => byte !== 0);
    if (reset) found.reports = on;
    else found.setReports(on);
    return 0;
  }

  /** Gives a new socket a handle; closes it when there is none left. */
  #add(socket: LinuxSocket): RioHandle {
    if (this.#sockets.add(socket) !== 0) return socket.handle;
    socket.close();
    return -wsa.WSAEMFILE;
  }

  /** 0, or what the kernel has to say of a call that failed. */
  #status(result: number): number {
    return result < 0 ? winsockError(this.#system.library.errno[0]!) : 0;
  }
}

/** The family whose datagrams an option is about. */
function familyOf({ level }: LinuxOption): keyof ControlChoice {
  return level === winsock.IPPROTO_IPV6 ? "ipv6" : "ipv4";
}
