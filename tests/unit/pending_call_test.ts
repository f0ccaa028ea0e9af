/** What keeps the process alive, where Deno can be told and where it cannot. */
import { assertEquals } from "@std/assert";
import { setCallReferenced } from "../../ffi/pending_call.ts";
import { nameInsides } from "./stand_ins.ts";

const hidden = Symbol("insides");

/** What Deno may be that cannot be told. */
const OTHERS: [what: string, name: unknown, insides?: unknown][] = [
  ["they have no name", undefined],
  ["the name is a text", "internal"],
  ["there are none", hidden],
  ["nothing in them is called so", hidden, {}],
  ["there is no function to say so", hidden, { core: {} }],
  [
    "there is no function to take it back",
    hidden,
    { core: { refOpPromise() {} } },
  ],
];

for (const [i, [what, name, insides]] of OTHERS.entries()) {
  Deno.test(`setCallReferenced() tells that it cannot where Deno is asked for its insides and ${what}`, async () => {
    using _named = nameInsides(name);
    if (insides !== undefined) Object.assign(Deno, { [hidden]: insides });
    try {
      // The module looks for them when it is loaded.
      const fresh = `../../ffi/pending_call.ts?${i}`;
      const { setCallReferenced } = await import(fresh);
      assertEquals(setCallReferenced(null, false), false);
      assertEquals(setCallReferenced(Promise.resolve(), true), false);
    } finally {
      Reflect.deleteProperty(Deno, hidden);
    }
  });
}

Deno.test("setCallReferenced() tells whether it can without a call", () => {
  assertEquals(setCallReferenced(null, false), true);
  assertEquals(setCallReferenced(null, true), true);
});
