/**
 * How a native function that exists only as a pointer is called.
 *
 * `DispCallFunc` of OLE Automation calls any function pointer, and is itself a
 * library function that Deno compiles a fast call for. Its arguments live in a
 * frame prepared once per function: an array of `VARIANT`, one of their types,
 * one of pointers to them, and a `VARIANT` for the result. A call then writes
 * the values as 32-bit words and allocates nothing.
 *
 * Without `DispCallFunc`, or where it refuses a frame, the same frames are read by `Deno.UnsafeFnPointer`,
 * which is some thirty times slower.
 *
 * Source: `DispCallFunc` and `VARIANT` in the Microsoft reference.
 *
 * @module
 */
import { highWord, joinWords, VARIANT } from "../layout.ts";
import { allocate, type RioMemory } from "../memory.ts";
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

/** What a function pointer needs to be called. */
export interface CallPath {
  /** Where its frame is made. */
  frames: FrameMemory;
  /** What calls it; `null` for `Deno.UnsafeFnPointer`. */
  dispCallFunc: DispCallFunc | null;
}

/** Makes a function pointer callable. */
export type Prepare = (
  address: bigint,
  signature: NativeSignature,
) => NativeFunction;

/** `VT_EMPTY`, `VT_I4`, `VT_UI4` and `VT_UI8`. */
const VARIANT_TYPES = { void: 0, i32: 3, u32: 19, u64: 21 } as const;
/** The calling convention of Winsock; 64-bit Windows has only one. */
const CC_STDCALL = 4;
const WORDS = VARIANT.size / 4;
const LOW = VARIANT.value / 4;
const HIGH = LOW + 1;
const FRAMES = 16384;

/** One block for the frames of many functions, and for what they point to. */
export class FrameMemory {
  #block = allocate(FRAMES);
  #used = 0;

  /**
   * Takes zeroed bytes, 8-byte aligned, for the life of the block.
   *
   * @param byteLength How many bytes.
   * @returns The bytes and their address.
   */
  take(byteLength: number): RioMemory {
    const start = this.#used;
    const end = start + byteLength;
    this.#used = (end + 7) & ~7;
    if (this.#used > FRAMES) {
      throw new RangeError(
        `Cannot take ${byteLength} bytes of frame memory: ${FRAMES} are too few`,
      );
    }
    return {
      bytes: this.#block.bytes.subarray(start, end),
      address: this.#block.address + BigInt(start),
    };
  }
}

/** A native function pointer with the frame of its next call. */
export class NativeFunction {
  /** The address of the function. */
  readonly address: bigint;
  #dispCallFunc: DispCallFunc | null;
  #signature: NativeSignature;
  #words: Uint32Array;
  #result: Uint32Array;
  #resultType: number;
  #count: number;
  #typesAddress: bigint;
  #pointersAddress: bigint;
  #resultAddress: bigint;
  #pointer: Deno.UnsafeFnPointer<NativeSignature> | null = null;

  /**
   * Prepares the frame of a function.
   *
   * @param address Where the function is.
   * @param signature What it takes and gives.
   * @param path How it is called.
   */
  constructor(address: bigint, signature: NativeSignature, path: CallPath) {
    const { frames, dispCallFunc } = path;
    const { parameters, result } = signature;
    const count = parameters.length;
    const variants = frames.take(VARIANT.size * count);
    const types = frames.take(2 * count);
    const pointers = frames.take(8 * count);
    const answer = frames.take(VARIANT.size);
    this.address = address;
    this.#signature = signature;
    this.#dispCallFunc = dispCallFunc;
    this.#words = wordsOf(variants);
    this.#result = wordsOf(answer);
    this.#resultType = VARIANT_TYPES[result];
    this.#count = count;
    this.#typesAddress = types.address;
    this.#pointersAddress = pointers.address;
    this.#resultAddress = answer.address;

    const typesView = viewOf(types);
    const pointersView = viewOf(pointers);
    const variantsView = viewOf(variants);
    parameters.forEach((type, i) => {
      const at = VARIANT.size * i;
      typesView.setUint16(2 * i, VARIANT_TYPES[type], true);
      variantsView.setUint16(at + VARIANT.type, VARIANT_TYPES[type], true);
      pointersView.setBigUint64(8 * i, variants.address + BigInt(at), true);
    });
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
   * A `DispCallFunc` that refuses a frame has not called the function; this
   * one then goes the slow way for good.
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
    if (hresult === 0) return;
    this.#dispCallFunc = null;
    this.#callPointer();
  }

  /** The result of the last call as a signed 32-bit number. */
  get int32(): number {
    return this.#result[LOW]! | 0;
  }

  /** The result of the last call as an unsigned 32-bit number. */
  get uint32(): number {
    return this.#result[LOW]!;
  }

  /** The result of the last call as a pointer; imprecise from 2^53. */
  get pointer(): number {
    return joinWords(this.#result[LOW]!, this.#result[HIGH]!);
  }

  #callPointer(): void {
    const { parameters } = this.#signature;
    this.#pointer ??= new Deno.UnsafeFnPointer(
      Deno.UnsafePointer.create(this.address)!,
      this.#signature,
    );
    const values = parameters.map((type, i) => {
      const low = this.#words[i * WORDS + LOW]!;
      const high = this.#words[i * WORDS + HIGH]!;
      if (type === "u64") return BigInt(high) << 32n | BigInt(low);
      return type === "i32" ? low | 0 : low;
    });
    const answer = BigInt(this.#pointer.call(...values) ?? 0);
    this.#result[LOW] = Number(answer & 0xFFFFFFFFn);
    this.#result[HIGH] = Number(answer >> 32n & 0xFFFFFFFFn);
  }
}

function wordsOf({ bytes }: RioMemory): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function viewOf({ bytes }: RioMemory): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
