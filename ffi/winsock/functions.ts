/**
 * The 13 RIO functions with their C prototypes, ready to be called.
 *
 * Source: the `LPFN_RIO...` pages of the Microsoft reference; the prototypes of
 * `mswsock.h`.
 *
 * @module
 */
import { perFunction, type RioFunctionName } from "../constants.ts";
import { type CallPath, NativeFunction, type NativeSignature } from "./call.ts";
import type { RioTable } from "./table.ts";

// BOOL RIOReceive(RIO_RQ SocketQueue, PRIO_BUF pData, ULONG DataBufferCount,
//   DWORD Flags, PVOID RequestContext); RIOSend has the same shape
const POST: NativeSignature = {
  parameters: ["u64", "u64", "u32", "u32", "u64"],
  result: "i32",
};

// int RIOReceiveEx(RIO_RQ SocketQueue, PRIO_BUF pData, ULONG DataBufferCount,
//   PRIO_BUF pLocalAddress, PRIO_BUF pRemoteAddress, PRIO_BUF pControlContext,
//   PRIO_BUF pFlags, DWORD Flags, PVOID RequestContext); RIOSendEx gives BOOL
const POST_EX: NativeSignature = {
  parameters: ["u64", "u64", "u32", "u64", "u64", "u64", "u64", "u32", "u64"],
  result: "i32",
};

/** Parameters and result of each of the 13 functions. */
export const RIO_SIGNATURES: Readonly<
  Record<RioFunctionName, NativeSignature>
> = {
  RIOReceive: POST,
  RIOReceiveEx: POST_EX,
  RIOSend: POST,
  RIOSendEx: POST_EX,
  // void RIOCloseCompletionQueue(RIO_CQ CQ)
  RIOCloseCompletionQueue: { parameters: ["u64"], result: "void" },
  // RIO_CQ RIOCreateCompletionQueue(DWORD QueueSize,
  //   PRIO_NOTIFICATION_COMPLETION NotificationCompletion)
  RIOCreateCompletionQueue: { parameters: ["u32", "u64"], result: "u64" },
  // RIO_RQ RIOCreateRequestQueue(SOCKET Socket, ULONG MaxOutstandingReceive,
  //   ULONG MaxReceiveDataBuffers, ULONG MaxOutstandingSend,
  //   ULONG MaxSendDataBuffers, RIO_CQ ReceiveCQ, RIO_CQ SendCQ,
  //   PVOID SocketContext)
  RIOCreateRequestQueue: {
    parameters: ["u64", "u32", "u32", "u32", "u32", "u64", "u64", "u64"],
    result: "u64",
  },
  // ULONG RIODequeueCompletion(RIO_CQ CQ, PRIORESULT Array, ULONG ArraySize)
  RIODequeueCompletion: { parameters: ["u64", "u64", "u32"], result: "u32" },
  // void RIODeregisterBuffer(RIO_BUFFERID BufferId)
  RIODeregisterBuffer: { parameters: ["u64"], result: "void" },
  // INT RIONotify(RIO_CQ CQ)
  RIONotify: { parameters: ["u64"], result: "i32" },
  // RIO_BUFFERID RIORegisterBuffer(PCHAR DataBuffer, DWORD DataLength)
  RIORegisterBuffer: { parameters: ["u64", "u32"], result: "u64" },
  // BOOL RIOResizeCompletionQueue(RIO_CQ CQ, DWORD QueueSize)
  RIOResizeCompletionQueue: { parameters: ["u64", "u32"], result: "i32" },
  // BOOL RIOResizeRequestQueue(RIO_RQ RQ, DWORD MaxOutstandingReceive,
  //   DWORD MaxOutstandingSend)
  RIOResizeRequestQueue: { parameters: ["u64", "u32", "u32"], result: "i32" },
};

/** The 13 functions, callable. */
export type RioFunctions = Readonly<Record<RioFunctionName, NativeFunction>>;

/**
 * Prepares the 13 functions.
 *
 * @param table Their addresses.
 * @param path How they are called.
 * @returns The functions by name.
 */
export function prepareRio(table: RioTable, path: CallPath): RioFunctions {
  return perFunction((name) =>
    new NativeFunction(table[name], RIO_SIGNATURES[name], path)
  );
}
