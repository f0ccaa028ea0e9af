/**
 * Makes a certificate that vouches for itself, for examples and tests: who is to
 * trust it is given it.
 *
 * Source: RFC 5280, section 4.1, and RFC 5480 for the key.
 *
 * @module
 */

/** A key, and the certificate for it. */
export interface Certificate {
  /** The private key, as PEM. */
  readonly key: string;
  /** The certificate, as PEM. */
  readonly cert: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** The tags of DER that are needed. */
const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  id: 0x06,
  text: 0x0C,
  time: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xA0,
  extensions: 0xA3,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const;

const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1D, 0x11];
const ECDSA_WITH_SHA256 = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];

/**
 * Makes a key and a certificate for a month.
 *
 * @param name The name of the server.
 * @param address Its IPv4 address.
 */
export async function makeCertificate(
  name: string,
  address: string,
): Promise<Certificate> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    ALGORITHM,
    true,
    ["sign", "verify"],
  );
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const algorithm = der(TAG.sequence, der(TAG.id, ECDSA_WITH_SHA256));
  const who = der(
    TAG.sequence,
    der(
      TAG.set,
      der(TAG.sequence, der(TAG.id, COMMON_NAME), der(TAG.text, ascii(name))),
    ),
  );
  const names = der(
    TAG.sequence,
    der(TAG.dnsName, ascii(name)),
    der(TAG.ipAddress, address.split(".").map(Number)),
  );
  const now = Date.now();
  const signed = der(
    TAG.sequence,
    der(TAG.version, der(TAG.integer, [2])),
    positive(crypto.getRandomValues(new Uint8Array(8))),
    algorithm,
    who,
    der(TAG.sequence, time(now - DAY_MS), time(now + 30 * DAY_MS)),
    who,
    spki,
    der(
      TAG.extensions,
      der(
        TAG.sequence,
        der(
          TAG.sequence,
          der(TAG.id, SUBJECT_ALT_NAME),
          der(TAG.octets, names),
        ),
      ),
    ),
  );
  const raw = new Uint8Array(
    await crypto.subtle.sign(ALGORITHM, privateKey, signed),
  );
  const signature = der(
    TAG.sequence,
    positive(raw.subarray(0, 32)),
    positive(raw.subarray(32)),
  );
  const cert = der(
    TAG.sequence,
    signed,
    algorithm,
    der(TAG.bits, [0], signature),
  );
  const key = await crypto.subtle.exportKey("pkcs8", privateKey);
  return {
    key: pem("PRIVATE KEY", new Uint8Array(key)),
    cert: pem("CERTIFICATE", cert),
  };
}

/** A value with its tag and its length. */
function der(
  tag: number,
  ...parts: readonly (Uint8Array | readonly number[])[]
): Uint8Array<ArrayBuffer> {
  const content = parts.flatMap((part) => [...part]);
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xFF];
  return new Uint8Array([tag, ...size, ...content]);
}

/** A positive number, without leading zeros but for one that keeps the sign. */
function positive(bytes: Uint8Array): Uint8Array {
  const digits = [...bytes];
  while (digits.length > 1 && digits[0] === 0) digits.shift();
  return der(TAG.integer, digits[0]! < 0x80 ? digits : [0, ...digits]);
}

function time(milliseconds: number): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replaceAll(/\D/g, "");
  return der(TAG.time, ascii(`${digits.slice(2, 14)}Z`));
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function pem(what: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().replaceAll(/.{64}/g, "$&\n").trim();
  return `-----BEGIN ${what}-----\n${lines}\n-----END ${what}-----\n`;
}
