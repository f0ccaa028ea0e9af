/**
 * Loaded before a program with `--preload`, so that it runs unchanged: sessions
 * open the DLL in `RIO_LIBRARY`, and a Ctrl-C comes through standard input,
 * because Windows ends a process at once that is sent a signal.
 *
 * @module
 */
import { RioSession } from "../../mod.ts";

const library = Deno.env.get("RIO_LIBRARY");
if (library !== undefined) {
  const open = RioSession.open;
  RioSession.open = (options = {}) => open({ library, ...options });
}

/** What stands for Ctrl-C on standard input. */
const INTERRUPT = 3;

const { addSignalListener, removeSignalListener } = Deno;
const listeners = new Set<() => void>();

Deno.addSignalListener = (signal, listener) => {
  addSignalListener(signal, listener);
  if (signal !== "SIGINT") return;
  listeners.add(listener);
  if (listeners.size === 1) interrupts();
};

Deno.removeSignalListener = (signal, listener) => {
  removeSignalListener(signal, listener);
  if (!listeners.delete(listener) || listeners.size > 0) return;
  // A read that is pending keeps the program alive.
  Deno.stdin.close();
};

async function interrupts(): Promise<void> {
  const byte = new Uint8Array(1);
  while (await Deno.stdin.read(byte).catch(() => null) !== null) {
    if (byte[0] !== INTERRUPT) continue;
    for (const listener of [...listeners]) listener();
  }
}
