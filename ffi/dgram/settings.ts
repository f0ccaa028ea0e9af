/**
 * The options of a socket: times to live, broadcast, sizes of buffers.
 *
 * @module
 */
import type { RioSocket } from "../session/socket.ts";
import type { RioSocketOption } from "../session/socket_options.ts";
import {
  badBufferSize,
  bufferSizeError,
  systemCode,
  systemError,
} from "./errors.ts";

/** Linux counts what it needs itself, and so does Node there. */
const SIZE_FACTOR = Deno.build.os === "linux" ? 2 : 1;

const SIZES = {
  receive: { option: "receiveBufferSize", syscall: "uv_recv_buffer_size" },
  send: { option: "sendBufferSize", syscall: "uv_send_buffer_size" },
} as const;

/**
 * Calls the system for a socket.
 *
 * @param socket The socket; nothing where there is none yet.
 * @param syscall What Node calls it.
 * @throws {Error} What the system said, or `EBADF` where there is no socket.
 */
export function calling(
  socket: RioSocket | undefined,
  syscall: string,
  call: (socket: RioSocket) => void,
): void {
  if (socket === undefined) throw systemError("EBADF", syscall);
  try {
    call(socket);
  } catch (error) {
    const code = systemCode(error);
    throw code === undefined ? error : systemError(code, syscall);
  }
}

/**
 * Sets an option that is a number within bounds.
 *
 * @throws {Error} `EINVAL` if it is not, else what the system said.
 */
export function setNumber(
  socket: RioSocket | undefined,
  { syscall, option, bounds: [least, most], value }: {
    syscall: string;
    option: RioSocketOption;
    bounds: readonly [least: number, most: number];
    value: number;
  },
): void {
  const whole = value | 0;
  if (whole < least || whole > most) throw systemError("EINVAL", syscall);
  calling(socket, syscall, (socket) => socket.setOption(option, whole));
}

/**
 * Sets the size of a buffer; 0 changes nothing.
 *
 * @throws {TypeError} `ERR_SOCKET_BAD_BUFFER_SIZE`
 * @throws {Error} `ERR_SOCKET_BUFFER_SIZE`
 */
export function setBufferSize(
  socket: RioSocket | undefined,
  which: keyof typeof SIZES,
  size: number,
): void {
  if (typeof size !== "number" || size >>> 0 !== size) throw badBufferSize();
  const { option, syscall } = SIZES[which];
  if (size > 0x7FFFFFFF) throw bufferSizeError("EINVAL", syscall);
  sizing(socket, syscall, (socket) => {
    if (size > 0) socket.setOption(option, size);
  });
}

/**
 * The size of a buffer, as the system counts it.
 *
 * @throws {Error} `ERR_SOCKET_BUFFER_SIZE`
 */
export function bufferSize(
  socket: RioSocket | undefined,
  which: keyof typeof SIZES,
): number {
  const { option, syscall } = SIZES[which];
  return sizing(
    socket,
    syscall,
    (socket) => socket.getOption(option) * SIZE_FACTOR,
  );
}

function sizing<T>(
  socket: RioSocket | undefined,
  syscall: string,
  call: (socket: RioSocket) => T,
): T {
  if (socket === undefined) throw bufferSizeError("EBADF", syscall);
  try {
    return call(socket);
  } catch (error) {
    const code = systemCode(error);
    throw code === undefined ? error : bufferSizeError(code, syscall);
  }
}
