/**
 * A backend that moves all data by requests, as Windows does.
 *
 * @module
 */
import type { RioBackend } from "../ffi/contract.ts";

/** The same backend without its direct way. */
export function requestsOnly(backend: RioBackend): RioBackend {
  const { name, engine, calls, capabilities, rings, sockets, waits } = backend;
  return {
    name,
    engine,
    calls,
    capabilities,
    rings,
    sockets,
    waits,
    direct: null,
    close: (keepNative) => backend.close(keepNative),
  };
}
