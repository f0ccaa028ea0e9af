import { assertEquals, assertThrows } from "@std/assert";
import { Reached } from "./pairs.ts";

const PAIRS = { open: ["none", "some"], close: ["some"] };

Deno.test("Reached tells which pairs are too rare, with those never reached", () => {
  const reached = new Reached(PAIRS);
  for (let i = 0; i < 2; i++) reached.add("open", "none");
  reached.add("open", "some");
  assertEquals(reached.under(2), [
    "0 times close: some",
    "1 times open: some",
  ]);
  assertEquals(reached.under(2, ["open"]), ["0 times close: some"]);
  const more = new Reached(PAIRS);
  more.add("close", "some");
  reached.addAll(more);
  assertEquals(reached.under(1), []);
  assertEquals(
    String(reached),
    "3 pairs of verbs and states, the rarest 1 times: open: some",
  );
});

Deno.test("Reached.add() throws when a pair is reached that nobody expects", () => {
  const reached = new Reached(PAIRS);
  assertThrows(() => reached.add("close", "none"), TypeError, "close: none");
});
