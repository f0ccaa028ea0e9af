/**
 * What the DNS examples read and write: names, questions and records.
 *
 * Source: RFC 1035, section 4; RFC 6891 for EDNS.
 *
 * @module
 */

/** Types of records. */
export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
} as const;

/** Codes of answers. */
export const CODE = {
  NOERROR: 0,
  FORMERR: 1,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
} as const;

/** Bytes of a header. */
export const HEADER = 12;
/** The class of the Internet. */
const IN = 1;

/** A message is not as it should be. */
export class MalformedError extends Error {}

/** A question. */
export interface Question {
  /** The name, in lower case, without the last dot. */
  name: string;
  type: number;
}

/** A record. */
export interface Answer {
  name: string;
  type: number;
  /** Seconds that it may be kept. */
  ttl: number;
  data: Uint8Array;
  /** Where the data begin in the message that it came in. */
  at?: number;
}

/** A message, as far as the examples need it. */
export interface Message {
  id: number;
  flags: number;
  questions: Question[];
  /** Records of all three sections. */
  records: Answer[];
}

/** Reads a name at an offset, and where it ends. */
export function readName(
  message: Uint8Array,
  offset: number,
): [name: string, end: number] {
  const labels: string[] = [];
  let end = -1;
  // Each pointer leads further back, so that none leads round.
  let before = offset;
  for (let at = offset;;) {
    const length = message[at];
    if (length === undefined) throw new MalformedError("The name is cut");
    if (length === 0) {
      return [labels.join("."), end === -1 ? at + 1 : end];
    }
    if (length >= 0xC0) {
      const target = (length & 0x3F) << 8 | message[at + 1]!;
      if (target >= before) throw new MalformedError("A pointer leads on");
      if (end === -1) end = at + 2;
      at = before = target;
    } else {
      const label = message.subarray(at + 1, at + 1 + length);
      if (length > 63 || label.length < length) {
        throw new MalformedError("A label is cut");
      }
      labels.push(new TextDecoder().decode(label));
      at += 1 + length;
    }
  }
}

/** The bytes of a name, without pointers. */
export function nameBytes(name: string): Uint8Array {
  const labels = name === "" ? [] : name.split(".");
  const parts = labels.map((label) => {
    const bytes = new TextEncoder().encode(label);
    if (bytes.length === 0 || bytes.length > 63) {
      throw new RangeError(`Invalid name "${name}"`);
    }
    return [bytes.length, ...bytes];
  });
  return new Uint8Array([...parts.flat(), 0]);
}

/** Reads a message; throws a `MalformedError` where it is none. */
export function readMessage(message: Uint8Array): Message {
  if (message.length < HEADER) throw new MalformedError("It is too short");
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const [questions, ...records] = [4, 6, 8, 10].map((at) => view.getUint16(at));
  const read: Message = {
    id: view.getUint16(0),
    flags: view.getUint16(2),
    questions: [],
    records: [],
  };
  let at = HEADER;
  for (let i = 0; i < questions!; i++) {
    const [name, end] = readName(message, at);
    if (end + 4 > message.length) throw new MalformedError("It is cut");
    read.questions.push({
      name: name.toLowerCase(),
      type: view.getUint16(end),
    });
    at = end + 4;
  }
  for (let i = records.reduce((a, b) => a + b); i > 0; i--) {
    const [name, end] = readName(message, at);
    if (end + 10 > message.length) throw new MalformedError("It is cut");
    const [type, ttl] = [view.getUint16(end), view.getUint32(end + 4)];
    at = end + 10 + view.getUint16(end + 8);
    if (at > message.length) throw new MalformedError("It is cut");
    const data = message.subarray(end + 10, at);
    // The class of EDNS is the size that the sender can take.
    const size = type === TYPE.OPT ? view.getUint16(end + 2) : ttl;
    read.records.push({ name, type, ttl: size, data, at: end + 10 });
  }
  return read;
}

/** What a message is made of. */
export interface Parts {
  id: number;
  flags: number;
  question?: Question;
  answers?: Answer[];
  authority?: Answer[];
  additional?: Answer[];
}

/** The bytes of a message. */
export function writeMessage(parts: Parts): Uint8Array {
  const { question, answers = [], authority = [], additional = [] } = parts;
  const header = new DataView(new ArrayBuffer(HEADER));
  const sections = [answers, authority, additional];
  const counts = [question ? 1 : 0, ...sections.map(({ length }) => length)];
  [parts.id, parts.flags, ...counts].forEach((value, i) =>
    header.setUint16(2 * i, value)
  );
  const chunks: Uint8Array[] = [new Uint8Array(header.buffer)];
  if (question) {
    chunks.push(nameBytes(question.name), uint16s(question.type, IN));
  }
  for (const { name, type, ttl, data } of sections.flat()) {
    const edns = type === TYPE.OPT;
    chunks.push(
      nameBytes(name),
      uint16s(type, edns ? ttl : IN, edns ? 0 : ttl >>> 16, edns ? 0 : ttl),
      uint16s(data.length),
      data,
    );
  }
  return joinBytes(chunks);
}

/** Numbers of 16 bits, one after the other. */
export function uint16s(...values: number[]): Uint8Array {
  return new Uint8Array(values.flatMap((value) => [value >> 8, value & 0xFF]));
}

/** All the bytes, one after the other. */
export function joinBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    chunks.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
