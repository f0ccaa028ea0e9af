import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readControl, writeControl } from "../../mod.ts";

const FAMILIES = [4, 6] as const;

describe("writeControl()", () => {
  for (const family of FAMILIES) {
    for (const info of [{}, { ecn: 2 }, { ecn: 1, segmentSize: 1200 }]) {
      it(`writes ${JSON.stringify(info)} for IPv${family}, within what it says`, () => {
        const bytes = new Uint8Array(256).fill(0xEE);
        const length = writeControl(bytes, family, info);
        assertEquals(
          bytes.subarray(length).every((byte) => byte === 0xEE),
          true,
        );
        // A sender tells the segment size, a receiver is told it by another name.
        const { ecn } = { ecn: undefined, ...info };
        assertEquals(readControl(bytes.subarray(0, length)).ecn, ecn);
      });
    }

    it(`throws RangeError when IPv${family} data does not fit`, () => {
      for (const size of [0, 7, 16, 31]) {
        assertThrows(
          () => writeControl(new Uint8Array(size), family, { ecn: 1 }),
          RangeError,
          `Cannot write control messages into ${size} bytes: give 192`,
        );
      }
      assertThrows(
        () => writeControl(new Uint8Array(7), family, {}),
        RangeError,
      );
    });
  }
});

describe("readControl()", () => {
  for (const family of FAMILIES) {
    it(`stops at an IPv${family} message with an impossible length`, () => {
      for (const [low, high] of [[0, 0], [15, 0], [25, 0], [20, 1]]) {
        const bytes = new Uint8Array(32);
        writeControl(bytes, family, { ecn: 1 });
        assertEquals(readControl(bytes), { ecn: 1 });
        const view = new DataView(bytes.buffer);
        view.setUint32(8, low!, true);
        view.setUint32(12, high!, true);
        assertEquals(readControl(bytes), {}, `${low} ${high}`);
      }
    });
  }
});
