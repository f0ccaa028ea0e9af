/**
 * Another system for a moment: what the package asks Deno for, answered by the
 * test.
 *
 * @module
 */

/** Puts a value in the place of one of Deno's, until the end of the scope. */
function replace<K extends keyof typeof Deno>(
  name: K,
  value: (typeof Deno)[K],
): Disposable {
  const own = Object.getOwnPropertyDescriptor(Deno, name)!;
  Object.defineProperty(Deno, name, { ...own, value });
  return {
    [Symbol.dispose]: () => void Object.defineProperty(Deno, name, own),
  };
}

/** Has Deno say that it runs on another system. */
export function pretend(os: typeof Deno.build.os): Disposable {
  return replace("build", { ...Deno.build, os });
}

/** Has Deno name its insides otherwise; they have no public name. */
export function nameInsides(value: unknown): Disposable {
  return replace("internal" as keyof typeof Deno, value as never);
}

/** A library as `Deno.dlopen` gives it, of whatever functions. */
export interface Library {
  readonly symbols: Record<string, unknown>;
  close(): void;
}

/** The libraries that were opened, and how many of them are. */
export interface Libraries extends Disposable {
  /** The paths, in their order; also of what was not found. */
  readonly asked: string[];
  /** How many are open. */
  readonly open: number;
}

/**
 * Has a test open the libraries.
 *
 * @param open Opens one; it may call the real function, or throw.
 */
export function openWith(
  open: (
    path: string,
    real: (path: string) => Library,
  ) => Pick<Library, "symbols"> & Partial<Library>,
): Libraries {
  const { dlopen } = Deno;
  const asked: string[] = [];
  let count = 0;
  const replaced = replace(
    "dlopen",
    ((path: string, functions: Deno.ForeignLibraryInterface) => {
      asked.push(path);
      const opened = open(
        path,
        (path) => dlopen(path, functions) as unknown as Library,
      );
      count++;
      return {
        symbols: opened.symbols,
        close() {
          count--;
          opened.close?.();
        },
      };
    }) as unknown as typeof Deno.dlopen,
  );
  return {
    asked,
    get open() {
      return count;
    },
    [Symbol.dispose]: () => replaced[Symbol.dispose](),
  };
}

/** Has the system give so many blocks of memory, and then no more. */
export function memoryFor(blocks: number): Disposable {
  const own = WebAssembly.Memory;
  WebAssembly.Memory = class extends own {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if (blocks-- === 0) throw new RangeError("could not allocate memory");
      super(descriptor);
    }
  };
  return { [Symbol.dispose]: () => void (WebAssembly.Memory = own) };
}
