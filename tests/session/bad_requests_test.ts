/**
 * Mistakes in what is posted.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { RioSlice } from "../../mod.ts";
import { openUdp, sessionTest } from "./harness.ts";
import { type Case, GiB4, type Given, refuses, wrong } from "./refusal.ts";

const CASES: readonly Case[] = [
  ...["send", "receive"].flatMap((verb): Case[] => {
    const post = ({ socket }: Given, ...args: unknown[]) =>
      wrong(socket)[verb](...args);
    return [
      ...[undefined, 0, "x", {}, new Uint8Array(8)].map((slice, i): Case => [
        `${verb}() of ${typeof slice} (${i})`,
        "slice",
        TypeError,
        (given) => post(given, slice),
      ]),
      [
        `${verb}() of a whole buffer`,
        "slice",
        TypeError,
        (given) => post(given, given.buffer),
      ],
      [
        `${verb}() of a slice of another session`,
        "slice",
        TypeError,
        (given) => post(given, given.foreign.buffer.slice()),
      ],
      [
        `${verb}() with an address slice of another session`,
        "remote",
        TypeError,
        (given) =>
          post(given, given.buffer.slice(0, 10), {
            remote: given.foreign.buffer.slice(),
          }),
      ],
      [
        `${verb}() with an address slice of 27 bytes`,
        "remote",
        RangeError,
        (given) =>
          post(given, given.buffer.slice(0, 10), {
            remote: given.buffer.slice(20, 27),
          }),
      ],
      [
        `${verb}() with an address that is no slice`,
        "remote",
        TypeError,
        (given) =>
          post(given, given.buffer.slice(0, 10), {
            remote: { hostname: "127.0.0.1", port: 9 },
          }),
      ],
      ...["remote", "control"].map((name): Case => [
        `${verb}() with null as ${name}`,
        name,
        TypeError,
        (given) => post(given, given.buffer.slice(0, 10), { [name]: null }),
      ]),
      [
        `${verb}() with a control slice of 7 bytes`,
        "control",
        RangeError,
        (given) =>
          post(given, given.buffer.slice(0, 10), {
            control: given.buffer.slice(20, 7),
          }),
      ],
      [
        `${verb}() with flags 8`,
        "flags",
        TypeError,
        (given) => post(given, given.buffer.slice(), { flags: 8 }),
      ],
      [
        `${verb}() with flags 16`,
        "flags",
        RangeError,
        (given) => post(given, given.buffer.slice(), { flags: 16 }),
      ],
      [
        `${verb}() with flags that are text`,
        "flags",
        TypeError,
        (given) => post(given, given.buffer.slice(), { flags: "1" }),
      ],
      [
        `${verb}() with waitAll on UDP`,
        "waitAll",
        TypeError,
        (given) => post(given, given.buffer.slice(), { waitAll: true }),
      ],
      [
        `${verb}() with the flag of waitAll on UDP`,
        "waitAll",
        TypeError,
        (given) => post(given, given.buffer.slice(), { flags: 4 }),
      ],
      [
        `${verb}() of null on TCP`,
        "slice",
        TypeError,
        ({ stream }) => wrong(stream)[verb](null),
      ],
    ];
  }),
  [
    "send() with waitAll on TCP",
    "waitAll",
    TypeError,
    ({ stream, buffer }) =>
      wrong(stream).send(buffer.slice(), { waitAll: true }),
  ],
  [
    "send() with a local slice",
    "local",
    TypeError,
    ({ socket, buffer }) =>
      wrong(socket).send(buffer.slice(0, 10), { local: buffer.slice(20, 28) }),
  ],
  [
    "send() with messageFlags",
    "messageFlags",
    TypeError,
    ({ socket, buffer }) =>
      wrong(socket).send(buffer.slice(0, 10), {
        messageFlags: buffer.slice(20, 4),
      }),
  ],
  [
    "receive() with a local slice of 27 bytes",
    "local",
    RangeError,
    ({ socket, buffer }) =>
      socket.receive(buffer.slice(0, 10), { local: buffer.slice(20, 27) }),
  ],
  [
    "receive() with messageFlags of 3 bytes",
    "messageFlags",
    RangeError,
    ({ socket, buffer }) =>
      socket.receive(buffer.slice(0, 10), {
        messageFlags: buffer.slice(20, 3),
      }),
  ],
];

refuses(CASES);

sessionTest("a slice outside its buffer cannot be made", (open) => {
  using session = open();
  using socket = openUdp(session);
  using buffer = session.registerBuffer(100);
  using _next = session.registerBuffer(100);
  for (const [offset, length] of [[0, 101], [99, 2], [100, 1], [GiB4 - 1, 1]]) {
    assertThrows(
      () => socket.receive(new (wrong(RioSlice))(buffer, offset, length)),
      TypeError,
      "Illegal constructor: use RioBuffer.slice()",
    );
  }
  assertEquals([session.stats().posted, buffer.inFlight], [0, 0]);
}, { misuse: true });
