/**
 * The backend of a system without Registered I/O: it refuses everything.
 *
 * It is the smallest backend there can be: start a new one from a copy of it.
 *
 * @module
 */
import { NativePromise } from "./globals.ts";
import { RIO_CORRUPT_CQ } from "./constants.ts";
import type { RioBackend } from "./contract.ts";
import { WSAEOPNOTSUPP } from "./error_numbers.ts";

const refuse = (): number => WSAEOPNOTSUPP;
const giveNothing = (): number => -WSAEOPNOTSUPP;
const ignore = (): void => {};

/** Opens the backend that refuses everything; it holds nothing. */
export function openUnsupported(): RioBackend {
  return {
    name: null,
    engine: null,
    calls: null,
    capabilities: {
      reusePort: false,
      bindToDevice: false,
      segmentation: false,
      costlyOpen: false,
      timestamps: false,
      tellsJoined: false,
      tellsLocal: false,
      overlapped: false,
      countsDropped: false,
    },
    rings: {
      registerBuffer: giveNothing,
      deregisterBuffer: ignore,
      createCompletionQueue: giveNothing,
      closeCompletionQueue: ignore,
      resizeCompletionQueue: refuse,
      dequeueCompletion: () => -RIO_CORRUPT_CQ,
      notify: refuse,
      createRequestQueue: giveNothing,
      resizeRequestQueue: refuse,
      receive: refuse,
      receiveEx: refuse,
      send: refuse,
      sendEx: refuse,
    },
    sockets: {
      open: giveNothing,
      close: refuse,
      bind: refuse,
      listen: refuse,
      localAddress: refuse,
      remoteAddress: refuse,
      connect: giveNothing,
      connected: giveNothing,
      accept: giveNothing,
      shutdown: refuse,
      setOption: refuse,
      getOption: giveNothing,
      ioctl: refuse,
    },
    waits: {
      way: "thread",
      looks: false,
      createNotification: refuse,
      closeNotification: ignore,
      wait: () => NativePromise.resolve(giveNothing()),
      fired: new Float64Array(),
      wake: ignore,
      setReferenced: () => true,
    },
    direct: null,
    close: ignore,
  };
}
