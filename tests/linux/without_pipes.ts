/**
 * Loaded before the tests: takes away the class behind Deno's pipes, so that
 * every wait of the Linux backend ends on a thread of the pool.
 *
 * Whoever loads it says so in `RIO_TEST_WAY`; the programs that tests run load
 * it, too.
 *
 * @module
 */
const { process } = globalThis as unknown as {
  process: { binding(name: string): never };
};

process.binding = (name) => {
  throw new Error(`No such module: ${name}`);
};
