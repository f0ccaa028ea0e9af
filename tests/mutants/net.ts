/**
 * Deliberate faults in the sockets with Deno's shapes.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

const LEDGER = "ffi/session/ledger.ts";

/** The faults. */
export const net: readonly Mutant[] = [
  {
    name: "nobody dequeues for closed connections when a wait has failed",
    edits: [{
      file: "ffi/net/driver.ts",
      find: "if (party.lingers) this.#linger(party);",
      replace: "",
    }],
    linux: ["tests/net/late_ends_test.ts"],
  },
  {
    name: "a name is permitted by where it leads",
    edits: [{
      file: "ffi/net/hosts.ts",
      find: "requireNet(hostname, port);\n  return permitResolved(",
      replace: "return permitResolved(",
    }],
    linux: ["tests/net/named_permissions_test.ts"],
  },
  {
    name: "a permitted name leads to what is denied",
    edits: [{
      file: "ffi/session/permissions.ts",
      find: 'if (state === "denied") throw notCapable(hostname, port);',
      replace: "",
    }],
    linux: ["tests/net/named_permissions_test.ts"],
  },
  {
    name: "every destination counts as one of a permitted name",
    edits: [{
      file: "ffi/session/permissions.ts",
      find: "return PERMITTED in address;",
      replace: "return PERMITTED in address || true;",
    }],
    linux: ["tests/net/named_permissions_test.ts"],
  },
  {
    name: "a port that the system chose is gone with the peer",
    edits: [{
      file: "ffi/linux/socket.ts",
      find: "portOf(this.#localNow()) === 0 &&",
      replace: "portOf(this.#localNow()) < 0 &&",
    }],
    linux: ["tests/net/local_addresses_test.ts"],
  },
  {
    name: "an answer to a link-local address forgets its interface",
    edits: [{
      file: "ffi/net/given_back.ts",
      find: "zoned.set(given, address.hostname);",
      replace: "",
    }],
    linux: ["tests/net/names_test.ts"],
  },
  {
    name: "a request queue that is made late reserves nothing",
    edits: [{
      file: LEDGER,
      find: "queue.reserved += direction.limit;",
      replace: "",
    }],
    linux: ["tests/net/late_queues_test.ts"],
  },
  {
    name: "a datagram leaves with those of another call",
    edits: [{
      file: "ffi/net/datagrams/train.ts",
      find: "if (!group.joins(slot.group!, count)) return false;",
      replace: "group.joins(slot.group!, count);",
    }],
    linux: ["tests/net/trains_test.ts"],
  },
  {
    name: "a datagram that is awaited overtakes those before it",
    edits: [{
      file: "ffi/net/datagrams/outbox.ts",
      find: "if (!this.isAlone || this.#train.slot !== null) return false;",
      replace: "if (!this.isAlone) return false;",
    }],
    linux: ["tests/net/send_together_test.ts"],
  },
  {
    name: "a datagram has the outcome of the one that it left with",
    edits: [{
      file: "ffi/net/datagrams/outbox.ts",
      find: "first.assertSent(index);",
      replace: "first.assertSent(0);",
    }],
    linux: ["tests/net/send_together_test.ts"],
  },
  {
    name: "a datagram counts as sent that was still to be sent one by one",
    edits: [{
      file: "ffi/net/datagrams/send_group.ts",
      find: "if (index >= this.#known) throw",
      replace: "if (this.#known === 0) throw",
    }],
    linux: ["tests/net/send_together_test.ts"],
  },
  {
    name: "a datagram leaves with those to another port",
    edits: [{
      file: "ffi/net/datagrams/train.ts",
      find: "to?.port !== slot.to?.port || ",
      replace: "",
    }],
    linux: ["tests/net/trains_test.ts"],
  },
  {
    name: "a datagram leaves with those that leave from another address",
    edits: [{
      file: "ffi/net/datagrams/train.ts",
      find: "if (slot.manner !== manner) return false;",
      replace: "",
    }],
    linux: ["tests/net/manner_test.ts", "tests/net/reply_test.ts"],
  },
  {
    name: "a datagram keeps the manner of the one before it in its slot",
    edits: [{
      file: "ffi/net/datagrams/slots.ts",
      find: "this.#cut === cut && this.#manner === manner",
      replace: "this.#cut === cut",
    }],
    linux: ["tests/net/manner_test.ts"],
  },
  {
    name: "ECN goes at the level of the socket's family",
    edits: [{
      file: "ffi/session/post.ts",
      find: "followDestination(control.bytes, goesByIpv4(socket, remote));",
      replace: "goesByIpv4(socket, remote);",
    }],
    linux: ["tests/session/families_test.ts"],
  },
  {
    name: "datagrams that cannot leave together are tried again and again",
    edits: [{
      file: "ffi/net/datagrams/outbox.ts",
      find: "this.#train.refuse(size);",
      replace: "",
    }],
    linux: ["tests/net/trains_test.ts"],
  },
  {
    name: "a slot whose receive was refused is lost",
    edits: [{
      file: "ffi/net/datagrams/receive_slots.ts",
      find: "this.#idle.at(-1);",
      replace: "this.#idle.pop();",
    }, {
      file: "ffi/net/datagrams/receive_slots.ts",
      find:
        `      // Not before: a receive that was refused leaves its slot here.
      this.#idle.pop();
`,
      replace: "",
    }],
    linux: ["tests/net/late_queues_test.ts"],
  },
  {
    name: "a socket of requests is collected while somebody waits for it",
    edits: [{
      file: "ffi/net/half.ts",
      find: "    this.hold.begin();\n",
      replace: "",
    }],
    linux: ["tests/net/dropped_test.ts"],
  },
  {
    name: "a connection is collected while somebody waits for it",
    edits: [{
      file: "ffi/net/streams/direct.ts",
      find: "    this.hold.begin();\n",
      replace: "",
    }],
    linux: ["tests/net/dropped_test.ts"],
  },
  {
    name: "what is cut apart here is sent from its begin each time",
    edits: [{
      file: "ffi/linux/segments.ts",
      find: "    messages.advance(slot, length);\n",
      replace: "",
    }],
    linux: ["tests/net/uncut_test.ts"],
  },
  {
    name: "an error of the kernel loses its own number",
    edits: [{
      file: "ffi/linux/errno.ts",
      find: "errno * OWN + COUNTERPARTS[name]!",
      replace: "COUNTERPARTS[name]!",
    }],
    linux: ["tests/linux/errno_test.ts"],
  },
  {
    name: "sendMany() tells the last datagram that failed",
    edits: [{
      file: "ffi/net/datagrams/send_group.ts",
      find: "    if (index >= this.failedIndex) return;\n",
      replace: "",
    }],
    linux: ["tests/net/send_many_errors_test.ts"],
  },
  {
    name: "a connection that there is no memory for is closed",
    edits: [{
      file: "ffi/session/listener.ts",
      find: "if (record.kept === null || !isExhausted(error)) {",
      replace: "{",
    }],
    linux: ["tests/net/tcp_exhausted_test.ts"],
  },
  {
    name: "a connection that is kept outlasts its listener",
    edits: [{
      file: LEDGER,
      find: "if (record.kept !== null) this.closeSocket(record.kept);",
      replace: "",
    }],
    linux: ["tests/net/tcp_exhausted_test.ts"],
  },
  {
    name: "the end of conn.readable closes in the middle of a write",
    edits: [{
      file: "ffi/net/streams/conn.ts",
      find:
        "if (this.#says && (this.#late > 0 || this.#writable?.isPiped)) return;",
      replace: "",
    }],
    linux: ["tests/net/tcp_half_closed_test.ts"],
  },
  {
    name: "a slot is given to somebody else while it sends one by one",
    edits: [{
      file: "ffi/net/datagrams/sender.ts",
      find: "if (slot.rest === null || !this.#sendNext(slot, group)) {",
      replace: "if (slot.rest !== null) this.#sendNext(slot, group);\n    {",
    }],
    linux: ["tests/net/trains_test.ts"],
  },
  {
    name: "a send fails for an earlier datagram",
    edits: [{
      file: "ffi/linux/reports.ts",
      find: "REPORTS.has(code) && ++this.#attempts < ATTEMPTS",
      replace: "false",
    }],
    linux: ["tests/linux/reports_test.ts"],
  },
  {
    name: "a path that takes less fails the next call",
    edits: [{
      file: "ffi/linux/reports.ts",
      find: "  [errno.EMSGSIZE, 0],\n",
      replace: "",
    }],
    linux: ["tests/linux/reports_test.ts"],
  },
  {
    name: "what a send was told is kept from the receives",
    edits: [{
      file: "ffi/linux/socket.ts",
      find: "this.#report = report;",
      replace: "",
    }],
    linux: ["tests/linux/reports_test.ts"],
  },
  {
    name: "a datagram goes to who has waited longest",
    edits: [{
      file: "ffi/net/datagrams/inbox.ts",
      find: "const call = this.calls.pop();",
      replace: "const call = this.calls.shift();",
    }, {
      file: "ffi/net/datagrams/inbox.ts",
      find: "const call = calls.at(-1)!;",
      replace: "const call = calls[0]!;",
    }],
    linux: ["tests/dropin/udp_receiving_test.ts"],
  },
  {
    name: "nobody is told of a datagram that was cut",
    edits: [{
      file: "ffi/net/datagrams/slots.ts",
      find: "end < next || this.#cut && !this.more",
      replace: "false",
    }],
    linux: ["tests/net/receiving_test.ts"],
  },
  {
    name: "data that was kept shows what arrives next",
    edits: [{
      file: "ffi/net/datagrams/batch.ts",
      find: "datagram.data = GONE;",
      replace: "void datagram;",
    }],
    linux: ["tests/net/kept_datagrams_test.ts"],
  },
  {
    name: "an array that was transferred takes a datagram with it",
    edits: [{
      file: "ffi/net/datagrams/inbox.ts",
      find: "call.check?.();",
      replace: "",
    }],
    linux: ["tests/net/receiving_test.ts"],
  },
  {
    name: "what was taken cannot be read, and its slot is lost",
    edits: [{
      file: "ffi/net/datagrams/inbox.ts",
      find: "for (const slot of slots) this.recycle(slot);",
      replace: "",
    }],
    linux: ["tests/net/receiving_test.ts"],
  },
  {
    name: "connect() tries no other address while one is quiet",
    edits: [{
      file: "ffi/net/streams/attempts.ts",
      find: "patience < Infinity ? setTimer(patience, end) : undefined",
      replace: "undefined",
    }],
    linux: ["tests/time/attempts_test.ts"],
  },
  {
    name: "a connection is given though its session was closed meanwhile",
    edits: [{
      file: "ffi/net/streams/conn.ts",
      find: 'assertEndpointOpen(socket, "use a connection");',
      replace: "",
    }],
    linux: ["tests/net/tcp_close_test.ts"],
  },
  {
    name: "of reads that wait the last one is never served",
    edits: [{
      file: "ffi/net/streams/reader.ts",
      find: "if (this.calls.length > 0) this.#post();",
      replace: "if (this.calls.length > 1) this.#post();",
    }],
    linux: ["tests/orders/"],
  },
  {
    name: "what has arrived is not asked for",
    edits: [{
      file: "ffi/net/datagrams/watch.ts",
      find: "this.#io.ask();",
      replace: "",
    }],
    linux: ["tests/net/receiving_test.ts"],
  },
];
