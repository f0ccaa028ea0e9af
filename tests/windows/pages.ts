/**
 * A Windows program, laid out in its file as it is in memory.
 *
 * Wine maps what begins with a page of the file, and reads everything else into
 * memory: of Deno a hundred megabytes, each time that it starts.
 *
 * Source: "PE Format" in the Microsoft reference.
 *
 * @module
 */

const PAGE = 4096;
/** Where the header tells where the next one is. */
const PE_AT = 0x3c;
const SIGNATURE = 0x4550;
const PE32_PLUS = 0x20b;

/** Places in the file header, and those of the optional header behind it. */
const HEADER = { sections: 6, optionalSize: 20, optional: 24 } as const;
const OPTIONAL = {
  sectionAlignment: 32,
  fileAlignment: 36,
  imageSize: 56,
  headersSize: 60,
  certificates: 144,
} as const;
const SECTION = { size: 40, address: 12, rawSize: 16, rawAt: 20 } as const;

/**
 * Moves each section of a program to the page of its file that it has in memory.
 *
 * @returns The program without its signature, which holds no more.
 * @throws {TypeError} If it is no 64-bit program whose sections begin with pages.
 */
export function inPages(program: Uint8Array): Uint8Array<ArrayBuffer> {
  const from = new DataView(program.buffer, program.byteOffset);
  const header = from.getUint32(PE_AT, true);
  const optional = header + HEADER.optional;
  if (
    from.getUint32(header, true) !== SIGNATURE ||
    from.getUint16(optional, true) !== PE32_PLUS ||
    from.getUint32(optional + OPTIONAL.sectionAlignment, true) % PAGE !== 0
  ) {
    throw new TypeError(
      "It is no 64-bit program whose sections begin with pages",
    );
  }
  const laid = new Uint8Array(
    from.getUint32(optional + OPTIONAL.imageSize, true),
  );
  const to = new DataView(laid.buffer);
  const headers = from.getUint32(optional + OPTIONAL.headersSize, true);
  laid.set(program.subarray(0, headers));
  to.setUint32(optional + OPTIONAL.fileAlignment, PAGE, true);
  to.setUint32(optional + OPTIONAL.headersSize, inWholePages(headers), true);
  to.setBigUint64(optional + OPTIONAL.certificates, 0n, true);
  const first = optional + from.getUint16(header + HEADER.optionalSize, true);
  for (let i = 0; i < from.getUint16(header + HEADER.sections, true); i++) {
    const section = first + i * SECTION.size;
    const address = from.getUint32(section + SECTION.address, true);
    const size = from.getUint32(section + SECTION.rawSize, true);
    const at = from.getUint32(section + SECTION.rawAt, true);
    laid.set(program.subarray(at, at + size), address);
    to.setUint32(section + SECTION.rawSize, inWholePages(size), true);
    to.setUint32(section + SECTION.rawAt, address, true);
  }
  return laid;
}

function inWholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}
