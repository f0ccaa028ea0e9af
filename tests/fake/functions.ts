/**
 * The functions behind the pointers, with counts and scripted failures.
 *
 * @module
 */
import { bytesAt } from "./memory.ts";
import type { Bodies, Value } from "./pointers.ts";
import { type Post, post } from "./post.ts";
import type { Direction } from "./queues.ts";
import type { Rio, RioOptions } from "./rio.ts";
import type { Script } from "./script.ts";
import type { Sockets } from "./sockets.ts";

/** The 13 RIO functions, `ConnectEx` and `AcceptEx`. */
export function makeBodies(
  script: Script,
  sockets: Sockets,
  rio: Rio,
  options: RioOptions,
): Bodies {
  const run = script.run.bind(script);
  const zero = () => 0;
  const posting = { rio, options };
  const short = (direction: Direction, values: Value[]) => {
    const [queue, data, number, flags, context] = values;
    return post(posting, direction, {
      queue,
      data,
      count: number,
      local: 0n,
      remote: 0n,
      control: 0n,
      messageFlags: 0n,
      flags,
      context,
    } as Post);
  };
  const long = (direction: Direction, values: Value[]) => {
    const [
      queue,
      data,
      number,
      local,
      remote,
      control,
      messageFlags,
      flags,
      context,
    ] = values;
    return post(posting, direction, {
      queue,
      data,
      count: number,
      local,
      remote,
      control,
      messageFlags,
      flags,
      context,
    } as Post);
  };
  const n = Number;
  const b = (value?: Value) => BigInt(value!);
  return {
    RIOReceive: (...v) => run("RIOReceive", zero, () => short("receive", v)),
    RIOReceiveEx: (...v) => run("RIOReceiveEx", zero, () => long("receive", v)),
    RIOSend: (...v) => run("RIOSend", zero, () => short("send", v)),
    RIOSendEx: (...v) => run("RIOSendEx", zero, () => long("send", v)),
    RIOCloseCompletionQueue: (queue) =>
      run(
        "RIOCloseCompletionQueue",
        () => {},
        () => rio.completionQueues.close(b(queue)),
      ),
    RIOCreateCompletionQueue: (size, descriptor) =>
      run(
        "RIOCreateCompletionQueue",
        () => 0n,
        () => rio.completionQueues.create(n(size), b(descriptor)),
      ),
    RIOCreateRequestQueue: (...v) =>
      run("RIOCreateRequestQueue", () => 0n, () =>
        rio.createRequestQueue(
          b(v[0]),
          n(v[1]),
          n(v[2]),
          n(v[3]),
          n(v[4]),
          b(v[5]),
          b(v[6]),
          b(v[7]),
        )),
    RIODequeueCompletion: (queue, array, size) =>
      run(
        "RIODequeueCompletion",
        () => 0xFFFFFFFF,
        () => rio.completionQueues.dequeue(b(queue), b(array), n(size)),
      ),
    RIODeregisterBuffer: (id) =>
      run(
        "RIODeregisterBuffer",
        () => {},
        () => rio.deregisterBuffer(b(id)),
      ),
    RIONotify: (queue) =>
      run(
        "RIONotify",
        (errno) => errno,
        () => rio.completionQueues.notify(b(queue)),
      ),
    RIORegisterBuffer: (address, length) =>
      run(
        "RIORegisterBuffer",
        () => 0xFFFFFFFFn,
        () => rio.registerBuffer(b(address), n(length)),
      ),
    RIOResizeCompletionQueue: (queue, size) =>
      run(
        "RIOResizeCompletionQueue",
        zero,
        () => rio.completionQueues.resize(b(queue), n(size)),
      ),
    RIOResizeRequestQueue: (queue, receives, sends) =>
      run(
        "RIOResizeRequestQueue",
        zero,
        () => rio.resizeRequestQueue(b(queue), n(receives), n(sends)),
      ),
    ConnectEx: (socket, name, size, _data, _length, _sent, overlapped) =>
      run(
        "ConnectEx",
        zero,
        () => sockets.connectEx(b(socket), b(name), n(size), b(overlapped)),
      ),
    LCMapStringEx: (_locale, _flags, source, size, target) => {
      // It maps to capital letters only.
      const from = bytesAt(b(source), 2 * n(size));
      bytesAt(b(target), 2 * n(size)).set(
        from.map((byte) => byte > 0 ? byte - 32 : 0),
      );
      return n(size);
    },
    VerSetConditionMask: (mask, type, condition) =>
      run(
        "VerSetConditionMask",
        () => 0n,
        () => setConditionMask(b(mask), n(type), n(condition)),
      ),
    AcceptEx: (...v) =>
      run("AcceptEx", zero, () =>
        sockets.acceptEx(
          b(v[0]),
          b(v[1]),
          b(v[2]),
          [n(v[3]), n(v[4]), n(v[5])],
          b(v[7]),
        )),
  };
}

/** `VerSetConditionMask` for a type with one bit. */
export function setConditionMask(
  mask: bigint,
  type: number,
  condition: number,
): bigint {
  return mask | BigInt(condition) << BigInt(3 * Math.log2(type));
}
