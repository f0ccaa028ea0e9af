/** Sentinels, error routes and rules of the 13 functions over the fake. */
import { assertEquals } from "@std/assert";
import {
  RIO_CORRUPT_CQ,
  RIO_MAX_CQ_SIZE,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
  SOCK_DGRAM,
} from "../../ffi/constants.ts";
import { allocate } from "../../ffi/memory.ts";
import { slice, withRig } from "./open.ts";

Deno.test("registerBuffer() returns minus the error of WSAGetLastError", () =>
  withRig({}, (rig) => {
    rig.fake.fail("RIORegisterBuffer", 10055);
    assertEquals(rig.backend.rings.registerBuffer(allocate(64)), -10055);
  }));

Deno.test("createCompletionQueue() refuses a size of 0 and one above the maximum", () =>
  withRig({}, (rig) => {
    assertEquals(rig.backend.rings.createCompletionQueue(0, 0), -10022);
    const size = RIO_MAX_CQ_SIZE + 1;
    assertEquals(rig.backend.rings.createCompletionQueue(size, 0), -10022);
  }));

Deno.test("createRequestQueue() refuses what the contract forbids", () =>
  withRig({}, (rig) => {
    const { backend } = rig;
    const cq = backend.rings.createCompletionQueue(4, 0);
    const socket = backend.sockets.open(2, SOCK_DGRAM, 17);
    const create = (
      receives: number,
      sends: number,
      [receiveQueue, sendQueue, of] = [cq, cq, socket],
    ) =>
      backend.rings.createRequestQueue(
        of!,
        receives,
        sends,
        receiveQueue!,
        sendQueue!,
      );
    assertEquals(create(0, 0), -10022);
    assertEquals(create(1, 1, [1234, cq, socket]), -10022);
    assertEquals(create(1, 1, [cq, 1234, socket]), -10022);
    assertEquals(create(1, 1, [cq, cq, 1234]), -10038);
    assertEquals(create(3, 2), -10055);
    assertEquals(create(2, 2) > 0, true);
    assertEquals(create(1, 1), -10022);
    backend.sockets.close(socket);
    rig.dequeue(cq);
    backend.rings.closeCompletionQueue(cq);
  }));

Deno.test("createRequestQueue() succeeds once a closed socket gave its entries back", () =>
  withRig({}, (rig) => {
    const { backend } = rig;
    const first = rig.udp();
    const second = backend.sockets.open(2, SOCK_DGRAM, 17);
    const create = () =>
      backend.rings.createRequestQueue(second, 4, 4, first.cq, first.cq);
    assertEquals(create(), -10055);
    assertEquals(rig.fake.counts.RIOCreateRequestQueue, 2);
    backend.sockets.close(first.socket);
    rig.fake.fail("RIOCreateRequestQueue", 10055, { times: 2 });
    rig.dequeue(first.cq);
    assertEquals(create() > 0, true);
    assertEquals(rig.fake.counts.RIOCreateRequestQueue, 5);
    rig.tearDown([{ ...first, socket: second }]);
  }));

Deno.test("resizing is tried again while a closed socket holds entries, but not for ever", () =>
  withRig({}, (rig) => {
    const { rings, sockets } = rig.backend;
    const { counts } = rig.fake;
    const [stays, goes] = [rig.udp(), rig.udp()];
    const calls: Record<string, [errno: number, call: () => number]> = {
      RIOResizeCompletionQueue: [
        10059,
        () => rings.resizeCompletionQueue(stays.cq, 32),
      ],
      RIOResizeRequestQueue: [
        10055,
        () => rings.resizeRequestQueue(stays.rq, 5, 5),
      ],
    };
    for (const [name, [errno, call]] of Object.entries(calls)) {
      rig.fake.fail(name, errno);
      assertEquals(call(), errno, "no socket was closed");
    }
    sockets.close(goes.socket);
    for (const [name, [errno, call]] of Object.entries(calls)) {
      const before = counts[name]!;
      rig.fake.fail(name, errno, { times: 2 });
      assertEquals([call(), counts[name]! - before], [0, 3]);
    }
    const [errno, call] = calls.RIOResizeCompletionQueue!;
    rig.fake.fail("RIOResizeCompletionQueue", errno, { times: 5 });
    assertEquals(call(), errno);
    rig.fake.fail("RIOResizeCompletionQueue", 10022);
    assertEquals(call(), 10022);
    rig.tearDown([stays]);
    rings.closeCompletionQueue(goes.cq);
  }));

Deno.test("send() takes a failure with 997 for an accepted request", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    rig.backend.sockets.connect(bound.socket, bound.name, 0);
    rig.fake.fail("RIOSend", 997, { accept: true });
    assertEquals(
      rig.backend.rings.send(bound.rq, slice(buffer, 0, 4), 0, 6),
      0,
    );
    assertEquals(rig.dequeue(bound.cq)[0]!.requestContext, 6);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("a failure without a reason is WSASYSCALLFAILURE and not success", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    rig.fake.fail("RIOReceive", 0);
    assertEquals(
      rig.backend.rings.receive(bound.rq, slice(buffer, 0, 4), 0, 6),
      10107,
    );
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("posting returns the error of WSAGetLastError for each of the four functions", () =>
  withRig({}, (rig) => {
    const { backend, fake } = rig;
    const buffer = rig.register(64);
    const bound = rig.udp();
    const { rq } = bound;
    const data = slice(buffer, 0, 8);
    fake.fail("RIOReceive", 10014);
    assertEquals(backend.rings.receive(rq, data, 0, 1), 10014);
    fake.fail("RIOReceiveEx", 10022);
    assertEquals(
      backend.rings.receiveEx(rq, data, null, null, null, null, 0, 1),
      10022,
    );
    fake.fail("RIOSend", 10055);
    assertEquals(backend.rings.send(rq, data, 0, 1), 10055);
    fake.fail("RIOSendEx", 10054);
    assertEquals(backend.rings.sendEx(rq, data, null, null, 0, 1), 10054);
    assertEquals(fake.failing, false);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("posting is refused with 10055 at the limit, until a completion is dequeued", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    rig.backend.sockets.connect(bound.socket, bound.name, 0);
    const send = () =>
      rig.backend.rings.send(bound.rq, slice(buffer, 0, 4), 0, 1);
    assertEquals([send(), send(), send(), send(), send()], [
      0,
      0,
      0,
      0,
      10055,
    ]);
    rig.fake.pump(3);
    assertEquals(send(), 10055);
    assertEquals(rig.dequeue(bound.cq, 4).length, 4);
    assertEquals(send(), 0);
    assertEquals(rig.dequeue(bound.cq, 1).length, 1);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("a request deferred waits for the commit of its direction", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    const { rq, cq } = bound;
    rig.backend.sockets.connect(bound.socket, bound.name, 0);
    const data = slice(buffer, 0, 4);
    assertEquals(rig.backend.rings.send(rq, data, RIO_MSG_DEFER, 1), 0);
    assertEquals(rig.backend.rings.send(rq, data, RIO_MSG_DEFER, 2), 0);
    assertEquals(rig.dequeue(cq), []);
    assertEquals(
      rig.backend.rings.receive(rq, null, RIO_MSG_COMMIT_ONLY, 0),
      0,
    );
    assertEquals(rig.dequeue(cq), []);
    assertEquals(rig.backend.rings.send(rq, null, RIO_MSG_COMMIT_ONLY, 0), 0);
    const contexts = rig.dequeue(cq, 2).map((result) => result.requestContext);
    assertEquals(contexts, [1, 2]);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("posting with flags that do not fit is refused and recorded", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    const { rq } = bound;
    const data = slice(buffer, 0, 8);
    assertEquals(
      rig.backend.rings.receive(rq, data, RIO_MSG_WAITALL, 1),
      10022,
    );
    assertEquals(rig.backend.rings.send(rq, data, RIO_MSG_WAITALL, 1), 10022);
    assertEquals(
      rig.backend.rings.send(rq, data, RIO_MSG_COMMIT_ONLY, 0),
      10022,
    );
    const both = RIO_MSG_COMMIT_ONLY | RIO_MSG_DONT_NOTIFY;
    assertEquals(rig.backend.rings.send(rq, null, both, 0), 10022);
    assertEquals(rig.fake.takeViolations().length, 4);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("posting with a slice that is no good is refused and recorded", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const gone = rig.register(64);
    rig.backend.rings.deregisterBuffer(gone.id);
    const bound = rig.udp();
    const { rq } = bound;
    const receive = (data: ReturnType<typeof slice>, remote = data) =>
      rig.backend.rings.receiveEx(rq, data, null, remote, null, null, 0, 1);
    assertEquals(receive(slice(buffer, 60, 8)), 10014);
    assertEquals(receive(slice(gone, 0, 8)), 10014);
    assertEquals(receive(slice(buffer, 0, 8), slice(buffer, 8, 27)), 10014);
    assertEquals(
      rig.fake.takeViolations().map((text) => text.replace(/\d+/g, "N")),
      [
        "RIOReceive: the slice N+N leaves its buffer",
        "RIOReceive: buffer N was deregistered",
        "RIOReceive: an address slice of N bytes is too small",
      ],
    );
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("deregisterBuffer() and closeCompletionQueue() ignore what is invalid", () =>
  withRig({}, ({ backend }) => {
    backend.rings.deregisterBuffer(0xFFFFFFFF);
    backend.rings.closeCompletionQueue(0);
  }));

Deno.test("dequeueCompletion() returns minus RIO_CORRUPT_CQ for a queue that is damaged or closed", () =>
  withRig({}, (rig) => {
    const cq = rig.backend.rings.createCompletionQueue(4, 0);
    rig.fake.fail("RIODequeueCompletion", 0);
    const dequeue = () =>
      rig.backend.rings.dequeueCompletion(cq, rig.results, 16);
    assertEquals(dequeue(), -RIO_CORRUPT_CQ);
    assertEquals(dequeue(), 0);
    rig.backend.rings.closeCompletionQueue(cq);
    assertEquals(dequeue(), -RIO_CORRUPT_CQ);
  }));

Deno.test("notify() returns its error itself", () =>
  withRig({}, (rig) => {
    assertEquals(rig.backend.waits.createNotification("iocp", 1), 0);
    const cq = rig.backend.rings.createCompletionQueue(4, 1);
    rig.fake.fail("RIONotify", 10022);
    assertEquals(rig.backend.rings.notify(cq), 10022);
    assertEquals(rig.backend.rings.notify(cq), 0);
    assertEquals(rig.backend.rings.notify(cq), 10037);
    assertEquals(rig.fake.takeViolations().length, 1);
    rig.backend.rings.closeCompletionQueue(cq);
    rig.backend.waits.closeNotification(1);
  }));

Deno.test("resizing keeps what is reserved, and refuses less", () =>
  withRig({}, (rig) => {
    const { backend } = rig;
    const bound = rig.udp();
    const { cq, rq } = bound;
    assertEquals(backend.rings.resizeCompletionQueue(cq, 7), 10059);
    assertEquals(backend.rings.resizeCompletionQueue(cq, 0), 10022);
    assertEquals(backend.rings.resizeCompletionQueue(1234, 8), 10022);
    assertEquals(backend.rings.resizeRequestQueue(rq, 5, 4), 10055);
    assertEquals(backend.rings.resizeRequestQueue(rq, 0, 0), 10022);
    assertEquals(backend.rings.resizeCompletionQueue(cq, 9), 0);
    assertEquals(backend.rings.resizeRequestQueue(rq, 5, 4), 0);
    const buffer = rig.register(64);
    backend.rings.receive(rq, slice(buffer, 0, 8), 0, 1);
    assertEquals(backend.rings.resizeRequestQueue(rq, 0, 4), 10059);
    rig.tearDown([bound], buffer.id);
  }));

Deno.test("a datagram longer than its slice completes with 10040", () =>
  withRig({}, (rig) => {
    const buffer = rig.register(64);
    const bound = rig.udp();
    rig.backend.sockets.connect(bound.socket, bound.name, 0);
    rig.backend.rings.receive(bound.rq, slice(buffer, 32, 4), 0, 1);
    rig.backend.rings.send(bound.rq, slice(buffer, 0, 8), 0, 2);
    const results = rig.dequeue(bound.cq, 2);
    const received = results.find((result) => result.requestContext === 1);
    assertEquals(received!.status, 10040);
    rig.tearDown([bound], buffer.id);
  }));
