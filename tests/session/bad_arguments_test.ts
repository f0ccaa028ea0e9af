/**
 * Mistakes in what opens, resizes, connects and sets.
 *
 * @module
 */

import { type Case, GiB4, refuses, udp, wrong } from "./refusal.ts";

const CASES: readonly Case[] = [
  ...([0, -1, 1.5, NaN, Infinity, GiB4, 2 ** 40] as const).map((size): Case => [
    `registerBuffer(${size})`,
    "size",
    RangeError,
    ({ session }) => session.registerBuffer(size),
  ]),
  ...[
    "10",
    null,
    undefined,
    10n,
    {},
    [],
    new ArrayBuffer(8),
    new Uint16Array(8),
    new DataView(new ArrayBuffer(8)),
    Symbol("x"),
  ]
    .map((source, i): Case => [
      `registerBuffer() of ${typeof source} ${
        Object.prototype.toString.call(source)
      } (${i})`,
      "source",
      TypeError,
      ({ session }) => session.registerBuffer(wrong(source)),
    ]),
  [
    "registerBuffer() of an empty array",
    "source.byteLength",
    RangeError,
    ({ session }) => session.registerBuffer(new Uint8Array()),
  ],
  [
    "registerBuffer() of a resizable array",
    "source",
    TypeError,
    ({ session }) =>
      session.registerBuffer(
        new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
      ),
  ],
  [
    "registerBuffer() of a growable array",
    "source",
    TypeError,
    ({ session }) =>
      session.registerBuffer(
        new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 16 })),
      ),
  ],
  [
    "registerBuffer() of a detached array",
    "source",
    TypeError,
    ({ session }) => {
      const bytes = new Uint8Array(8);
      structuredClone(bytes, { transfer: [bytes.buffer] });
      session.registerBuffer(bytes);
    },
  ],
  ...([-1, 101, 1.5, NaN, GiB4] as const).flatMap((value): Case[] => [
    [
      `slice(${value})`,
      "offset",
      RangeError,
      ({ buffer }) => buffer.slice(value),
    ],
    [
      `slice(0, ${value})`,
      "length",
      RangeError,
      ({ buffer }) => buffer.slice(0, value),
    ],
  ]),
  [
    "slice() over the end",
    "length",
    RangeError,
    ({ buffer }) => buffer.slice(90, 11),
  ],
  [
    "slice() with an offset that is text",
    "offset",
    TypeError,
    ({ buffer }) => buffer.slice(wrong("1")),
  ],
  [
    "slice() with a length that is null",
    "length",
    TypeError,
    ({ buffer }) => buffer.slice(0, wrong(null)),
  ],
  ...([0, -1, 1.5, NaN, 0x8000001] as const).map((capacity): Case => [
    `createCompletionQueue() of capacity ${capacity}`,
    "capacity",
    RangeError,
    ({ session }) => session.createCompletionQueue({ capacity }),
  ]),
  [
    "createCompletionQueue() of capacity null",
    "capacity",
    TypeError,
    ({ session }) => session.createCompletionQueue({ capacity: wrong(null) }),
  ],
  ...["", "IOCP", "poll", null, 1].map((notification): Case => [
    `createCompletionQueue() with notification ${JSON.stringify(notification)}`,
    "notification",
    TypeError,
    ({ session }) =>
      session.createCompletionQueue({ notification: wrong(notification) }),
  ]),
  ...[undefined, "", "UDP", "sctp", 1].map((transport): Case => [
    `openSocket() with transport ${JSON.stringify(transport)}`,
    "transport",
    TypeError,
    udp({ transport: wrong(transport) }),
  ]),
  ...["localhost", "example.com", "", "1.2.3", "::1%lo", "[::1]", "1.2.3.4:5"]
    .map((hostname): Case => [
      `openSocket() on hostname ${JSON.stringify(hostname)}`,
      "hostname",
      TypeError,
      udp({ hostname }),
    ]),
  [
    "openSocket() on hostname null",
    "hostname",
    TypeError,
    udp({ hostname: wrong(null) }),
  ],
  ...[-1, 65_536, 1.5, NaN].map((
    port,
  ): Case => [
    `openSocket() on port ${port}`,
    "port",
    RangeError,
    udp({ port }),
  ]),
  [
    "openSocket() on a port that is text",
    "port",
    TypeError,
    udp({ port: wrong("80") }),
  ],
  ["openSocket() on port null", "port", TypeError, udp({ port: wrong(null) })],
  ...[-1, 1.5, NaN, 0x8000001].flatMap((value): Case[] => [
    [
      `openSocket() with ${value} receives`,
      "receives",
      RangeError,
      udp({ receives: value }),
    ],
    [
      `openSocket() with ${value} sends`,
      "sends",
      RangeError,
      udp({ sends: value }),
    ],
  ]),
  [
    "openSocket() without receives and sends",
    "receives and sends",
    RangeError,
    udp({ receives: 0, sends: 0 }),
  ],
  [
    "openSocket() with receives that are text",
    "receives",
    TypeError,
    udp({ receives: wrong("1") }),
  ],
  [
    "openSocket() of UDP with a backlog",
    "backlog",
    TypeError,
    udp({ backlog: wrong(1) }),
  ],
  ...[0, -1, 1.5].map((
    backlog,
  ): Case => [
    `openSocket() of TCP with backlog ${backlog}`,
    "backlog",
    RangeError,
    udp({ transport: "tcp", backlog: wrong(backlog) }),
  ]),
  [
    "openSocket() with completions that are no queue",
    "completions",
    TypeError,
    udp({ completions: wrong({}) }),
  ],
  [
    "openSocket() with completions null",
    "completions",
    TypeError,
    udp({ completions: wrong(null) }),
  ],
  [
    "openSocket() with one of two queues",
    "completions",
    TypeError,
    (given) => udp({ completions: wrong({ receive: given.queue }) })(given),
  ],
  [
    "openSocket() with a queue of another session",
    "completions",
    TypeError,
    (given) => udp({ completions: given.foreign.queue })(given),
  ],
  [
    "openSocket() with an unknown notification",
    "notification",
    TypeError,
    udp({ notification: wrong("poll") }),
  ],
  [
    "commit() in an unknown direction",
    "direction",
    TypeError,
    ({ socket }) => socket.commit(wrong("both")),
  ],
  [
    "shutdown() in an unknown direction",
    "direction",
    TypeError,
    ({ stream }) => stream.shutdown(wrong("write")),
  ],
  [
    "connect() to a name",
    "hostname",
    TypeError,
    ({ socket }) => socket.connect({ hostname: "localhost", port: 80 }),
  ],
  [
    "connect() of an IPv4 socket to IPv6",
    "hostname",
    TypeError,
    ({ socket }) => socket.connect({ hostname: "::1", port: 80 }),
  ],
  [
    "connect() to port 65536",
    "port",
    RangeError,
    ({ socket }) => socket.connect({ hostname: "127.0.0.1", port: 65_536 }),
  ],
  [
    "connect() without a port",
    "port",
    TypeError,
    ({ socket }) => socket.connect(wrong({ hostname: "127.0.0.1" })),
  ],
  [
    "accept() with -1 receives",
    "receives",
    RangeError,
    ({ listener }) => listener.accept({ receives: -1 }),
  ],
  [
    "accept() without receives and sends",
    "receives and sends",
    RangeError,
    ({ listener }) => listener.accept({ receives: 0, sends: 0 }),
  ],
  [
    "accept() with a queue of another session",
    "completions",
    TypeError,
    ({ listener, foreign }) => listener.accept({ completions: foreign.queue }),
  ],
  [
    "accept() with an unknown notification",
    "notification",
    TypeError,
    ({ listener }) => listener.accept({ notification: wrong("x") }),
  ],
  [
    "writeAddress() of IPv6 on an IPv4 socket",
    "hostname",
    TypeError,
    ({ socket, buffer }) =>
      socket.writeAddress(buffer.slice(), { hostname: "::1", port: 80 }),
  ],
  [
    "writeAddress() into 27 bytes",
    "27 bytes",
    RangeError,
    ({ socket, buffer }) =>
      socket.writeAddress(buffer.slice(0, 27), {
        hostname: "127.0.0.1",
        port: 80,
      }),
  ],
  [
    "resize() of a queue to 0",
    "capacity",
    RangeError,
    ({ queue }) => queue.resize(0),
  ],
  [
    "resize() of a queue to null",
    "capacity",
    TypeError,
    ({ queue }) => queue.resize(wrong(null)),
  ],
  [
    "resize() of a socket to -1 sends",
    "sends",
    RangeError,
    ({ socket }) => socket.resize({ sends: -1 }),
  ],
  [
    "resize() of a socket to nothing",
    "receives and sends",
    RangeError,
    ({ socket }) => socket.resize({ receives: 0, sends: 0 }),
  ],
  ...[0, -1, 1.5, NaN].flatMap((max): Case[] => [
    [`dequeue(${max})`, "max", RangeError, ({ queue }) => queue.dequeue(max)],
    [
      `walk(visit, ${max})`,
      "max",
      RangeError,
      ({ queue }) => queue.walk(() => {}, max),
    ],
  ]),
  [
    "walk(visit, 65)",
    "max",
    RangeError,
    ({ queue }) => queue.walk(() => {}, 65),
  ],
  [
    "dequeue() of text",
    "max",
    TypeError,
    ({ queue }) => queue.dequeue(wrong("1")),
  ],
  [
    "setOption() of an unknown option",
    "option",
    TypeError,
    ({ socket }) => socket.setOption(wrong("toString"), 1),
  ],
  [
    "getOption() of an unknown option",
    "option",
    TypeError,
    ({ socket }) => socket.getOption(wrong("nope")),
  ],
  [
    "setOption() to text",
    "value",
    TypeError,
    ({ socket }) => socket.setOption("broadcast", wrong("1")),
  ],
  [
    "setOption() to nothing",
    "value",
    TypeError,
    ({ socket }) => socket.setOption("broadcast", wrong(undefined)),
  ],
  [
    "setOption() to NaN",
    "value",
    RangeError,
    ({ socket }) => socket.setOption("timeToLive", NaN),
  ],
  [
    "setOption() to 1.5",
    "value",
    RangeError,
    ({ socket }) => socket.setOption("timeToLive", 1.5),
  ],
  [
    "setOption() to 2 ** 32",
    "value",
    RangeError,
    ({ socket }) => socket.setOption("timeToLive", GiB4),
  ],
];

refuses(CASES);
