/**
 * How a socket learns that a call on it may get through now.
 *
 * A way to move data brings its own: this one asks epoll, see `poll.ts`.
 *
 * @module
 */

/** What can be watched: a file descriptor, and whom to tell. */
export interface Source {
  /** The file descriptor. */
  readonly fd: number;
  /** What it is watched for, 0 for nothing; written by who watches alone. */
  interest: number;
  /** Whether to tell when it can be written to; what arrives is always told. */
  readonly wantsWritable: boolean;
  /**
   * Takes note that something has arrived.
   *
   * @param ended Whether that is more than data: an end or an error.
   */
  readable(ended: boolean): void;
  /** Takes note that there is room to send, or that a connect has ended. */
  writable(): void;
}

/** Watches sockets, and reports the keys of who waits for them. */
export interface Readiness {
  /**
   * Watches a source for what it wants at the moment.
   *
   * @param again Tells what is ready already, though it was told before.
   * @returns 0, or an error number: then nothing will be told.
   */
  watch(source: Source, again?: boolean): number;
  /** Watches a source no more, of which somebody else tells from now on. */
  unwatch(source: Source): void;
  /** Tells nothing more about a source, which is about to be closed. */
  forget(source: Source): void;
  /** Reports a key with the wait that goes on, or the next one. */
  fire(key: number): void;
}
