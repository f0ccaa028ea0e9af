/**
 * What to do when the system has no memory left.
 *
 * @module
 */

/**
 * Runs what takes memory.
 *
 * @returns Whether the system had room for it.
 */
export function hasRoom(take: () => void): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
