/**
 * A zone in memory, and what it answers.
 *
 * @module
 */
import { isIP } from "node:net";
import { ADDRESS_SIZE, writeAddress } from "../../mod.ts";
import {
  type Answer,
  CODE,
  joinBytes,
  MalformedError,
  type Message,
  nameBytes,
  type Parts,
  readMessage,
  TYPE,
  uint16s,
  writeMessage,
} from "./message.ts";

const TTL = 300;
/** Without EDNS a datagram has so many bytes at the most: RFC 1035, 4.2.1. */
const PLAIN_SIZE = 512;
/** What every path takes in one piece. */
const MOST_SIZE = 1232;

const FLAG = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200 };
const RECURSION_DESIRED = 0x0100;
const OPCODE = 0x7800;

/** Records of one zone. */
export class Zone {
  readonly #apex: string;
  readonly #records = new Map<string, Answer[]>();

  /** Makes a zone with a start of authority, and a server of that name. */
  constructor(apex: string) {
    this.#apex = apex.toLowerCase();
    this.#add(this.#apex, TYPE.NS, nameBytes(`ns.${this.#apex}`));
    this.#add(
      this.#apex,
      TYPE.SOA,
      joinBytes([
        nameBytes(`ns.${this.#apex}`),
        nameBytes(`hostmaster.${this.#apex}`),
        // Serial number, refresh, retry, expire, and how long "no" is kept.
        uint16s(0, 1, 0, 7200, 0, 900, 1, 0, 0, TTL),
      ]),
    );
  }

  /** Adds what a name stands for: an address, or a text. */
  add(name: string, value: string): void {
    const lower = name.toLowerCase();
    if (!this.#has(lower)) {
      throw new RangeError(`${name} is not in the zone ${this.#apex}`);
    }
    const version = isIP(value);
    if (version !== 0) {
      const type = version === 4 ? TYPE.A : TYPE.AAAA;
      this.#add(lower, type, ipBytes(value, version));
    } else {
      const bytes = new TextEncoder().encode(value);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at === 0 || at < bytes.length; at += 255) {
        const part = bytes.subarray(at, at + 255);
        chunks.push(new Uint8Array([part.length]), part);
      }
      this.#add(lower, TYPE.TXT, joinBytes(chunks));
    }
  }

  /**
   * Answers a message.
   *
   * @param datagram Whether it has to fit a datagram: what does not, is left
   * out and marked, so that the client asks again over TCP.
   * @returns The answer; `null` for what is no question.
   */
  answer(bytes: Uint8Array, datagram: boolean): Uint8Array | null {
    // An answer that was sent here by mistake is not answered.
    if (bytes.length < 12 || bytes[2]! & 0x80) return null;
    let asked: Message;
    try {
      asked = readMessage(bytes);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const id = bytes[0]! << 8 | bytes[1]!;
      return writeMessage({ id, flags: FLAG.response | CODE.FORMERR });
    }
    const edns = asked.records.find(({ type }) => type === TYPE.OPT);
    const parts = this.#parts(asked);
    if (edns) {
      const data = new Uint8Array();
      parts.additional = [{ name: "", type: TYPE.OPT, ttl: MOST_SIZE, data }];
    }
    const whole = writeMessage(parts);
    // `ttl` of EDNS is the size that the client can take.
    const most = edns
      ? Math.min(MOST_SIZE, Math.max(PLAIN_SIZE, edns.ttl))
      : PLAIN_SIZE;
    if (!datagram || whole.length <= most) return whole;
    const { answers: _, authority: __, ...short } = parts;
    return writeMessage({ ...short, flags: parts.flags | FLAG.truncated });
  }

  #parts({ id, flags, questions }: Message): Parts {
    const kept = FLAG.response | flags & (OPCODE | RECURSION_DESIRED);
    const [question] = questions;
    if (flags & OPCODE) return { id, flags: kept | CODE.NOTIMP };
    if (!question || questions.length !== 1) {
      return { id, flags: kept | CODE.FORMERR };
    }
    const { name, type } = question;
    if (!this.#has(name)) {
      return { id, flags: kept | CODE.REFUSED, question };
    }
    const known = this.#records.get(name);
    const answers = known?.filter((record) => record.type === type) ?? [];
    const parts = { id, flags: kept | FLAG.authoritative, question, answers };
    if (answers.length > 0) return parts;
    // Nothing of that type, or no such name: the client keeps that, too.
    const authority = this.#records.get(this.#apex)!
      .filter((record) => record.type === TYPE.SOA);
    const exists = known || this.#isParent(name);
    const code = exists ? CODE.NOERROR : CODE.NXDOMAIN;
    return { ...parts, flags: parts.flags | code, authority };
  }

  #has(name: string): boolean {
    return name === this.#apex || name.endsWith(`.${this.#apex}`);
  }

  #isParent(name: string): boolean {
    return this.#records.keys().some((known) => known.endsWith(`.${name}`));
  }

  #add(name: string, type: number, data: Uint8Array): void {
    const records = this.#records.get(name) ?? [];
    records.push({ name, type, ttl: TTL, data });
    this.#records.set(name, records);
  }
}

/** The bytes of an address, 4 or 16. */
function ipBytes(hostname: string, version: number): Uint8Array {
  const address = new Uint8Array(ADDRESS_SIZE);
  writeAddress(address, { hostname, port: 0 });
  // Where a socket address has them.
  return version === 4 ? address.subarray(4, 8) : address.subarray(8, 24);
}
