/** What the doctor's experiments are made with. */
import { assert, assertEquals } from "@std/assert";
import type { Setting } from "../../examples/doctor/experiment.ts";
import { Lab } from "../../examples/doctor/lab.ts";
import { allocate, openLibrary } from "../../ffi/mod.ts";
import { PATIENCE_MS } from "../patience.ts";

declare const gc: () => void;

const library = Deno.env.get("RIO_LIBRARY");
const SETTING: Setting = {
  deadline: Infinity,
  ...(library === undefined ? {} : { library }),
};
// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "windows") openLibrary(SETTING);

Deno.test("Lab.register() keeps memory that nobody else has until deregister()", async () => {
  await using lab = new Lab(SETTING);
  const { id, ref } = registered(lab);
  for (let i = 0; i < 5; i++) assertEquals(await isCollected(ref), false);
  lab.deregister(id);
  const end = performance.now() + PATIENCE_MS;
  while (!await isCollected(ref)) assert(performance.now() < end);
});

function registered(lab: Lab): { id: number; ref: WeakRef<object> } {
  const memory = allocate(4096);
  return { id: lab.register(memory), ref: new WeakRef(memory) };
}

/** Looks in a turn of its own: what was looked at lasts for that turn. */
async function isCollected(ref: WeakRef<object>): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  return ref.deref() === undefined;
}
