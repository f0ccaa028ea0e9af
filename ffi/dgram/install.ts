/**
 * Puts the sockets of `@winsock/rio/dgram` into Node's `dgram`, for npm packages:
 * they require the built-in, and no import map reaches them.
 *
 * Import it before the packages that are to use them, for example with
 * `deno run --preload jsr:@winsock/rio/dgram/install main.ts`.
 *
 * @example Before the first package that uses UDP
 * ```ts
 * import "@winsock/rio/dgram/install";
 * ```
 *
 * @module
 */
import { getBuiltinModule } from "node:process";
import { createSocket, Socket } from "./mod.ts";

// `import { createSocket } from "node:dgram"` was bound before and stays Node's.
Object.assign(getBuiltinModule("node:dgram")!, { createSocket, Socket });
