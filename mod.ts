/**
 * Fast UDP and TCP sockets for Deno: a drop-in for Deno's own, datagrams in
 * batches, and Registered I/O underneath.
 *
 * {@linkcode listenDatagram}, {@linkcode connect} and {@linkcode listen} have
 * the shapes of `Deno.listenDatagram`, `Deno.connect` and `Deno.listen`: change
 * the import, and keep the program. A datagram socket also takes all that has
 * arrived with {@linkcode RioDatagramConn.receiveMany}, and sends many with
 * {@linkcode RioDatagramConn.sendMany}, with one call to the system.
 *
 * Below them is {@linkcode RioSession}: buffers that are registered with the
 * kernel once and used again for every request. On Windows that is Winsock
 * Registered I/O (RIO), called through Deno FFI; on Linux the same program runs
 * on the kernel's own batched socket calls. Declared with `using`, a session
 * deregisters every buffer exactly once, on every path, and never while a
 * request still uses it.
 *
 * Programs need `--allow-ffi`, without a path, and `--allow-net`. Guides are
 * beside the sources, and linked from the README: five steps from Deno's
 * sockets, connections, Registered I/O in five minutes, `node:dgram`, and
 * running in production. `deno run -A jsr:@winsock/rio/doctor` tells what works
 * on a machine.
 *
 * @example UDP: change the import, keep the program
 * ```ts
 * import { listenDatagram } from "@winsock/rio";
 *
 * using conn = listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
 * await conn.send(new TextEncoder().encode("hello"), conn.addr);
 * const [data, from] = await conn.receive();
 * console.log(new TextDecoder().decode(data), from.port); // "hello", its own port
 * ```
 *
 * @example UDP in batches: echo all that has arrived, with one call
 * ```ts
 * import { listenDatagram, type RioDatagramConn } from "@winsock/rio";
 *
 * async function echo(conn: RioDatagramConn) {
 *   for (;;) {
 *     using batch = await conn.receiveMany(); // rejected when it is closed
 *     await conn.sendMany(batch);
 *   }
 * }
 *
 * using server = listenDatagram({ hostname: "127.0.0.1" });
 * echo(server).catch(() => {});
 *
 * using client = listenDatagram({ hostname: "127.0.0.1" });
 * await client.connect(server.addr);
 * await client.send(new Uint8Array([1, 2, 3]));
 * const signal = AbortSignal.timeout(2000);
 * const [answer] = await client.receive(undefined, { signal });
 * console.log(answer); // Uint8Array [1, 2, 3]
 * ```
 *
 * @example TCP: a server and a client
 * ```ts
 * import { connect, listen } from "@winsock/rio";
 *
 * using listener = listen({ hostname: "127.0.0.1" });
 * const serving = listener.accept().then(async (conn) => {
 *   await conn.readable.pipeTo(conn.writable); // closes the connection
 * });
 *
 * using conn = await connect({ hostname: "127.0.0.1", port: listener.addr.port });
 * await conn.write(new TextEncoder().encode("hello"));
 * await conn.closeWrite();
 * console.log(await new Response(conn.readable).text()); // "hello"
 * await serving;
 * ```
 *
 * @example Registered I/O: send a datagram to oneself
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

// In the order in which a reader needs them, which the documentation keeps:
// datagrams, connections, sessions and what they own, errors; constants last.
export {
  listenDatagram,
  type RioListenDatagramOptions,
} from "./ffi/net/datagrams/listen_datagram.ts";
export { connect, type RioConnectOptions } from "./ffi/net/streams/connect.ts";
export { listen, type RioListenOptions } from "./ffi/net/streams/listen.ts";
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
export type { RioDatagramSendOptions } from "./ffi/net/datagrams/manner.ts";
export type { RioDestination } from "./ffi/net/datagrams/addresses.ts";
export {
  RioMembership,
  type RioMembershipOptions,
} from "./ffi/net/datagrams/multicast.ts";
export { RioTcpConn } from "./ffi/net/streams/conn.ts";
export { RioTcpListener } from "./ffi/net/streams/listener.ts";
export { sharedStats } from "./ffi/net/shared_session.ts";
export { RioSession, type RioStats } from "./ffi/session/session.ts";
export {
  type RioSessionOptions,
  type RioSupport,
  rioSupport,
} from "./ffi/open.ts";
export type { RioFeatures } from "./ffi/features.ts";
export type {
  RioBackendName,
  RioCallPath,
  RioEngine,
  RioWaitWay,
} from "./ffi/contract.ts";
export { RioBuffer, RioSlice } from "./ffi/session/buffer.ts";
export { RioSocket } from "./ffi/session/socket.ts";
export type {
  RioBindOptions,
  RioListenerOptions,
  RioSocketOptions,
} from "./ffi/session/open_socket.ts";
export type { RioQueueOptions } from "./ffi/session/request_queue.ts";
export type { RioReceiveOptions, RioSendOptions } from "./ffi/session/post.ts";
export { RioCompletionQueue } from "./ffi/session/queue.ts";
export type {
  RioCompletionQueueOptions,
  RioNotificationMode,
} from "./ffi/session/queue_options.ts";
export type { RioCompletion } from "./ffi/session/completion.ts";
export { RioListener } from "./ffi/session/listener.ts";
export { RioEndpoint } from "./ffi/session/endpoint.ts";
export type { RioSocketOption } from "./ffi/session/socket_options.ts";
export {
  RioBufferInUseError,
  RioClosedError,
  RioError,
  type RioErrorOptions,
} from "./ffi/errors.ts";
export {
  readControl,
  type RioControlInfo,
  type RioSendControl,
  writeControl,
} from "./ffi/control.ts";
export { type IpAddress, readAddress, writeAddress } from "./ffi/address.ts";
export type { RioFunctionName } from "./ffi/constants.ts";
export { CONTROL_SIZE } from "./ffi/control.ts";
export { ADDRESS_SIZE } from "./ffi/address.ts";
