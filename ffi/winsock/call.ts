/**
 * How a native function that exists only as a pointer is called.
 *
 * Deno calls the functions of a library fast, and function pointers slowly. So
 * the pointer is given to a library function: `DispCallFunc` of OLE Automation
 * calls any function pointer. It reads the arguments from native memory, which
 * is prepared once per function and called its frame: a `VARIANT` for each
 * argument and one for the result, pointers to the arguments, and their types.
 * A call only overwrites the values, and allocates nothing.
 *
 * Where Windows has no `DispCallFunc`, or it was not seen calling functions that
 * are known (`proof.ts`), `Deno.UnsafeFnPointer` is called with the values of the
 * same frame. That takes some thirty times as long. The way is chosen before the
 * first call and never changes: nothing is called twice.
 *
 * Source: `DispCallFunc` and `VARIANT` in the Microsoft reference.
 *
 * @module
 */
import { RioError } from "../errors.ts";
import { highWord, joinWords, VARIANT } from "../layout.ts";
import { allocateOutlasting, type RioMemory } from "../memory.ts";
import type { DispCallFunc } from "./library.ts";

/** A native argument or result: pointers and handles are `u64`. */
export type NativeType = "i32" | "u32" | "u64";

/** The parameters and the result of a native function. */
export interface NativeSignature {
  /** Types of the parameters, in order. */
  readonly parameters: readonly NativeType[];
  /** Type of the result. */
  readonly result: NativeType | "void";
}

/** How function pointers are called. */
export interface CallPath {
  /** Where the frames are made. */
  memory: CallMemory;
  /** What calls a pointer; `null` for `Deno.UnsafeFnPointer`. */
  dispCallFunc: DispCallFunc | null;
}

/** `VT_EMPTY`, `VT_I4`, `VT_UI4` and `VT_UI8`. */
const VARIANT_TYPES = { void: 0, i32: 3, u32: 19, u64: 21 } as const;
/** The calling convention of Winsock; 64-bit Windows has only one. */
const CC_STDCALL = 4;
/** 32-bit words of a `VARIANT`, and the two that its value is in. */
const WORDS = VARIANT.size / 4;
const LOW = VARIANT.value / 4;
const HIGH = LOW + 1;
const SIZE = 16384;

/** Native memory that calls read and write, 8-byte aligned. */
export interface CallBlock extends RioMemory {
  /** The same bytes as 32-bit words. */
  readonly words: Uint32Array;
  /** The same bytes as 64-bit words. */
  readonly wideWords: BigUint64Array;
}

/** The memory for the calls of one backend, or of the wait that many share. */
export class CallMemory {
  #memory = allocateOutlasting(SIZE);
  #used = 0;

  /**
   * Takes a zeroed part that is not given back.
   *
   * @param byteLength How many bytes; rounded up to a multiple of 8.
   * @returns The part.
   */
  take(byteLength: number): CallBlock {
    const start = this.#used;
    const size = (byteLength + 7) & ~7;
    this.#used += size;
    if (this.#used > SIZE) {
      throw new RangeError(
        `Cannot take ${byteLength} bytes of memory for calls: ${SIZE} are too few`,
      );
    }
    const { bytes: { buffer }, address } = this.#memory;
    return {
      bytes: new Uint8Array(buffer, start, size),
      words: new Uint32Array(buffer, start, size / 4),
      wideWords: new BigUint64Array(buffer, start, size / 8),
      address: address + BigInt(start),
    };
  }
}

/** A native function pointer with the frame of its next call. */
export class NativeFunction {
  /** The address of the function. */
  readonly address: bigint;
  #dispCallFunc: DispCallFunc | null;
  #signature: NativeSignature;
  #count: number;
  #resultType: number;
  #frame: DataView;
  /** The frame as 32-bit words. */
  #words: Uint32Array;
  #lowResult: number;
  #resultAddress: bigint;
  #pointersAddress: bigint;
  #typesAddress: bigint;
  #pointer: Deno.UnsafeFnPointer<NativeSignature> | null = null;

  /**
   * Prepares the frame of a function.
   *
   * @param address Where the function is.
   * @param signature What it takes and gives.
   * @param path How it is called.
   */
  constructor(address: bigint, signature: NativeSignature, path: CallPath) {
    const { memory, dispCallFunc } = path;
    const { parameters } = signature;
    const count = parameters.length;
    const result = VARIANT.size * count;
    const pointers = result + VARIANT.size;
    const types = pointers + 8 * count;
    const block = memory.take(types + 2 * count);
    const start = block.address;
    const frame = new DataView(block.bytes.buffer, block.bytes.byteOffset);
    parameters.forEach((type, i) => {
      const at = VARIANT.size * i;
      frame.setUint16(at + VARIANT.type, VARIANT_TYPES[type], true);
      frame.setBigUint64(pointers + 8 * i, start + BigInt(at), true);
      frame.setUint16(types + 2 * i, VARIANT_TYPES[type], true);
    });
    this.address = address;
    this.#dispCallFunc = dispCallFunc;
    this.#signature = signature;
    this.#count = count;
    this.#resultType = VARIANT_TYPES[signature.result];
    this.#frame = frame;
    this.#words = block.words;
    this.#lowResult = WORDS * count + LOW;
    this.#resultAddress = start + BigInt(result);
    this.#pointersAddress = start + BigInt(pointers);
    this.#typesAddress = start + BigInt(types);
  }

  /**
   * Writes argument `i` of the next call.
   *
   * @param i Which argument.
   * @param value A whole number from 0 to 2^53.
   */
  set(i: number, value: number): void {
    const at = i * WORDS;
    this.#words[at + LOW] = value;
    this.#words[at + HIGH] = highWord(value);
  }

  /**
   * Calls the function with the arguments written before.
   *
   * @throws {RioError} If `DispCallFunc` refuses a frame of a kind that it took
   * before. Whether the function was called is not known then, so it is not
   * called in another way.
   */
  call(): void {
    if (this.#dispCallFunc === null) {
      this.#callPointer();
      return;
    }
    const hresult = this.#dispCallFunc(
      0n,
      this.address,
      CC_STDCALL,
      this.#resultType,
      this.#count,
      this.#typesAddress,
      this.#pointersAddress,
      this.#resultAddress,
    );
    if (hresult !== 0) refused(hresult);
  }

  /**
   * Writes the arguments and calls, where the array that this makes does not
   * matter.
   *
   * @param values The first arguments; the others stay as they are.
   * @returns This function, to read its result from.
   */
  invoke(...values: readonly number[]): this {
    values.forEach((value, i) => this.set(i, value));
    this.call();
    return this;
  }

  /** The result of the last call as a signed 32-bit number. */
  get int32(): number {
    return this.#words[this.#lowResult]! | 0;
  }

  /** The result of the last call as an unsigned 32-bit number. */
  get uint32(): number {
    return this.#words[this.#lowResult]!;
  }

  /** The result of the last call as a pointer; imprecise from 2^53. */
  get pointer(): number {
    const at = this.#lowResult;
    return joinWords(this.#words[at]!, this.#words[at + 1]!);
  }

  #callPointer(): void {
    this.#pointer ??= new Deno.UnsafeFnPointer(
      Deno.UnsafePointer.create(this.address)!,
      this.#signature,
    );
    const values = this.#signature.parameters.map((type, i) => {
      const at = VARIANT.size * i + VARIANT.value;
      if (type === "u64") return this.#frame.getBigUint64(at, true);
      return type === "i32"
        ? this.#frame.getInt32(at, true)
        : this.#frame.getUint32(at, true);
    });
    const result = BigInt(this.#pointer.call(...values) ?? 0);
    this.#frame.setBigUint64(4 * this.#lowResult, result, true);
  }
}

function refused(hresult: number): never {
  throw new RioError({
    syscall: "DispCallFunc",
    // The low half is a Win32 number: 87 of E_INVALIDARG.
    errno: hresult & 0xFFFF,
    attempt: "call a function of Winsock",
  });
}
