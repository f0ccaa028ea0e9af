/** What the model can do to a session. @module */

/** What the model does. */
export const VERBS = [
  "register",
  "slice",
  "open a queue",
  "open a socket",
  "open a connection",
  "receive",
  "send",
  "defer",
  "commit",
  "notify",
  "dequeue",
  "walk",
  "resize a queue",
  "resize a socket",
  "close a socket",
  "abort",
  "dispose a socket",
  "close a queue",
  "deregister",
  "dispose a buffer",
  "use what was closed",
  "drop a buffer",
  "collect",
  "start a worker",
  "finish a worker",
  "terminate a worker",
  "dispose in any order",
] as const;

/** Something that the model does. */
export type Verb = (typeof VERBS)[number];
