/**
 * A connection as a pair of streams.
 *
 * @module
 */
import { ReadableStream } from "../../globals.ts";

/** A connection, as the streams use it; disposing it closes it, once. */
export interface StreamSource extends Disposable {
  /** Reads into an array, `null` at the end. */
  read(p: Uint8Array): Promise<number | null>;
}

/** The most bytes of one chunk. */
const CHUNK_SIZE = 65536;

/** What else a stream of received data needs. */
export interface ReadableParts {
  /** Reads into a new array of at most so many bytes, `null` at the end. */
  readChunk(length: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Told of the end, before the stream tells its reader. */
  ended(): void;
}

/**
 * What a connection receives; reads nothing ahead.
 *
 * An error and a cancellation close the connection, as with Deno's own.
 *
 * @param conn The connection.
 * @param parts How to read a chunk, and who is told of the end.
 */
export function readableOf(
  conn: StreamSource,
  { readChunk, ended }: ReadableParts,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const close = () => conn[Symbol.dispose]();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { byobRequest } = controller;
      try {
        if (byobRequest?.view) {
          // The view of a reader who brought its own buffer.
          const { buffer, byteOffset, byteLength } = byobRequest.view;
          const view = new Uint8Array(buffer, byteOffset, byteLength);
          const count = await conn.read(view);
          if (count !== null) return byobRequest.respond(count);
        } else {
          const chunk = await readChunk(CHUNK_SIZE);
          if (chunk !== null) return controller.enqueue(chunk);
        }
      } catch (error) {
        close();
        throw error;
      }
      ended();
      controller.close();
      byobRequest?.respond(0);
    },
    cancel: close,
  });
}

/** What else a stream of data to send needs. */
export interface WritableParts {
  /** Writes all bytes. */
  write(p: Uint8Array): Promise<number>;
  /** Called at the end of the stream; `null` closes the connection. */
  readonly ended: (() => Promise<void>) | null;
}

/**
 * What a connection sends; a chunk is written when the system has taken it.
 *
 * The end of the stream, an error and an abort close the connection, as with
 * Deno's own.
 *
 * @param conn The connection.
 * @param parts How to write, and what to do at the end.
 */
export function writableOf(
  conn: Disposable,
  { write, ended }: WritableParts,
): ConnWritable {
  const close = () => conn[Symbol.dispose]();
  return new ConnWritable({
    async write(chunk) {
      try {
        await write(toBytes(chunk));
      } catch (error) {
        close();
        throw error;
      }
    },
    close: ended ?? close,
    abort: close,
  });
}

/** A stream that tells whether a pipe writes to it. */
export class ConnWritable extends WritableStream<Uint8Array<ArrayBufferLike>> {
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBufferLike>> | null =
    null;

  /**
   * Whether a pipe writes to it: that ends by itself, and most close the stream.
   * A writer may be held for ever.
   */
  get isPiped(): boolean {
    return this.locked && !(this.#writer !== null && holds(this.#writer));
  }

  // Pipes do not call this.
  override getWriter(): WritableStreamDefaultWriter<
    Uint8Array<ArrayBufferLike>
  > {
    return this.#writer = super.getWriter();
  }
}

/** Whether a writer was not released. */
function holds(writer: WritableStreamDefaultWriter): boolean {
  try {
    return writer.desiredSize !== undefined;
  } catch {
    return false;
  }
}

/** The bytes of a chunk; what is none is refused in Deno's words. */
function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (chunk instanceof ArrayBuffer || chunk instanceof SharedArrayBuffer) {
    return new Uint8Array(chunk);
  }
  throw new TypeError(
    "Expected ArrayBuffer or ArrayBufferView for write chunk",
  );
}
