/**
 * What moves the data in this run of the tests.
 *
 * @module
 */
import type { RioEngine } from "../../ffi/contract.ts";
import { rioSupport } from "../../mod.ts";

const { os } = Deno.build;

/** Why there is no io_uring here; absent where there is, or not asked for. */
export const WITHOUT_URING: string | undefined = os === "linux"
  ? rioSupport({ backend: "io_uring" }).reason
  : undefined;

/** By default: the best that works, or what `RIO_BACKEND` says. */
export const ENGINE: RioEngine = os === "windows"
  ? "rio"
  : Deno.env.get("RIO_BACKEND") === "epoll" || WITHOUT_URING !== undefined
  ? "epoll"
  : "io_uring";
