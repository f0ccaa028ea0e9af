/**
 * A listener and those who connect to it, who give up and end in any order.
 *
 * @module
 */
import { assert } from "@std/assert";
import { connect, listen, type RioTcpConn } from "../../mod.ts";
import type { Race } from "./run.ts";

const HOST = "127.0.0.1";

/** Errors of whoever connects to what is closed, or gives up. */
function isEnd(error: unknown): boolean {
  return error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    (error as Error).message === "aborted";
}

/** Has many connect to a listener, give up, talk and end. */
export const attempts: Race = async (schedule, sessions) => {
  const { random } = schedule;
  const [session, other] = sessions;
  const listener = listen({ hostname: HOST, session });
  const { port } = listener.addr;
  let closed = false;
  let clients = 1 + random.below(6);
  const opened: RioTcpConn[] = [];

  /** Says or hears a byte, or not; then ends. */
  const use = async (conn: RioTcpConn) => {
    opened.push(conn);
    await schedule.hop();
    try {
      const what = random.below(4);
      if (what < 2) await conn.write(new Uint8Array(1));
      if (what === 2) conn.setNoDelay();
    } catch (error) {
      assert(
        isEnd(error) || error instanceof Deno.errors.BrokenPipe,
        `${error}`,
      );
    }
    await schedule.hop();
    conn[Symbol.dispose]();
  };
  const client = async () => {
    const controller = new AbortController();
    const { signal } = controller;
    if (random.oneIn(2)) {
      schedule.add("abort()", () => {
        controller.abort(new Error("aborted"));
        return Promise.resolve();
      });
    }
    try {
      await use(await connect({ port, session: other, signal }));
    } catch (error) {
      if (!isEnd(error)) throw error;
    }
    if (--clients === 0) end();
  };
  const end = () => {
    closed = true;
    listener[Symbol.dispose]();
  };
  for (let left = clients; left > 0; left--) schedule.add("connect()", client);
  schedule.add("accept()", async () => {
    while (!closed) {
      try {
        const conn = await listener.accept();
        schedule.add("a connection", () => use(conn));
      } catch (error) {
        if (!isEnd(error)) throw error;
      }
      await schedule.hop();
    }
  });
  const ending = random.below(16);
  if (ending < 4) {
    schedule.add("listener.close()", () => Promise.resolve(end()));
  } else if (ending < 7) {
    schedule.add("session.close()", async () => {
      await random.pick(sessions)!.close();
      end();
    });
  }
  await schedule.end();
  assert(opened.every(({ socket }) => socket.closed));
};
