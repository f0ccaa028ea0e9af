/**
 * Registered I/O for Deno.
 *
 * Datagrams and streams through buffers that are registered with the kernel
 * once and used again for every request. On Windows this is Winsock Registered
 * I/O (RIO), called through Deno FFI; on Linux the same program runs on the
 * kernel's own batched socket calls.
 *
 * A {@linkcode RioSession} owns everything: declared with `using`, it
 * deregisters every buffer exactly once, on every path, and never while a
 * request still uses it.
 *
 * Programs need `--allow-ffi`, without a path, and `--allow-net`.
 *
 * @example Send a datagram to oneself
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(4096);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * await socket.connect(socket.address);
 *
 * const [inbox, outbox] = [buffer.slice(0, 2048), buffer.slice(2048)];
 * const { written } = new TextEncoder().encodeInto("hello", outbox.bytes);
 * socket.receive(inbox);
 * socket.send(buffer.slice(2048, written));
 *
 * for await (const batch of socket.completions) {
 *   const received = batch.find(({ kind }) => kind === "receive");
 *   if (!received) continue;
 *   const text = inbox.bytes.subarray(0, received.bytesTransferred);
 *   console.log(new TextDecoder().decode(text)); // hello
 *   break;
 * }
 * ```
 *
 * @module
 */
export {
  ADDRESS_SIZE,
  type IpAddress,
  readAddress,
  writeAddress,
} from "./ffi/address.ts";
export type { RioFunctionName } from "./ffi/constants.ts";
export type {
  RioBackendName,
  RioCallPath,
  RioEngine,
  RioWaitWay,
} from "./ffi/contract.ts";
export {
  RioBufferInUseError,
  RioClosedError,
  RioError,
  type RioErrorOptions,
} from "./ffi/errors.ts";
export type { RioFeatures } from "./ffi/features.ts";
export {
  type RioSessionOptions,
  type RioSupport,
  rioSupport,
} from "./ffi/open.ts";
export { RioBuffer, RioSlice } from "./ffi/session/buffer.ts";
export { RioListener } from "./ffi/session/listener.ts";
export type {
  RioBindOptions,
  RioListenerOptions,
  RioSocketOptions,
} from "./ffi/session/open_socket.ts";
export type { RioReceiveOptions, RioSendOptions } from "./ffi/session/post.ts";
export {
  RioCompletionQueue,
  type RioCompletionQueueOptions,
  type RioNotificationMode,
} from "./ffi/session/queue.ts";
export type { RioQueueOptions } from "./ffi/session/request_queue.ts";
export type { RioCompletion } from "./ffi/session/completion.ts";
export { RioEndpoint } from "./ffi/session/endpoint.ts";
export { RioSession, type RioStats } from "./ffi/session/session.ts";
export { RioSocket } from "./ffi/session/socket.ts";
export type { RioSocketOption } from "./ffi/session/socket_options.ts";
export {
  CONTROL_SIZE,
  readControl,
  type RioControlInfo,
  type RioSendControl,
  writeControl,
} from "./ffi/control.ts";
export { RioDatagramConn } from "./ffi/net/datagrams/conn.ts";
export type {
  RioDatagramReceiveOptions,
  RioDatagramStats,
} from "./ffi/net/datagrams/receive_options.ts";
export {
  type RioDatagram,
  RioDatagramBatch,
  type RioReceivedDatagram,
} from "./ffi/net/datagrams/batch.ts";
export {
  listenDatagram,
  type RioListenDatagramOptions,
} from "./ffi/net/datagrams/listen_datagram.ts";
export { sharedStats } from "./ffi/net/shared_session.ts";
export {
  RioMembership,
  type RioMembershipOptions,
} from "./ffi/net/datagrams/multicast.ts";
export { connect, type RioConnectOptions } from "./ffi/net/streams/connect.ts";
export { listen, type RioListenOptions } from "./ffi/net/streams/listen.ts";
export { RioTcpConn } from "./ffi/net/streams/conn.ts";
export { RioTcpListener } from "./ffi/net/streams/listener.ts";
export type { RioDatagramSendOptions } from "./ffi/net/datagrams/manner.ts";
export type { RioDestination } from "./ffi/net/datagrams/addresses.ts";
