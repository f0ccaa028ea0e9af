import { assertEquals } from "@std/assert";
import { readReport } from "./branches.ts";

const SOURCE = `export function open(
  name?: string,
): string {
  return name ?? "";
}

class Socket {
  close(): void {
    if (this.closed) return;
    for (const one of this.all) one();
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<number> {
    yield this.closed ? 1 : 2;
  }
}
`;

const REPORT = `SF:/package/ffi/z.ts
end_of_record
SF:/package/ffi/a.ts
FN:1,open
BRDA:4,1,0,0
BRDA:4,1,1,7
BRDA:9,2,0,-
BRDA:14,3,0,1
DA:4,7
end_of_record
`;

Deno.test("readReport() tells each branch, whether it ran, and what it is in", () => {
  const read = (path: string) => path.endsWith("a.ts") ? SOURCE : "";
  assertEquals(readReport(REPORT, "/package/", read), [
    {
      path: "ffi/a.ts",
      branches: [
        { line: 4, taken: false, within: "open" },
        { line: 4, taken: true, within: "open" },
        { line: 9, taken: false, within: "close" },
        { line: 14, taken: true, within: "[Symbol.asyncIterator]" },
      ],
    },
    { path: "ffi/z.ts", branches: [] },
  ]);
});
