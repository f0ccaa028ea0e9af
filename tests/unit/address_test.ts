import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  ADDRESS_SIZE,
  assertPort,
  ipVersion,
  readAddress,
  writeAddress,
} from "../../ffi/address.ts";

/** The bytes of an address, as native code reads them. */
function encode(hostname: string, port: number, mapped = false): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_SIZE).fill(0xEE);
  writeAddress(bytes, { hostname, port }, { mapped });
  return bytes;
}

const ROUND_TRIPS: readonly (readonly [given: string, read: string])[] = [
  ["0.0.0.0", "0.0.0.0"],
  ["127.0.0.1", "127.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::A", "2001:db8::a"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "192.0.2.1"],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ["fe80::1%2", "fe80::1%2"],
  ["fe80::1%4294967295", "fe80::1%4294967295"],
  ["fe80::1%0", "fe80::1"],
  ["ff02::1%3", "ff02::1%3"],
];

const MALFORMED = [
  "",
  " ",
  "localhost",
  "example.com",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "1.2.3.-1",
  "1.2.3.",
  ".1.2.3",
  "01.2.3.4",
  "1.2.3.04",
  "1.2.3.0x4",
  " 1.2.3.4",
  "1.2.3.4 ",
  "1.2.3.4\n",
  "1.2.3.4%1",
  "1.2.3.4:80",
  "127.1",
  "2130706433",
  ":",
  ":::",
  "1:::2",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1:2:3:4::5:6:7:8",
  ":1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "12345::",
  "g::",
  "::g",
  "[::1]",
  "::1%",
  "::1%eth0",
  "::1%-1",
  "::1%1%2",
  "::1%4294967296",
  "::1 ",
  "::1\0",
  "::ffff:1.2.3",
  "::ffff:1.2.3.256",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "1:2:3:4:5:6:7:1.2.3.4",
];

Deno.test("ADDRESS_SIZE is the size of SOCKADDR_INET", () => {
  assertEquals(ADDRESS_SIZE, 28);
});

describe("writeAddress()", () => {
  it("writes SOCKADDR_IN: family 2, port and address in network order", () => {
    assertEquals(
      encode("192.0.2.1", 0x1234).toHex(),
      "02001234" + "c0000201" + "00".repeat(20),
    );
  });

  it("writes SOCKADDR_IN6: family 23, address, scope", () => {
    assertEquals(
      encode("fe80::1%7", 53).toHex(),
      "17000035" + "00000000" + "fe80" + "00".repeat(13) + "01" + "07000000",
    );
  });

  it("writes IPv4 in mapped form when asked to", () => {
    assertEquals(
      encode("192.0.2.1", 53, true).toHex(),
      "17000035" + "00000000" + "00".repeat(10) + "ffffc0000201" + "00000000",
    );
  });

  it("leaves the bytes after the first 28 alone", () => {
    const bytes = new Uint8Array(40).fill(9);
    writeAddress(bytes, { hostname: "::1", port: 1 });
    assertEquals(bytes.subarray(28), new Uint8Array(12).fill(9));
  });

  for (const hostname of MALFORMED) {
    it(`throws TypeError for the hostname ${JSON.stringify(hostname)}`, () => {
      const error = assertThrows(
        () => encode(hostname, 80),
        TypeError,
        "Invalid hostname",
      );
      assertStringIncludes(
        error.message,
        hostname.includes("%") ? "an interface of this host" : "resolveDns()",
      );
      assertEquals(ipVersion(hostname), 0);
    });
  }

  for (const hostname of [undefined, null, 127, {}, Symbol("host")]) {
    it(`throws TypeError for the hostname ${String(hostname)}`, () => {
      assertThrows(
        () => encode(hostname as unknown as string, 80),
        TypeError,
        "Invalid hostname",
      );
    });
  }

  for (const port of [-1, 65_536, 1.5, NaN, Infinity]) {
    it(`throws RangeError for port ${port}`, () => {
      assertThrows(
        () => encode("::1", port),
        RangeError,
        `Invalid port ${port}`,
      );
    });
  }

  it("writes nothing when it throws", () => {
    const bytes = new Uint8Array(28).fill(5);
    assertThrows(() => writeAddress(bytes, { hostname: "x", port: 80 }));
    assertThrows(() => writeAddress(bytes, { hostname: "::1", port: -1 }));
    assertEquals(bytes, new Uint8Array(28).fill(5));
  });

  it("throws RangeError when there are fewer than 28 bytes", () => {
    assertThrows(
      () => writeAddress(new Uint8Array(27), { hostname: "1.2.3.4", port: 1 }),
      RangeError,
      "Cannot write an address into 27 bytes: it takes 28",
    );
  });
});

describe("readAddress()", () => {
  for (const [given, read] of ROUND_TRIPS) {
    it(`gives ${read} for what was written as ${given}`, () => {
      for (const port of [0, 1, 255, 256, 65_535]) {
        assertEquals(readAddress(encode(given, port), "udp"), {
          transport: "udp",
          hostname: read,
          port,
        });
      }
    });
  }

  it("gives an IPv4 host for its mapped form", () => {
    assertEquals(
      readAddress(encode("10.1.2.3", 80, true), "tcp"),
      { transport: "tcp", hostname: "10.1.2.3", port: 80 },
    );
  });

  it("reads from the middle of a buffer", () => {
    const whole = new Uint8Array(100);
    writeAddress(whole.subarray(33), { hostname: "fe80::1%9", port: 7 });
    assertEquals(
      readAddress(whole.subarray(33), "udp").hostname,
      "fe80::1%9",
    );
  });

  it("throws TypeError for bytes that are no address", () => {
    assertThrows(
      () => readAddress(new Uint8Array(28), "udp"),
      TypeError,
      "family 0 is neither IPv4 (2) nor IPv6 (23)",
    );
  });
});

describe("assertPort()", () => {
  for (const port of ["80", null, undefined, 80n, {}]) {
    it(`throws TypeError for ${typeof port} ${port}`, () => {
      assertThrows(() => assertPort(port), TypeError, "Invalid port");
    });
  }
});

Deno.test("ipVersion() tells literals of both families apart", () => {
  assertEquals(
    ["127.0.0.1", "::1", "::ffff:1.2.3.4", "fe80::1%3"].map(ipVersion),
    [4, 6, 6, 6],
  );
});
