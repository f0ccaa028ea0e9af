/**
 * A wake that Deno's own reactor sees on Windows: how long it takes.
 *
 * Deno reads one end of a pipe. Windows waits for an event on a thread of its
 * own, and calls `fflush` of its C library then, with a stream to the other end
 * that has a byte in it. No code of ours runs on that thread. The package does
 * not use it: under Wine it takes several times as long as a thread of Deno's
 * pool, and nobody has seen it on a real Windows.
 *
 * Source: `RegisterWaitForSingleObject` and `CreateNamedPipeW` in the Microsoft
 * reference.
 *
 * @module
 */
import { connect } from "node:net";
import type { Row } from "./measure.ts";

const PIPE_ACCESS_DUPLEX = 3;
const O_BINARY = 0x8000;
const INFINITE = 0xFFFFFFFF;
/** Pause before each wake, and the most that one may take, in milliseconds. */
const PACE_MS = 2;
const LATE_MS = 2000;

const KERNEL32 = {
  CreateNamedPipeW: {
    parameters: ["buffer", "u32", "u32", "u32", "u32", "u32", "u32", "usize"],
    result: "usize",
  },
  CreateEventW: {
    parameters: ["usize", "i32", "i32", "usize"],
    result: "usize",
  },
  SetEvent: { parameters: ["usize"], result: "i32" },
  CloseHandle: { parameters: ["usize"], result: "i32" },
  RegisterWaitForSingleObject: {
    parameters: ["buffer", "usize", "pointer", "usize", "u32", "u32"],
    result: "i32",
  },
  UnregisterWaitEx: { parameters: ["usize", "usize"], result: "i32" },
  GetModuleHandleW: { parameters: ["buffer"], result: "usize" },
  GetProcAddress: { parameters: ["usize", "buffer"], result: "pointer" },
} as const;

const UCRT = {
  _open_osfhandle: { parameters: ["usize", "i32"], result: "i32" },
  _fdopen: { parameters: ["i32", "buffer"], result: "usize" },
  fputc: { parameters: ["i32", "usize"], result: "i32" },
  fclose: { parameters: ["usize"], result: "i32" },
} as const;

/** From `SetEvent` until Deno has read the byte; `null` where it cannot be. */
export async function pipeWakes(count: number): Promise<Row | null> {
  const { symbols: kernel } = Deno.dlopen("kernel32.dll", KERNEL32);
  const { symbols: c } = Deno.dlopen("ucrtbase.dll", UCRT);
  const path = `\\\\.\\pipe\\rio-${crypto.randomUUID()}`;
  const access = PIPE_ACCESS_DUPLEX;
  const name = wide(path);
  const pipe = kernel.CreateNamedPipeW(name, access, 0, 1, 4096, 4096, 0, 0n);
  const module = kernel.GetModuleHandleW(wide("ucrtbase.dll"));
  const flush = kernel.GetProcAddress(module, narrow("fflush"));
  using reader = connectTo(path);
  if (flush === null || !await reader.connected) {
    kernel.CloseHandle(pipe);
    return null;
  }
  const file = c._fdopen(c._open_osfhandle(pipe, O_BINARY), narrow("wb"));
  const event = kernel.CreateEventW(0n, 0, 0, 0n);
  const wait = new BigUint64Array(1);
  kernel.RegisterWaitForSingleObject(wait, event, flush, file, INFINITE, 0);
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    c.fputc(0x41, file);
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    const read = reader.next();
    const start = performance.now();
    kernel.SetEvent(event);
    if (!await read) break;
    samples.push((performance.now() - start) * 1e6);
  }
  // Waits until no call goes on.
  kernel.UnregisterWaitEx(wait[0]!, 0xFFFFFFFFFFFFFFFFn);
  c.fclose(file);
  kernel.CloseHandle(event);
  if (samples.length < count) return null;
  samples.sort((a, b) => a - b);
  return {
    name: "notified through a pipe that Deno reads",
    median: samples[count >> 1]!,
    min: samples[0]!,
    max: samples[count - 1]!,
  };
}

/** Deno's end of the pipe. */
function connectTo(path: string) {
  const socket = connect({ path });
  let tell = (_read: boolean) => {};
  const until = (name: string) =>
    new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => tell(false), LATE_MS);
      tell = (read) => {
        clearTimeout(timer);
        resolve(read);
      };
      socket.once(name, () => tell(true));
      socket.once("error", () => tell(false));
    });
  return {
    connected: until("connect"),
    next: () => until("data"),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function wide(text: string): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(`${text}\0`, (one) => one.charCodeAt(0));
}

function narrow(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
