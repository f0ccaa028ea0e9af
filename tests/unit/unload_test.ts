/** Who is called at the end of a program, and when. */
import { assertEquals } from "@std/assert";
import { atUnload } from "../../ffi/unload.ts";

/** Who was told, in order. */
const told: string[] = [];
addEventListener("unload", (event) => {
  Object.defineProperty(event, "cancelBubble", {
    configurable: true,
    set: () => told.push("another version"),
  });
});
atUnload(() => told.push("first"));
atUnload(() => told.push("second"));
atUnload(() => told.push("user of both"), true);
addEventListener("unload", (event) => {
  told.push(event.cancelBubble ? "listener, the last" : "listener");
});

const { dispatchEvent } = EventTarget.prototype;

/** Tells this thread of an end, and who was called. */
function unload(): string[] {
  told.length = 0;
  dispatchEvent.call(globalThis, new Event("unload"));
  return told;
}

Deno.test("atUnload() calls all back, users before what they use, after those who listen, and another version of this package, too", () => {
  assertEquals(unload(), [
    "listener",
    "another version",
    "user of both",
    "first",
    "second",
  ]);
});

Deno.test("atUnload() calls all back at once where events are not as they are known", () => {
  EventTarget.prototype.dispatchEvent = () => true;
  try {
    assertEquals(unload(), [
      "user of both",
      "first",
      "second",
      "listener",
      "another version",
    ]);
  } finally {
    EventTarget.prototype.dispatchEvent = dispatchEvent;
  }
});
