/**
 * Echo servers and their clients, of every kind that is compared.
 *
 * @module
 */
import {
  type AddressInfo,
  connect as nodeConnect,
  createServer,
} from "node:net";
import { connect, listen, listenDatagram } from "../../mod.ts";
import * as nodeDgram from "./node_echo.mjs";

/** Bytes of a request. */
export const SIZE = 64;

/** Sends back what it gets, until it is disposed. */
export interface EchoServer extends AsyncDisposable {
  readonly port: number;
}

/** Sends one request at a time. */
export interface EchoClient extends AsyncDisposable {
  /** A request there and back. */
  trip(): Promise<void>;
}

/** A server and a client of one kind. */
export interface Echo {
  readonly name: string;
  serve(): Promise<EchoServer> | EchoServer;
  connect(port: number): Promise<EchoClient> | EchoClient;
}

/** A transport. */
export type Transport = "udp" | "tcp";

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** The kinds per transport; this package first. */
export const ECHOES: Readonly<Record<Transport, Record<string, Echo>>> = {
  udp: {
    rio: datagrams("listenDatagram", () => listenDatagram(LOCAL)),
    deno: datagrams(
      "Deno.listenDatagram",
      () => Deno.listenDatagram({ transport: "udp", ...LOCAL }),
    ),
    node: {
      name: "node:dgram in Deno",
      serve: () => nodeDgram.serve() as Promise<EchoServer>,
      connect: (port) => nodeDgram.connect(port, SIZE) as Promise<EchoClient>,
    },
  },
  tcp: {
    rio: streams("connect and listen", { connect, listen }),
    deno: streams("Deno.connect and Deno.listen", Deno),
    node: nodeNet(),
  },
};

interface Datagrams {
  send(p: Uint8Array, addr: Deno.Addr): Promise<number>;
  receive(p?: Uint8Array<ArrayBuffer>): Promise<[Uint8Array, Deno.Addr]>;
  close(): void | Promise<void>;
  readonly addr: Deno.Addr;
}

function datagrams(name: string, open: () => Datagrams): Echo {
  return {
    name,
    serve() {
      const conn = open();
      const echo = async () => {
        const buffer = new Uint8Array(SIZE);
        for (;;) {
          const [data, from] = await conn.receive(buffer);
          await conn.send(data, from);
        }
      };
      const served = echo().catch(ended);
      return {
        port: (conn.addr as Deno.NetAddr).port,
        async [Symbol.asyncDispose]() {
          await conn.close();
          await served;
        },
      };
    },
    connect(port) {
      const conn = open();
      const to: Deno.NetAddr = { transport: "udp", ...LOCAL, port };
      const data = new Uint8Array(SIZE);
      const buffer = new Uint8Array(SIZE);
      return {
        async trip() {
          await conn.send(data, to);
          await conn.receive(buffer);
        },
        async [Symbol.asyncDispose]() {
          await conn.close();
        },
      };
    },
  };
}

interface Stream {
  read(p: Uint8Array): Promise<number | null>;
  write(p: Uint8Array): Promise<number>;
  setNoDelay(noDelay?: boolean): void;
  close(): void;
}

interface Streams {
  connect(options: { hostname: string; port: number }): Promise<Stream>;
  listen(options: { hostname: string; port: number }): {
    readonly addr: Deno.Addr;
    accept(): Promise<Stream>;
    close(): void;
  };
}

function streams(name: string, { connect, listen }: Streams): Echo {
  return {
    name,
    serve() {
      const listener = listen(LOCAL);
      const echo = async (conn: Stream) => {
        conn.setNoDelay();
        const buffer = new Uint8Array(SIZE);
        for (;;) {
          const length = await conn.read(buffer);
          if (length === null) break;
          await writeFull(conn, buffer.subarray(0, length));
        }
        conn.close();
      };
      const accept = async () => {
        for (;;) echo(await listener.accept()).catch(ended);
      };
      const served = accept().catch(ended);
      return {
        port: (listener.addr as Deno.NetAddr).port,
        async [Symbol.asyncDispose]() {
          listener.close();
          await served;
        },
      };
    },
    async connect(port) {
      const conn = await connect({ ...LOCAL, port });
      conn.setNoDelay();
      const data = new Uint8Array(SIZE);
      return {
        async trip() {
          await writeFull(conn, data);
          await readFull(conn, data);
        },
        async [Symbol.asyncDispose]() {
          await conn.close();
        },
      };
    },
  };
}

function nodeNet(): Echo {
  return {
    name: "node:net in Deno",
    async serve() {
      const server = createServer({ noDelay: true }, (socket) => {
        socket.on("data", (data) => socket.write(data));
      });
      await new Promise<void>((done) => server.listen(0, LOCAL.hostname, done));
      return {
        port: (server.address() as AddressInfo).port,
        async [Symbol.asyncDispose]() {
          await new Promise((done) => server.close(done));
        },
      };
    },
    async connect(port) {
      const socket = nodeConnect({ host: LOCAL.hostname, port, noDelay: true });
      await new Promise<void>((done) => socket.once("connect", done));
      const data = new Uint8Array(SIZE);
      let left = 0;
      let arrived = () => {};
      socket.on("data", ({ length }) => {
        if ((left -= length) === 0) arrived();
      });
      return {
        trip: () =>
          new Promise((resolve) => {
            left = SIZE;
            arrived = resolve;
            socket.write(data);
          }),
        async [Symbol.asyncDispose]() {
          const closed = new Promise<void>((done) =>
            socket.once("close", done)
          );
          socket.end();
          await closed;
        },
      };
    },
  };
}

/** Reads until the array is full. */
export async function readFull(
  conn: Pick<Stream, "read">,
  p: Uint8Array,
): Promise<void> {
  for (let at = 0; at < p.length;) at += (await conn.read(p.subarray(at)))!;
}

/** Writes until all of the array is written. */
export async function writeFull(
  conn: Pick<Stream, "write">,
  p: Uint8Array,
): Promise<void> {
  for (let at = 0; at < p.length;) at += await conn.write(p.subarray(at));
}

/** For what waits on a socket until it is closed: only that is no error. */
export function ended(error: unknown): void {
  if (error instanceof Deno.errors.BadResource) return;
  if (error instanceof Deno.errors.Interrupted) return;
  throw error;
}
