/**
 * A connection as a pair of streams.
 *
 * @module
 */

/** A connection, as the streams use it; disposing it closes it, once. */
export interface StreamSource extends Disposable {
  /** Reads into an array, `null` at the end. */
  read(p: Uint8Array): Promise<number | null>;
  /** Writes all bytes. */
  write(p: Uint8Array): Promise<number>;
}

/** The most bytes of one chunk. */
const CHUNK_SIZE = 65536;

/**
 * What a connection receives; reads nothing ahead.
 *
 * The end of the stream, an error and a cancellation close the connection, as
 * with Deno's own.
 *
 * @param conn The connection.
 * @param readChunk Reads into a new array of at most so many bytes, `null` at
 * the end.
 */
export function readableOf(
  conn: StreamSource,
  readChunk: (length: number) => Promise<Uint8Array<ArrayBuffer> | null>,
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
      close();
      controller.close();
      byobRequest?.respond(0);
    },
    cancel: close,
  });
}

/**
 * What a connection sends; a chunk is written when the system has taken it.
 *
 * The end of the stream, an error and an abort close the connection, as with
 * Deno's own.
 */
export function writableOf(
  conn: StreamSource,
): WritableStream<Uint8Array<ArrayBufferLike>> {
  const close = () => conn[Symbol.dispose]();
  return new WritableStream({
    async write(chunk) {
      try {
        await conn.write(toBytes(chunk));
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
    abort: close,
  });
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(
    `Cannot write a chunk of type ${typeof chunk}: give a Uint8Array`,
  );
}
