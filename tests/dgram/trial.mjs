/**
 * One run of a statement over one implementation of `dgram`.
 *
 * @module
 */
import assert from "node:assert";
import { once } from "node:events";
import os from "node:os";
import process from "node:process";

/** The most that a statement waits for anything: `PATIENCE_MS` of `../patience.ts`. */
const PATIENCE_MS = 30_000;
/** The same where it is known to wait in vain. */
const NO_PATIENCE_MS = 300;

/** What a statement is given. */
export class Trial {
  #opened = [];
  #timers = [];
  #patience;
  #failed = Promise.withResolvers ? Promise.withResolvers() : withResolvers();

  constructor(dgram, { vain = false } = {}) {
    this.dgram = dgram;
    this.#patience = vain ? NO_PATIENCE_MS : PATIENCE_MS;
    this.#failed.promise.catch(() => {});
  }

  /** An address of this host that is local to a link, with its interface. */
  get linkLocal() {
    const [name, addresses] = Object.entries(os.networkInterfaces())
      .find(([, addresses]) => addresses.some(isLinkLocal));
    return `${addresses.find(isLinkLocal).address}%${name}`;
  }

  /** Makes a socket that is closed at the end. */
  open(options = "udp4", listener = undefined) {
    const socket = this.dgram.createSocket(options, listener);
    this.#opened.push(socket);
    return socket;
  }

  /** The same, bound to any port of an address. */
  async bound(options = "udp4", address = undefined) {
    const socket = this.open(options);
    const type = typeof options === "string" ? options : options.type;
    socket.bind(0, address ?? (type === "udp4" ? "127.0.0.1" : "::1"));
    await this.once(socket, "listening");
    return socket;
  }

  /** Waits for an event, and gives what it tells. */
  once(emitter, event) {
    return this.within(once(emitter, event), `the event "${event}"`);
  }

  /** Waits for the next datagrams, as text. */
  async texts(socket, count) {
    const texts = [];
    const all = new Promise((resolve) => {
      socket.on("message", function take(data) {
        texts.push(data.toString());
        if (texts.length < count) return;
        socket.removeListener("message", take);
        resolve();
      });
    });
    await this.within(all, `${count} datagrams`);
    return texts;
  }

  /** Calls with a callback at the end, and gives what that is told. */
  told(call) {
    const told = new Promise((resolve) => call((...all) => resolve(all)));
    return this.within(told, "a callback");
  }

  /** Waits for a promise, or for the first thing that went wrong. */
  async within(promise, what) {
    const { promise: late, reject } = withResolvers();
    const timer = setTimeout(
      () => reject(new Error(`Waited in vain for ${what}`)),
      this.#patience,
    );
    this.#timers.push(timer);
    try {
      return await Promise.race([promise, late, this.#failed.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A few turns of the event loop, in which nothing is to happen. */
  async turns(count = 20) {
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A listener that must not be called. */
  never(what) {
    return (...all) =>
      this.#failed.reject(
        new Error(`${what} was called with ${all.map(String)}`),
      );
  }

  /** What a call throws, as class, code and message. */
  thrown(call) {
    try {
      call();
    } catch ({ name, code, message }) {
      return { name, code, message };
    }
    assert.fail("nothing was thrown");
  }

  /** Takes the next exception that nobody catches. */
  uncaught() {
    const thrown = new Promise((resolve) =>
      process.once("uncaughtException", resolve)
    );
    return this.within(thrown, "an uncaught exception");
  }

  /** Looks a last time whether something went wrong, and closes everything. */
  async end() {
    try {
      await Promise.race([this.turns(1), this.#failed.promise]);
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      for (const socket of this.#opened) {
        socket.removeAllListeners("error");
        socket.on("error", () => {});
        try {
          socket.close();
        } catch {
          // It was closed by the statement.
        }
      }
      await this.turns(3);
    }
  }
}

function withResolvers() {
  const all = {};
  all.promise = new Promise((resolve, reject) =>
    Object.assign(all, { resolve, reject })
  );
  return all;
}

function isLinkLocal({ address }) {
  return address.startsWith("fe80:");
}

const interfaces = Object.values(os.networkInterfaces()).flat();

/** What a statement may need of a machine. */
const HERE = {
  linux: process.platform === "linux",
  ipv6: interfaces.some(({ address }) => address === "::1"),
  linkLocal: interfaces.some(isLinkLocal),
  multicast: interfaces.some(({ family, internal }) =>
    family === "IPv4" && !internal
  ),
};

/**
 * Why a statement cannot be tried on this machine; nothing where it can.
 *
 * @param {{ needs?: string | string[] }} statement
 * @returns {string | undefined}
 */
export function missing({ needs = [] }) {
  const lacks = [needs].flat().find((what) => !HERE[what]);
  return lacks && `there is no ${lacks} here`;
}

/**
 * Tries a statement.
 *
 * @param {{ run(trial: any): any }} statement
 * @param {unknown} dgram
 * @param {{ vain?: boolean }} options
 */
export async function attempt({ run }, dgram, options = {}) {
  const trial = new Trial(dgram, options);
  try {
    await run(trial);
  } finally {
    await trial.end();
  }
}
