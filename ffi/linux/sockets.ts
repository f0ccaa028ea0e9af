/**
 * Calls on one socket: addresses, connections, options.
 *
 * @module
 */
import * as winsock from "../constants.ts";
import {
  WSAEAFNOSUPPORT,
  WSAEFAULT,
  WSAENOPROTOOPT,
  WSAENOTCONN,
  WSAEOPNOTSUPP,
  WSAESOCKTNOSUPPORT,
} from "../error_numbers.ts";
import { SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { ControlChoice } from "./control.ts";
import { GONE, winsockError } from "./errno.ts";
import { EAGAIN, EINPROGRESS, EINTR } from "./errno_numbers.ts";
import type { Kernel } from "./kernel.ts";
import * as linux from "./numbers.ts";
import { findOption } from "./options.ts";
import type { Poller } from "./poller.ts";
import { LinuxSocket } from "./socket.ts";

/** The socket calls of one backend. */
export class Sockets {
  readonly #kernel: Kernel;
  readonly #poller: Poller;
  /** Whether the backend was closed. */
  closed = false;

  /** Takes what the calls need. */
  constructor(kernel: Kernel, poller: Poller) {
    this.#kernel = kernel;
    this.#poller = poller;
  }

  /** Opens a socket; minus an error number if that fails. */
  open(family: number, type: number, protocol: number): LinuxSocket | number {
    const { symbols } = this.#kernel;
    if (family !== winsock.AF_INET && family !== winsock.AF_INET6) {
      return -WSAEAFNOSUPPORT;
    }
    if (type !== winsock.SOCK_STREAM && type !== winsock.SOCK_DGRAM) {
      return -WSAESOCKTNOSUPPORT;
    }
    const fd = symbols.socket(
      family === winsock.AF_INET6 ? linux.AF_INET6 : family,
      type | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC,
      protocol,
    );
    if (fd < 0) return -this.#error();
    const socket = new LinuxSocket(fd, family, type === winsock.SOCK_STREAM);
    const on = new Uint8Array([1, 0, 0, 0]);
    // Winsock's defaults: an IPv6 socket is not dual-stack, and connections
    // that linger in TIME_WAIT do not keep a listener from binding.
    if (family === winsock.AF_INET6) {
      symbols.setsockopt(fd, winsock.IPPROTO_IPV6, linux.IPV6_V6ONLY, on, 4);
    }
    if (socket.stream) {
      symbols.setsockopt(fd, linux.SOL_SOCKET, linux.SO_REUSEADDR, on, 4);
    }
    return socket;
  }

  /** Binds to 28 address bytes. */
  bind(socket: LinuxSocket, address: Uint8Array): number {
    const length = this.#setAddress(address);
    if (length < 0) return -length;
    socket.local = null;
    const { symbols, address: bytes } = this.#kernel;
    return this.#outcome(symbols.bind(socket.fd, bytes, length));
  }

  /** Makes a socket accept connections. */
  listen(socket: LinuxSocket, backlog: number): number {
    return this.#outcome(this.#kernel.symbols.listen(socket.fd, backlog | 0));
  }

  /** Writes the peer's address into 28 bytes. */
  remoteAddress(socket: LinuxSocket, address: Uint8Array): number {
    if (address.length < SOCKADDR_INET.size) return WSAEFAULT;
    const { symbols, address: bytes, length } = this.#kernel;
    length[0] = bytes.length;
    const errno = this.#outcome(symbols.getpeername(socket.fd, bytes, length));
    if (errno === 0) fromKernelAddress(bytes, address);
    return errno;
  }

  /** Writes the local address into 28 bytes. */
  localAddress(socket: LinuxSocket, address: Uint8Array): number {
    if (address.length < SOCKADDR_INET.size) return WSAEFAULT;
    const { symbols, address: bytes, length } = this.#kernel;
    length[0] = bytes.length;
    const errno = this.#outcome(symbols.getsockname(socket.fd, bytes, length));
    if (errno === 0) fromKernelAddress(bytes, address);
    return errno;
  }

  /** Connects; 1, minus an error number, or 0 when `key` will be reported. */
  connect(socket: LinuxSocket, address: Uint8Array, key: number): number {
    const { symbols, address: bytes, errno } = this.#kernel;
    let length = this.#setAddress(address);
    if (length < 0) {
      if (length !== -WSAEAFNOSUPPORT || !dissolves(socket, address)) {
        return length;
      }
      length = SOCKADDR_IN_SIZE;
      bytes.fill(0);
    }
    socket.local = null;
    let result: number;
    do result = symbols.connect(socket.fd, bytes, length); while (
      result < 0 && errno[0] === EINTR && !socket.stream
    );
    if (result === 0) {
      socket.connected = true;
      return 1;
    }
    const code = errno[0]!;
    // An interrupted connect goes on like one that takes its time.
    if (code !== EINPROGRESS && code !== EINTR) {
      return -winsockError(code);
    }
    socket.connecting = true;
    socket.connectError = 0;
    const unwatched = this.#poller.watch(socket);
    if (unwatched !== 0) return this.#endConnect(socket, unwatched);
    socket.connectKey = key;
    return 0;
  }

  /** The outcome of a connect that went on. */
  connected(socket: LinuxSocket): number {
    if (socket.connected) return 1;
    if (!socket.connecting) return -(socket.connectError || WSAENOTCONN);
    const { symbols, address, length } = this.#kernel;
    const value = new Uint8Array(4);
    length[0] = value.length;
    const failed = this.#outcome(symbols.getsockopt(
      socket.fd,
      linux.SOL_SOCKET,
      linux.SO_ERROR,
      value,
      length,
    ));
    if (failed !== 0) return this.#endConnect(socket, failed);
    const code = value[0]!;
    if (code !== 0) return this.#endConnect(socket, winsockError(code));
    length[0] = address.length;
    const unknown = this.#outcome(
      symbols.getpeername(socket.fd, address, length),
    );
    // Asked too early: the outcome is told again.
    if (unknown === WSAENOTCONN) return 0;
    return this.#endConnect(socket, unknown);
  }

  #endConnect(socket: LinuxSocket, errno: number): number {
    socket.connecting = false;
    socket.connected = errno === 0;
    socket.connectError = errno;
    return errno === 0 ? 1 : -errno;
  }

  /** Accepts; minus an error number, 0 when `key` will be reported. */
  accept(listener: LinuxSocket, key: number): LinuxSocket | number {
    const { symbols, errno } = this.#kernel;
    // The kernel's answer would be taken for the error of one connection.
    if (!listener.stream) return -WSAEOPNOTSUPP;
    for (;;) {
      const fd = symbols.accept4(
        listener.fd,
        0n,
        0n,
        linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC,
      );
      if (fd >= 0) {
        const socket = new LinuxSocket(fd, listener.family, true);
        socket.connected = true;
        return socket;
      }
      const code = errno[0]!;
      if (code === EINTR || GONE.has(code)) continue;
      if (code !== EAGAIN) return -winsockError(code);
      listener.acceptKey = key;
      // A connection that came in the meantime must be told, too.
      return 0 - this.#poller.watch(listener, true);
    }
  }

  /** Ends one direction of a connection. */
  shutdown(socket: LinuxSocket, how: number): number {
    const result = this.#outcome(
      this.#kernel.symbols.shutdown(socket.fd, how | 0),
    );
    if (result === 0 && how !== winsock.SD_RECEIVE) socket.sendShutdown = true;
    return result;
  }

  /** Sets an option by its Winsock numbers. */
  setOption(
    socket: LinuxSocket,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const option = findOption(level, name);
    if (option === undefined) return WSAENOPROTOOPT;
    let bytes = option.toKernel(value);
    if (bytes === null) return WSAEFAULT;
    const { choice } = option;
    const before = pick(socket);
    if (choice !== undefined) {
      socket[choice] = bytes.some((byte) => byte !== 0);
      // Two of Winsock's options share one of the kernel's.
      if (choice !== "packetInfo") {
        bytes = new Uint8Array(4);
        bytes[0] = socket.receivesTos || socket.receivesEcn ? 1 : 0;
      }
    }
    const errno = this.#outcome(
      this.#kernel.symbols.setsockopt(
        socket.fd,
        option.level,
        option.name,
        bytes,
        bytes.length,
      ),
    );
    if (errno !== 0) Object.assign(socket, before);
    return errno;
  }

  /** Reads an option by its Winsock numbers; its length or minus an error. */
  getOption(
    socket: LinuxSocket,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const option = findOption(level, name);
    if (option === undefined) return -WSAENOPROTOOPT;
    const { symbols, length } = this.#kernel;
    const bytes = new Uint8Array(32);
    length[0] = bytes.length;
    const errno = this.#outcome(
      symbols.getsockopt(
        socket.fd,
        option.level,
        option.name,
        bytes,
        length,
      ),
    );
    if (errno !== 0) return -errno;
    let result = option.toWinsock(bytes.slice(0, length[0]));
    if (option.choice !== undefined) {
      result = new Uint8Array([socket[option.choice] ? 1 : 0, 0, 0, 0]);
    }
    if (value.length < result.length) return -WSAEFAULT;
    value.set(result);
    return result.length;
  }

  /** `WSAIoctl` with an input only. */
  control(socket: LinuxSocket, code: number, input: Uint8Array): number {
    switch (code >>> 0) {
      case winsock.SIO_UDP_CONNRESET:
      case winsock.SIO_UDP_NETRESET:
        if (socket.stream) return WSAEOPNOTSUPP;
        if (input.length === 0) return WSAEFAULT;
        // The kernel never fails a receive for an expired TTL.
        if (code >>> 0 === winsock.SIO_UDP_CONNRESET) {
          socket.reportsReset = input.some((byte) => byte !== 0);
          if (!socket.reportsReset) socket.pendingReset = 0;
        }
        return 0;
      default:
        return WSAEOPNOTSUPP;
    }
  }

  /** Puts an address into the kernel's form; its length or minus an error. */
  #setAddress(address: Uint8Array): number {
    if (address.length < SOCKADDR_INET.size) return -WSAEFAULT;
    const bytes = this.#kernel.address;
    bytes.set(address.subarray(0, SOCKADDR_INET.size));
    const family = bytes[0]! | bytes[1]! << 8;
    if (family === winsock.AF_INET) return SOCKADDR_IN_SIZE;
    if (family !== winsock.AF_INET6) return -WSAEAFNOSUPPORT;
    bytes[0] = linux.AF_INET6;
    return SOCKADDR_INET.size;
  }

  #outcome(result: number): number {
    return result < 0 ? this.#error() : 0;
  }

  #error(): number {
    return winsockError(this.#kernel.errno[0]!);
  }
}

/** Copies 28 address bytes into a registration. */
export function copyAddress(
  source: Uint8Array,
  target: DataView,
  offset: number,
): void {
  for (let i = 0; i < SOCKADDR_INET.size; i++) {
    target.setUint8(offset + i, source[i]!);
  }
}

/** The local address of a socket, asked for once until it changes. */
export function readLocalAddress(
  kernel: Kernel,
  socket: LinuxSocket,
): Uint8Array {
  if (socket.local !== null) return socket.local;
  const { symbols, address, length } = kernel;
  const local = new Uint8Array(SOCKADDR_INET.size);
  length[0] = address.length;
  if (symbols.getsockname(socket.fd, address, length) === 0) {
    fromKernelAddress(address, local);
    // Without a port it is not bound yet, and will be.
    if (local[2] !== 0 || local[3] !== 0) socket.local = local;
  }
  return local;
}

/** The address of a connection's peer, asked for once. */
export function readRemoteAddress(
  kernel: Kernel,
  socket: LinuxSocket,
): Uint8Array {
  if (socket.remote !== null) return socket.remote;
  const { symbols, address, length } = kernel;
  const remote = new Uint8Array(SOCKADDR_INET.size);
  length[0] = address.length;
  if (symbols.getpeername(socket.fd, address, length) === 0) {
    fromKernelAddress(address, remote);
    socket.remote = remote;
  }
  return remote;
}

/** Copies a kernel address into Winsock's form. */
function fromKernelAddress(source: Uint8Array, target: Uint8Array): void {
  const ipv6 = source[0] === linux.AF_INET6;
  target.fill(0, 0, SOCKADDR_INET.size);
  target.set(
    source.subarray(0, ipv6 ? SOCKADDR_INET.size : SOCKADDR_IN_SIZE),
  );
  if (ipv6) target[0] = winsock.AF_INET6;
}

/** Whether an address without a family ends a datagram association. */
function dissolves(socket: LinuxSocket, address: Uint8Array): boolean {
  return !socket.stream && address[0] === 0 && address[1] === 0;
}

function pick(socket: LinuxSocket): ControlChoice {
  const { packetInfo, receivesTos, receivesEcn } = socket;
  return { packetInfo, receivesTos, receivesEcn };
}
