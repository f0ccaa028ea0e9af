/**
 * One datagram with control messages, without a request: the calls that take
 * none know nothing of where a datagram arrived, or should leave from.
 *
 * @module
 */
import { WSAEMSGSIZE } from "../error_numbers.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { allocate } from "../memory.ts";
import { lengthOf, partOf } from "../plain_bytes.ts";
import { packetDestination } from "./control.ts";
import type { LinuxLibrary } from "./library.ts";
import { type MessageMemory, Messages } from "./messages.ts";
import { MSGHDR } from "./msghdr.ts";
import { Registration } from "./registration.ts";
import { copyAddress } from "./sockaddr.ts";
import type { LinuxSocket } from "./socket.ts";

/** Bytes of the longest datagram, and one more. */
const MOST = 65536;

/** What the calls use while they run, made by the first one. */
interface Parts {
  readonly receives: Messages;
  readonly sends: Messages;
  readonly data: Registration;
  readonly bytes: Uint8Array;
}

/**
 * Receives and sends one datagram at a time, for all sockets of a thread: the
 * kernel has no use of the memory between two calls.
 */
export class DirectMessages {
  readonly #memory: MessageMemory;
  #parts: Parts | null = null;

  /** Takes where the headers are made; allocates nothing yet. */
  constructor(memory: MessageMemory) {
    this.#memory = memory;
  }

  /** Makes one `recvmsg`; its bytes, or -1. */
  receive(
    { symbols }: LinuxLibrary,
    fd: number,
    into: Uint8Array,
    flags: number,
  ): number {
    const { receives, data, bytes } = this.#made;
    const length = Math.min(lengthOf(into), MOST);
    receives.set(0, data, 0, length);
    receives.want(0, true, true);
    const got = symbols.recvmsg(fd, receives.headerAddress(0), flags);
    // With some flags it is the length of the datagram, also of one that is cut.
    const count = Math.min(got, length);
    if (count > 0) partOf(into, 0, count).set(bytes.subarray(0, count));
    return got;
  }

  /** Copies where the datagram just received came from, and where it arrived. */
  tell(socket: LinuxSocket, address: Uint8Array, local: Uint8Array): void {
    const { receives } = this.#made;
    address.fill(0, 0, SOCKADDR_INET.size);
    receives.readName(0, new DataView(address.buffer, address.byteOffset), 0);
    const view = new DataView(local.buffer, local.byteOffset);
    copyAddress(socket.local, 0, view, 0);
    const { scratch } = this.#memory;
    const length = receives.field(0, MSGHDR.controlLength);
    packetDestination(scratch.control, scratch.controlAt(0), length, view, 0);
  }

  /**
   * Copies what is sent.
   *
   * @param address Where it goes; `null` for the peer of the socket.
   * @param control The control messages, as `RIOSendEx` takes them.
   * @returns 0, or an error number.
   */
  prepare(
    socket: LinuxSocket,
    from: Uint8Array,
    address: Uint8Array | null,
    control: Uint8Array,
  ): number {
    const { sends, data, bytes } = this.#made;
    const length = lengthOf(from);
    if (length > MOST) return WSAEMSGSIZE;
    bytes.set(from);
    sends.set(0, data, 0, length);
    const { buffer, byteOffset, byteLength } = control;
    const view = new DataView(buffer, byteOffset, byteLength);
    const errno = sends.setControl(0, view, 0, byteLength, socket);
    if (errno !== 0 || address === null) return errno;
    return sends.setName(
      0,
      new DataView(address.buffer, address.byteOffset),
      0,
    );
  }

  /** Makes one `sendmsg` with what was prepared; its bytes, or -1. */
  send({ symbols }: LinuxLibrary, fd: number, flags: number): number {
    return symbols.sendmsg(fd, this.#made.sends.headerAddress(0), flags);
  }

  get #made(): Parts {
    if (this.#parts !== null) return this.#parts;
    const memory = allocate(MOST);
    const make = (sends: boolean) =>
      new Messages(this.#memory, { stream: false, sends, slots: 1 });
    return this.#parts = {
      receives: make(false),
      sends: make(true),
      data: new Registration(memory),
      bytes: memory.bytes,
    };
  }
}
