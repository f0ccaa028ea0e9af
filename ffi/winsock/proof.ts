/**
 * Whether `DispCallFunc` calls function pointers as it has to.
 *
 * It was made for automation, and nobody documents what it does with arguments
 * and results of 64 bits. So it calls two functions first of which the outcome
 * is known, with as many arguments as any function here has, and with every kind
 * of argument and result. A system on which it refuses one of them, or gives
 * something else, is called in another way, from the first call on.
 *
 * Source: `DispCallFunc`, `LCMapStringEx` and `VerSetConditionMask` in the
 * Microsoft reference.
 *
 * @module
 */
import { CallMemory, NativeFunction, type NativeSignature } from "./call.ts";
import type { DispCallFunc, WinsockSymbols } from "./library.ts";

/** What it was seen to be, by the functions that it was tried with. */
const proven: WeakMap<WinsockSymbols, DispCallFunc | null> = new WeakMap();

// int LCMapStringEx(LPCWSTR lpLocaleName, DWORD dwMapFlags, LPCWSTR lpSrcStr,
//   int cchSrc, LPWSTR lpDestStr, int cchDest,
//   LPNLSVERSIONINFO lpVersionInformation, LPVOID lpReserved,
//   LPARAM sortHandle)
const LC_MAP_STRING_EX: NativeSignature["parameters"] = [
  ...["u64", "u32", "u64", "i32", "u64", "i32", "u64", "u64", "u64"] as const,
];
const LCMAP_UPPERCASE = 0x200;
const LOWER = "rio";

// As in the library; the condition is a BYTE in a register of its own.
const VER_SET_CONDITION_MASK: NativeSignature = {
  parameters: ["u64", "u32", "u32"],
  result: "u64",
};
const VER_MAJORVERSION = 2;
const VER_GREATER_EQUAL = 3;
/** As much as an argument may be: bits in both words. */
const MASK = 0x0012_3456_7000_0000;

/**
 * Gives `DispCallFunc` where it calls known functions well.
 *
 * @param symbols The native functions.
 * @returns `null` where there is none, or it does not; the same each time.
 */
export function provenDispCallFunc(
  symbols: WinsockSymbols,
): DispCallFunc | null {
  const known = proven.get(symbols);
  if (known !== undefined) return known;
  const { DispCallFunc: call } = symbols;
  const found = call !== null && callsWell(symbols, call) ? call : null;
  proven.set(symbols, found);
  return found;
}

function callsWell(
  symbols: WinsockSymbols,
  dispCallFunc: DispCallFunc,
): boolean {
  const path = { memory: new CallMemory(), dispCallFunc };
  const map = addressOf(symbols, "LCMapStringEx");
  const set = addressOf(symbols, "VerSetConditionMask");
  if (map === 0n || set === 0n) return false;
  const text = path.memory.take(32);
  const characters = new Uint16Array(
    text.bytes.buffer,
    text.bytes.byteOffset,
    16,
  );
  const source = Number(text.address);
  // The name of the invariant locale is empty: the zero at the end.
  const locale = source + 30;
  const target = source + 16;
  try {
    for (const result of ["i32", "u32", "void"] as const) {
      const signature = { parameters: LC_MAP_STRING_EX, result };
      const call = new NativeFunction(map, signature, path);
      characters.fill(0);
      characters.set(unitsOf(LOWER));
      call.invoke(
        ...[locale, LCMAP_UPPERCASE, source, LOWER.length],
        ...[target, LOWER.length, 0, 0, 0],
      );
      if (result !== "void" && call.int32 !== LOWER.length) return false;
      const written = characters.subarray(8, 12);
      if (`${written}` !== `${unitsOf(LOWER.toUpperCase())},0`) return false;
    }
    const call = new NativeFunction(set, VER_SET_CONDITION_MASK, path);
    call.invoke(MASK, VER_MAJORVERSION, VER_GREATER_EQUAL);
    return BigInt(call.pointer) === symbols.VerSetConditionMask(
      BigInt(MASK),
      VER_MAJORVERSION,
      VER_GREATER_EQUAL,
    );
  } catch {
    // It refuses a frame.
    return false;
  }
}

/** The address of a function of `kernel32.dll`; 0 for none. */
function addressOf(symbols: WinsockSymbols, name: string): bigint {
  const library = new Uint16Array(unitsOf("kernel32.dll\0"));
  const module = symbols.GetModuleHandleW(library);
  if (module === 0n) return 0n;
  return symbols.GetProcAddress(module, new TextEncoder().encode(`${name}\0`));
}

function unitsOf(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
