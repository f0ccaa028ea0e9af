/**
 * The sending half of a datagram socket.
 *
 * @module
 */
import { WSAEMSGSIZE } from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
import type { RioBuffer } from "../../session/buffer.ts";
import type { RioCompletion } from "../../session/requests.ts";
import type { RioSession } from "../../session/session.ts";
import type { RioSocket } from "../../session/socket.ts";
import { type SendGroup, SendSlot, slotSize } from "./slots.ts";
import { Driver } from "../driver.ts";
import { interrupted, toDenoError } from "../errors.ts";

const SOON = Promise.resolve();

interface Waiter {
  use(slot: SendSlot): void;
  reject(error: unknown): void;
}

/** Copies datagrams into registered memory, sends them, and waits for room. */
export class Outbox {
  readonly #socket: RioSocket;
  readonly #driver: Driver;
  readonly #buffer: RioBuffer;
  readonly #datagramSize: number;
  readonly #slots: number;
  readonly #free: SendSlot[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #groups: Set<SendGroup> = new Set();
  #deferred = 0;
  #flush: Promise<void> | null = null;
  readonly #commitNow = (): void => {
    this.#flush = null;
    this.commit();
  };

  constructor(
    session: RioSession,
    socket: RioSocket,
    options: { slots: number; datagramSize: number },
  ) {
    const { slots, datagramSize } = options;
    this.#socket = socket;
    this.#driver = new Driver(
      socket.sendCompletions,
      (reason) => this.#rejectAll(reason),
    );
    this.#datagramSize = datagramSize;
    this.#slots = slots;
    this.#buffer = session.registerBuffer(slots * slotSize(datagramSize));
    const completed = (slot: SendSlot, completion: RioCompletion) =>
      this.#complete(slot, completion);
    for (let i = 0; i < slots; i++) {
      this.#free.push(
        new SendSlot(this.#buffer, i, { datagramSize, completed }),
      );
    }
  }

  /** The socket that the datagrams leave through. */
  get socket(): RioSocket {
    return this.#socket;
  }

  /** A slot that is free now. */
  take(): SendSlot | undefined {
    if (this.#free.length === 0) {
      this.commit();
      this.#driver.poll();
    }
    return this.#free.pop();
  }

  /**
   * Waits until a slot is free: the system has taken an earlier datagram.
   *
   * @param use Called at once when the slot is there: whoever comes later stays
   * behind.
   */
  wait(use: (slot: SendSlot) => void): Promise<void> {
    this.commit();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({
      use: (slot) => {
        this.#driver.leave(true);
        try {
          resolve(use(slot));
        } catch (error) {
          reject(error);
        }
      },
      reject: (error) => {
        this.#driver.leave(true);
        reject(error);
      },
    });
    this.#driver.enter(true);
    return promise;
  }

  /** Takes every slot, which is when all that was posted has completed. */
  async takeAll(): Promise<void> {
    for (let i = 0; i < this.#slots; i++) {
      if (!this.take()) await this.wait(() => {});
    }
  }

  /** Gives back a slot with which nothing was sent. */
  give(slot: SendSlot): void {
    const waiter = this.#waiters.shift();
    if (waiter) waiter.use(slot);
    else this.#free.push(slot);
  }

  /**
   * Posts what was copied into a slot, as part of a group; nothing leaves
   * before {@linkcode Outbox.commit}.
   */
  post(
    slot: SendSlot,
    group: SendGroup,
    options: { length: number; connected: boolean; controlLength: number },
  ): void {
    const { length, connected, controlLength } = options;
    if (length > this.#datagramSize) {
      throw new RioError({
        errno: WSAEMSGSIZE,
        syscall: "RIOSend",
        attempt: `send ${length} bytes through slots of ${this.#datagramSize}`,
      });
    }
    const base = connected ? slot.connectedOptions : slot.options;
    this.#socket.send(
      slot.part(length),
      controlLength === 0
        ? base
        : { ...base, control: slot.controlPart(controlLength) },
    );
    this.#deferred++;
    slot.group = group;
    group.left++;
  }

  /**
   * Commits as soon as whoever sends at this moment has posted: sends that are
   * not awaited one by one leave together.
   */
  flush(): Promise<void> {
    return this.#flush ??= SOON.then(this.#commitNow);
  }

  /** Hands everything posted to the system, and completes what it took. */
  commit(): void {
    if (this.#deferred === 0 || this.#socket.closed) return;
    this.#socket.commit("send");
    // Had it failed, the next commit would start them.
    this.#deferred = 0;
    this.#driver.poll();
  }

  /** Waits until all sends of a group have completed. */
  finish(group: SendGroup): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#groups.add(group);
    group.done = () => {
      this.#groups.delete(group);
      this.#driver.leave(true);
      resolve();
    };
    this.#driver.enter(true);
    return promise;
  }

  /** Ends every wait; the socket is closed by its owner. */
  close(): void {
    this.#rejectAll(interrupted());
  }

  /** Ends the registration, when the socket was closed. */
  release(): void {
    this.#buffer[Symbol.dispose]();
  }

  #rejectAll(reason: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
    for (const group of this.#groups) {
      group.error ??= reason as Error;
      group.done?.();
    }
  }

  #complete(slot: SendSlot, completion: RioCompletion): void {
    const group = slot.group!;
    slot.group = null;
    if (completion.status === 0) group.sent++;
    else group.error ??= toDenoError(completion.error) as Error;
    this.give(slot);
    if (--group.left === 0) group.done?.();
  }
}
