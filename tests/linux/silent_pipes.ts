/**
 * Loaded before a program: a class in the place of that behind Deno's pipes,
 * which does nothing that it is told.
 *
 * @module
 */
const { process } = globalThis as unknown as {
  process: { binding(name: string): unknown };
};

process.binding = () => ({
  Pipe: class {
    open(): number {
      return 0;
    }
    readStart(): number {
      return 0;
    }
    ref(): void {}
    unref(): void {}
    close(): void {}
  },
});
