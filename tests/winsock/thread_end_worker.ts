/**
 * A worker that opens sockets over a fake `kernel32.dll`, and tells which
 * functions of it are called. It is told which of them fails.
 *
 * @module
 */
import { awaitThreadEnd, forget, hold } from "../../ffi/winsock/thread_end.ts";
import { answerWith } from "../unit/ask_worker.ts";
import { openWith } from "../unit/stand_ins.ts";

const THREAD = 70n;
const WAIT = 700n;
const ANSWERS: Readonly<Record<string, number | bigint>> = {
  GetCurrentThreadId: 7,
  OpenThread: THREAD,
  GetModuleHandleExW: 1,
  RegisterWaitForSingleObject: 1,
  UnregisterWait: 1,
};

// Opens two sockets, closes the second, and unloads.
answerWith((fails: string | null) => {
  const calls: string[] = [];
  const symbols: Record<string, unknown> = { closesocket: "closesocket" };
  for (const [name, answer] of Object.entries(ANSWERS)) {
    symbols[name] = (...values: unknown[]) => {
      calls.push([name, ...values.filter((value) => !ArrayBuffer.isView(value))]
        .join(" "));
      if (name === fails) return typeof answer === "bigint" ? 0n : 0;
      if (name === "RegisterWaitForSingleObject") {
        const [out] = values as [Uint8Array<ArrayBuffer>];
        new BigUint64Array(out.buffer)[0] = WAIT;
      }
      return answer;
    };
  }
  using _libraries = openWith((path) => {
    if (path === fails) throw new Error(`Cannot open ${path}`);
    return { symbols };
  });
  const key = {};
  awaitThreadEnd(key, "ws2_32.dll");
  const unloaded: bigint[] = [];
  for (const socket of [1n, 2n]) {
    hold(key, socket, () => unloaded.push(socket));
  }
  const forgotten = [forget(2n), forget(2n)];
  dispatchEvent(new Event("unload"));
  return { calls, forgotten, unloaded };
});
