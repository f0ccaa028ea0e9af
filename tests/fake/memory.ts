/**
 * Native memory as the fake system sees it: by address.
 *
 * @module
 */

const views = new Map<bigint, DataView>();

/** The bytes at an address; the caller vouches that they are there. */
export function bytesAt(
  address: bigint,
  byteLength: number,
): Uint8Array<ArrayBuffer> {
  if (byteLength === 0) return new Uint8Array();
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new RangeError("Cannot read at address 0");
  return new Uint8Array(
    Deno.UnsafePointerView.getArrayBuffer(pointer, byteLength),
  );
}

/**
 * A view of memory that is looked at again and again, such as a frame.
 *
 * An entry is only ever used for an address that was just handed in, so it
 * cannot outlive the memory in any way that matters.
 */
export function viewAt(address: bigint, byteLength: number): DataView {
  const known = views.get(address);
  if (known && known.byteLength >= byteLength) return known;
  if (views.size > 4096) views.clear();
  const view = new DataView(bytesAt(address, byteLength).buffer);
  views.set(address, view);
  return view;
}
