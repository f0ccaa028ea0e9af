/**
 * Entries of completion queues that request queues have reserved.
 *
 * @module
 */
import { DIRECTIONS, type RequestQueue } from "./queues.ts";

/**
 * Reserves as many entries of its completion queues as a request queue wants;
 * returns whether they have room.
 */
export function reserve(
  queue: RequestQueue,
  receive: number,
  send: number,
): boolean {
  const wanted = { receive, send };
  const { queues, maximum } = queue;
  for (const direction of DIRECTIONS) {
    queues[direction].reserved += wanted[direction] - maximum[direction];
  }
  const fits = DIRECTIONS.every((direction) =>
    queues[direction].reserved <= queues[direction].size
  );
  for (const direction of DIRECTIONS) {
    const change = wanted[direction] - maximum[direction];
    if (fits) maximum[direction] = wanted[direction];
    else queues[direction].reserved -= change;
  }
  return fits;
}

/** Gives the entries of a dead request queue back once nothing of it is left. */
export function release(queue: RequestQueue): void {
  const { receive, send } = queue.outstanding;
  if (!queue.dead || queue.released || receive + send > 0) return;
  queue.released = true;
  for (const direction of DIRECTIONS) {
    queue.queues[direction].reserved -= queue.maximum[direction];
  }
}
