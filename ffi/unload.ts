/**
 * The end of a program whose process may go on: Deno tells it by the event
 * `unload`, for example before `--watch` begins anew.
 *
 * @module
 */
import { Event, EventTarget } from "./globals.ts";

/** Who is called; there is one listener for all. */
const calls: (() => void)[] = [];

/**
 * Calls back at the event `unload`: after all who listen to it, so that they
 * may still send, where Deno's events are as they are known here.
 *
 * @param first Before those who were to be called so far: they end what this
 * one uses.
 */
export function atUnload(call: () => void, first: boolean = false): void {
  if (first) calls.unshift(call);
  else calls.push(call);
  if (calls.length > 1) return;
  globalThis.addEventListener("unload", (event) => {
    if (canTellEnd()) tellEnd(event, callAll);
    else callAll();
  });
}

function callAll(): void {
  for (const call of calls) call();
}

/** Deno sets the property back when all listeners have been called. */
function tellEnd(event: globalThis.Event, call: () => void): void {
  // Another version of this package may wait for it, too.
  const others = Object.getOwnPropertyDescriptor(event, "cancelBubble")?.set;
  Object.defineProperty(event, "cancelBubble", {
    configurable: true,
    get: () => false,
    set() {
      others?.call(event, false);
      call();
    },
  });
}

function canTellEnd(): boolean {
  let told = false;
  const target = new EventTarget();
  target.addEventListener("proof", (event) => {
    tellEnd(event, () => told = true);
  });
  target.dispatchEvent(new Event("proof"));
  return told;
}
