/**
 * What programs replace of the platform: promises that are followed, say. It is
 * taken here when the package is loaded, and from here by everybody: sockets
 * wait for the system, whatever the program's own code waits for. Timers and
 * clocks are in `clock.ts`.
 *
 * @module
 */

/** The platform's own. */
export const DisposableStack: DisposableStackConstructor =
  globalThis.DisposableStack;
/** The platform's own. */
export const Event: typeof globalThis.Event = globalThis.Event;
/** The platform's own. */
export const EventTarget: typeof globalThis.EventTarget =
  globalThis.EventTarget;
/** The platform's own. */
export const NativePromise: PromiseConstructor = globalThis.Promise;
/** The platform's own. */
export const ReadableStream: typeof globalThis.ReadableStream =
  globalThis.ReadableStream;
/** The platform's own. */
export const WeakRef: WeakRefConstructor = globalThis.WeakRef;
/** The platform's own. */
export const queueMicrotask: typeof globalThis.queueMicrotask =
  globalThis.queueMicrotask;

const process = Object.getOwnPropertyDescriptor(globalThis, "process");

/** Deno's `process`, which it loads when it is asked for. */
export function nodeProcess(): unknown {
  return process?.get ? process.get.call(globalThis) : process?.value;
}

// Deno looks for the engine's own, as a global, when this is called first.
queueMicrotask(() => {});
