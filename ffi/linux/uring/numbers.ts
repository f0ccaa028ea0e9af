/**
 * Numbers and layouts of io_uring.
 *
 * Source: io_uring_setup(2), io_uring_enter(2), io_uring_register(2), and the
 * header `linux/io_uring.h`.
 *
 * @module
 */

/** The numbers of the system calls, the same on every processor. */
export const SYS_IO_URING_SETUP = 425n;
export const SYS_IO_URING_ENTER = 426n;
export const SYS_IO_URING_REGISTER = 427n;

export const IORING_SETUP_CQSIZE = 1 << 3;
export const IORING_SETUP_TASKRUN_FLAG = 1 << 9;
export const IORING_SETUP_SINGLE_ISSUER = 1 << 12;
export const IORING_SETUP_DEFER_TASKRUN = 1 << 13;
/** Both rings are in memory of ours, which does not keep them open. */
export const IORING_SETUP_NO_MMAP = 1 << 14;

export const IORING_ENTER_GETEVENTS = 1;

export const IORING_REGISTER_EVENTFD = 4;
export const IORING_UNREGISTER_EVENTFD = 5;
export const IORING_REGISTER_PBUF_RING = 22;

/** Flags that the kernel sets: there is something that only a call does. */
export const IORING_SQ_CQ_OVERFLOW = 1 << 1;
export const IORING_SQ_TASKRUN = 1 << 2;
/** A flag that we set: completions do not signal. */
export const IORING_CQ_EVENTFD_DISABLED = 1;

export const IORING_OP_POLL_ADD = 6;
export const IORING_OP_ASYNC_CANCEL = 14;
export const IORING_OP_READ = 22;
export const IORING_OP_SEND = 26;
export const IORING_OP_RECV = 27;

export const IOSQE_BUFFER_SELECT = 1 << 5;
/** The place of the buffer in the flags of a completion. */
export const IORING_CQE_BUFFER_SHIFT = 16;

export const IORING_OFF_SQ_RING = 0n;
export const IORING_OFF_SQES = 0x10000000n;

/** `struct io_uring_params`, in 32-bit words. */
export const PARAMS = {
  bytes: 120,
  entries: 0,
  cqEntries: 1,
  flags: 2,
  features: 5,
  sqHead: 10,
  sqTail: 11,
  sqMask: 12,
  sqFlags: 14,
  sqArray: 16,
  /** 64 bits: where the entries are. */
  sqMemory: 18,
  cqHead: 20,
  cqTail: 21,
  cqMask: 22,
  cqes: 25,
  cqFlags: 26,
  /** 64 bits: where the rings are. */
  cqMemory: 28,
} as const;
/** The submission and the completion ring are one mapping. */
export const IORING_FEAT_SINGLE_MMAP = 1;
/** A completion that finds no room is kept. */
export const IORING_FEAT_NODROP = 2;

/** `struct io_uring_sqe`, in 32-bit words. */
export const SQE = {
  words: 16,
  operation: 0,
  fd: 1,
  address: 4,
  length: 6,
  options: 7,
  userData: 8,
  group: 10,
} as const;

/** `struct io_uring_cqe`, in 32-bit words. */
export const CQE = { words: 4, userData: 0, result: 2, flags: 3 } as const;

export const PROT_READ_WRITE = 3;
export const MAP_SHARED_POPULATE = 0x8001;
export const MAP_PRIVATE_ANONYMOUS = 0x22;
