/**
 * Attempts to connect: to one address of a peer after the other.
 *
 * @module
 */
import { type IpAddress, ipVersion } from "../../address.ts";
import { clearTimer, setTimer } from "../../clock.ts";
import { NativePromise } from "../../globals.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Hub } from "./hub.ts";

/** Where to connect from; what is absent is the system's to choose. */
export interface Local {
  readonly hostname: string | undefined;
  readonly port: number;
  readonly device?: number | string;
}

/**
 * Connects to the first address that answers; the next one is tried when the
 * one before failed or was quiet for a while.
 *
 * @param hub Where the connection belongs.
 * @param addresses What to try, in this order.
 * @param options What ends all attempts, how many milliseconds one is alone,
 * and where they come from.
 */
export async function connectAny(
  hub: Hub,
  addresses: readonly IpAddress[],
  { signal, patience, local }: {
    signal: AbortSignal | undefined;
    patience: number;
    local: Local;
  },
): Promise<RioSocket> {
  const sockets = new Set<RioSocket>();
  const abandon = () => {
    for (const socket of sockets) socket[Symbol.dispose]();
  };
  const connectTo = async (address: IpAddress) => {
    const socket = openClient(hub, address, local);
    sockets.add(socket);
    await socket.connect(address);
    return socket;
  };
  signal?.addEventListener("abort", abandon, { once: true });
  try {
    const attempts: Promise<RioSocket>[] = [];
    let winner: RioSocket | undefined;
    for (const address of addresses) {
      attempts.push(connectTo(address));
      winner = await firstOf(attempts, patience);
      if (winner || signal?.aborted) break;
    }
    winner ??= await NativePromise.any(attempts);
    sockets.delete(winner);
    return winner;
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    signal?.removeEventListener("abort", abandon);
    abandon();
  }
}

/** The first connection; nothing once the last attempt has failed or is late. */
async function firstOf(
  attempts: readonly Promise<RioSocket>[],
  patience: number,
): Promise<RioSocket | undefined> {
  const { promise: over, resolve } = NativePromise.withResolvers<undefined>();
  const end = () => resolve(undefined);
  attempts.at(-1)!.catch(end);
  const timer = patience < Infinity ? setTimer(patience, end) : undefined;
  try {
    return await NativePromise.race([
      NativePromise.any(attempts).catch(() => over),
      over,
    ]);
  } finally {
    clearTimer(timer);
  }
}

/** Opens a socket that can connect to an address. */
function openClient(hub: Hub, to: IpAddress, local: Local): RioSocket {
  using _room = hub.way.reserve();
  return hub.session.openSocket({
    transport: "tcp",
    ...local,
    hostname: local.hostname ?? wildcardFor(to),
    ...hub.way.queueOptions,
  });
}

function wildcardFor({ hostname }: IpAddress): string {
  return ipVersion(hostname) === 6 ? "::" : "0.0.0.0";
}
