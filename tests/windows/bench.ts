/**
 * What a call of a RIO function costs on Windows, by each way there is, and
 * what a session adds. Run by `deno task bench:windows`, also with `--json`.
 *
 * All candidates take turns in one process, so a slow moment hits each of them,
 * and only ratios are worth quoting.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import {
  CallMemory,
  NativeFunction,
  type NativeType,
} from "../../ffi/winsock/call.ts";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { type Effort, measure, type Report, type Work } from "./measure.ts";
import { ownCost } from "./own_cost.ts";
import { emptyDequeue, wakes } from "./real_cost.ts";
import { library } from "./provider.ts";

/** The functions of `provider/instant.c`; each returns its third argument. */
const SHAPES = [
  {
    title: "RIOSend, 5 arguments",
    name: "RioInstantSend",
    parameters: ["u64", "u64", "u32", "u32", "u64"],
  },
  {
    title: "RIOReceiveEx, 9 arguments",
    name: "RioInstantReceiveEx",
    parameters: ["u64", "u64", "u32", "u64", "u64", "u64", "u64", "u32", "u64"],
  },
  {
    title: "RIODequeueCompletion, 3 arguments",
    name: "RioInstantDequeue",
    parameters: ["u64", "u64", "u32"],
  },
] as const satisfies readonly {
  title: string;
  name: string;
  parameters: readonly NativeType[];
}[];

type Call = (...values: (number | bigint)[]) => number;

/** One function, called in the three ways. */
function callPaths(shape: typeof SHAPES[number], effort: Effort): Report {
  const { title, name, parameters } = shape;
  const definition = {
    // A handle as `usize` and a BigInt stays on the fast path.
    parameters: parameters.map((type) => type === "u64" ? "usize" : type),
    result: "u32",
  } as const;
  const { symbols } = Deno.dlopen(library!, {
    [name]: definition,
    RioInstantAddress: { parameters: ["u32"], result: "u64" },
  } as Deno.ForeignLibraryInterface);
  const native = symbols as unknown as Record<string, Call> & {
    RioInstantAddress(index: number): bigint;
  };
  const address = native.RioInstantAddress(SHAPES.indexOf(shape));
  const pointer = new Deno.UnsafeFnPointer(
    Deno.UnsafePointer.create(address) as Deno.PointerObject<
      typeof definition
    >,
    definition,
  );
  const frame = new NativeFunction(address, { parameters, result: "u32" }, {
    memory: new CallMemory(),
    dispCallFunc: openLibrary({ library: library! }).DispCallFunc,
  });
  const prepared: Work = (count) => {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < parameters.length; i++) frame.set(i, 1);
      frame.call();
      if (frame.int32 !== 1) throw new Error("The call went wrong");
    }
  };
  return {
    title,
    rows: measure({
      "DispCallFunc, as the package calls": prepared,
      "Deno.UnsafeFnPointer": repeat(
        pointer.call.bind(pointer) as Call,
        parameters,
      ),
      "a symbol of Deno.dlopen": repeat(native[name]!, parameters),
    }, effort),
  };
}

/**
 * Calls with ones. The source is written out, because a spread costs more than
 * the call, and differs each time, because V8 keeps a call fast only where its
 * target stays the same function.
 */
function repeat(call: Call, parameters: readonly NativeType[]): Work {
  const values = parameters.map((type) => type === "u64" ? "1n" : "1").join();
  return new Function(
    "call",
    `return (count) => {
      for (let i = 0; i < count; i++) {
        if (call(${values}) !== 1) throw new Error("The call went wrong");
      }
    } // ${crypto.randomUUID()}`,
  )(call);
}

function print({ title, rows }: Report): void {
  const [first] = rows;
  console.log(`\n${title}`);
  for (const { name, median, min, max } of rows) {
    const number = (value: number) => value.toFixed(0).padStart(6);
    const ratio = (median / first!.median).toFixed(2).padStart(8);
    console.log(
      `  ${name.padEnd(40)}${number(median)} ns  (${number(min)} to ${
        number(max)
      })  x${ratio}`,
    );
  }
}

async function main(): Promise<number> {
  const { json, quick } = parseArgs(Deno.args, { boolean: ["json", "quick"] });
  // Short rounds: one that another program interrupts is one of many.
  const short = { calls: 1_000, rounds: quick ? 20 : 200, warmUp: 50 };
  const reports: Report[] = [];
  if (library === undefined) {
    console.error("skip: calls that return at once, RIO_LIBRARY is not set");
  } else {
    reports.push(...SHAPES.map((shape) => callPaths(shape, short)));
    const long = { ...short, rounds: quick ? 100 : 1_000, warmUp: 200 };
    reports.push(...ownCost(library, long));
  }
  try {
    reports.push(emptyDequeue(short), await wakes(quick ? 100 : 1_000));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotSupported)) throw error;
    console.error(`skip: what this system really does, ${error.message}`);
  }
  if (json) console.log(JSON.stringify(reports, null, 2));
  else for (const report of reports) print(report);
  return 0;
}

Deno.exit(await main());
