/**
 * Native function pointers with the true ABI, and `DispCallFunc`, which calls
 * them by reading a frame.
 *
 * @module
 */
import { viewAt } from "./memory.ts";
import type { Oracle } from "./oracle.ts";

/** A native argument. */
export type Value = number | bigint;

type Type = "u32" | "i32" | "u64" | "void";

const VARIANT_TYPES: Readonly<Record<Type, number>> = {
  void: 0,
  i32: 3,
  u32: 19,
  u64: 21,
};
const E_INVALIDARG = 0x80070057 | 0;
const DISP_E_BADCALLEE = 0x80020010 | 0;

/** Parameters and results as `mswsock.h` has them: result, then parameters. */
const SIGNATURES = {
  RIOReceive: "i32 u64 u64 u32 u32 u64",
  RIOReceiveEx: "i32 u64 u64 u32 u64 u64 u64 u64 u32 u64",
  RIOSend: "i32 u64 u64 u32 u32 u64",
  RIOSendEx: "i32 u64 u64 u32 u64 u64 u64 u64 u32 u64",
  RIOCloseCompletionQueue: "void u64",
  RIOCreateCompletionQueue: "u64 u32 u64",
  RIOCreateRequestQueue: "u64 u64 u32 u32 u32 u32 u64 u64 u64",
  RIODequeueCompletion: "u32 u64 u64 u32",
  RIODeregisterBuffer: "void u64",
  RIONotify: "i32 u64",
  RIORegisterBuffer: "u64 u64 u32",
  RIOResizeCompletionQueue: "i32 u64 u32",
  RIOResizeRequestQueue: "i32 u64 u32 u32",
  ConnectEx: "i32 u64 u64 i32 u64 u32 u64 u64",
  AcceptEx: "i32 u64 u64 u64 u32 u32 u32 u64 u64",
  LCMapStringEx: "i32 u64 u32 u64 i32 u64 i32 u64 u64 u64",
  VerSetConditionMask: "u64 u64 u32 u32",
} as const;

/** The name of a function that exists only as a pointer. */
export type PointerName = keyof typeof SIGNATURES;

/** What the functions do. */
export type Bodies = Readonly<
  Record<PointerName, (...values: Value[]) => Value | void>
>;

/** The function pointers of one fake system. */
export class Pointers {
  /** Addresses by name. */
  readonly addresses: Readonly<Record<PointerName, bigint>>;

  #callbacks: Deno.UnsafeCallback[] = [];
  #names = new Map<bigint, PointerName>();
  #bodies: Bodies;
  #oracle: Oracle;

  constructor(bodies: Bodies, oracle: Oracle) {
    this.#bodies = bodies;
    this.#oracle = oracle;
    const addresses = Object.keys(SIGNATURES).map((key) => {
      const name = key as PointerName;
      const { result, parameters } = signature(name);
      const callback = new Deno.UnsafeCallback(
        { parameters, result },
        // A callback of a type that is only known at run time takes anything.
        ((...values: Value[]) => bodies[name](...values)) as never,
      );
      this.#callbacks.push(callback as unknown as Deno.UnsafeCallback);
      const address = Deno.UnsafePointer.value(callback.pointer);
      this.#names.set(address, name);
      return [name, address] as const;
    });
    this.addresses = Object.fromEntries(addresses) as Record<
      PointerName,
      bigint
    >;
  }

  /** `DispCallFunc`: reads the frame, and checks every byte of it that counts. */
  dispCallFunc(
    instance: bigint,
    address: bigint,
    convention: number,
    resultType: number,
    count: number,
    types: bigint,
    pointers: bigint,
    answer: bigint,
  ): number {
    const name = this.#names.get(address);
    if (!this.#oracle.expect(name !== undefined, "DispCallFunc: no function")) {
      return DISP_E_BADCALLEE;
    }
    const { result, parameters } = signature(name!);
    // What a known function gives is looked at as several types.
    const expected = instance === 0n && convention === 4 &&
      (name === "LCMapStringEx" || resultType === VARIANT_TYPES[result]) &&
      count === parameters.length;
    if (!this.#oracle.expect(expected, `DispCallFunc: ${name} is not so`)) {
      return E_INVALIDARG;
    }
    const typesView = viewAt(types, 2 * count);
    const pointersView = viewAt(pointers, 8 * count);
    const values: Value[] = [];
    for (const [i, type] of parameters.entries()) {
      const variant = viewAt(pointersView.getBigUint64(8 * i, true), 24);
      const fits = typesView.getUint16(2 * i, true) === VARIANT_TYPES[type] &&
        variant.getUint16(0, true) === VARIANT_TYPES[type];
      if (
        !this.#oracle.expect(fits, `DispCallFunc: argument ${i} of ${name}`)
      ) {
        return E_INVALIDARG;
      }
      if (type === "u64") values.push(variant.getBigUint64(8, true));
      else if (type === "u32") values.push(variant.getUint32(8, true));
      else values.push(variant.getInt32(8, true));
    }
    const value = this.#bodies[name!](...values) ?? 0;
    const view = viewAt(answer, 24);
    view.setUint16(0, resultType, true);
    if (typeof value === "bigint") view.setBigUint64(8, value, true);
    else view.setInt32(8, value, true);
    return 0;
  }

  /** Frees the native code of the pointers. */
  close(): void {
    for (const callback of this.#callbacks.splice(0)) callback.close();
  }
}

function signature(
  name: PointerName,
): { result: Type; parameters: ("u32" | "i32" | "u64")[] } {
  const [result, ...parameters] = SIGNATURES[name].split(" ");
  return {
    result: result as Type,
    parameters: parameters as ("u32" | "i32" | "u64")[],
  };
}
