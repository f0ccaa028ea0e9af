/** A thread in which io_uring does not work, whatever the kernel has. */
import { assertStrictEquals, assertThrows } from "@std/assert";
import { AF_INET, SOCK_STREAM } from "../../ffi/constants.ts";
import { openUring } from "../../ffi/linux/backend.ts";
import { acquireLibrary, releaseLibrary } from "../../ffi/linux/library.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

Deno.test({
  name: "openUring() tells why io_uring does not work, and tries it once",
  ignore: skipped("io_uring that does not work", NOT_LINUX),
  fn() {
    const { symbols, errno } = acquireLibrary();
    // What a ring reads from to prove itself is a socket without a peer.
    const eventfd = (value: number, flags: number) =>
      value === 1
        ? symbols.socket(AF_INET, SOCK_STREAM, 0)
        : symbols.eventfd(value, flags);
    const library = { symbols: { ...symbols, eventfd }, errno };
    const tried = assertThrows(
      () => openUring({ library }),
      Deno.errors.NotSupported,
      "Cannot use io_uring: ",
    );
    const told = assertThrows(() => openUring());
    assertStrictEquals(told, tried);
    releaseLibrary();
  },
});
