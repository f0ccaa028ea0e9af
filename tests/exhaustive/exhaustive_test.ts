/** Every order of a few steps keeps what is promised; none is left out. */
import { assert } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { places } from "./places.ts";
import { runAll } from "./run.ts";

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") acquireLibrary();

/** Steps of a run, of what one run takes least time for the most. */
const DEPTH: Readonly<Record<string, number>> = {
  "session, fake": 3,
  "collected, fake": 2,
  "collected, io_uring": 2,
  "collected, epoll": 2,
  "session of a connection, io_uring": 3,
  "session of a connection, epoll": 3,
  "collected of a connection, io_uring": 2,
  "collected of a connection, epoll": 2,
  "session, io_uring": 4,
  "session, epoll": 4,
  "connection, io_uring": 3,
  "connection, epoll": 3,
  "datagrams, io_uring": 3,
  "datagrams, epoll": 3,
};

for (const [name, open] of Object.entries(places(false))) {
  const depth = DEPTH[name]!;
  Deno.test(`${name}: all orders of ${depth} steps lose nothing and leave nothing`, async () => {
    await using place = open();
    const runs = await runAll(place, { depth });
    console.log(`${runs} orders`);
    assert(runs > 40);
  });
}
