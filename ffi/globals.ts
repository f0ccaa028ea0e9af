/**
 * What programs replace of the platform: a fake clock for a test, promises that
 * are followed. It is taken here when the package is loaded, and from here by
 * everybody: sockets wait for the system, whatever the program's own code waits
 * for.
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
export const clearTimeout: typeof globalThis.clearTimeout =
  globalThis.clearTimeout;
/** The platform's own. */
export const queueMicrotask: typeof globalThis.queueMicrotask =
  globalThis.queueMicrotask;
/** The platform's own. */
export const setImmediate: typeof globalThis.setImmediate =
  globalThis.setImmediate;
/** The platform's own. */
export const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout;
/** Deno's own. */
export const refTimer: typeof Deno.refTimer = Deno.refTimer;
/** Deno's own. */
export const unrefTimer: typeof Deno.unrefTimer = Deno.unrefTimer;

/** Milliseconds that only go on, with fractions. */
export const timeNow: () => number = performance.now.bind(performance);

const process = Object.getOwnPropertyDescriptor(globalThis, "process");

/** Deno's `process`, which it loads when it is asked for. */
export function nodeProcess(): unknown {
  return process?.get ? process.get.call(globalThis) : process?.value;
}

// Deno looks for the engine's own, as a global, when this is called first.
queueMicrotask(() => {});
