/**
 * Loaded before a program: takes away how Deno can be told that a call which
 * goes on shall not keep the process alive.
 *
 * @module
 */
Reflect.deleteProperty(Deno, "internal");
