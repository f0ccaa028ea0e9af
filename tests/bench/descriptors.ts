/**
 * How many sockets a process may have.
 *
 * @module
 */

/** Descriptors for everything but the sockets that are measured. */
const SPARE = 200;

/** Whether so many sockets fit into one process; says why where they do not. */
export function fits(sockets: number): boolean {
  const limit = openFiles();
  if (sockets + SPARE <= limit) return true;
  console.error(
    `skip: ${sockets} sockets do not fit the limit of ${limit} open files`,
  );
  return false;
}

/** The most files that this process may have open. */
function openFiles(): number {
  if (Deno.build.os !== "linux") return Infinity;
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Infinity : Number(soft);
}
