/** What the doctor's experiments are made with. */
import { assert, assertEquals } from "@std/assert";
import { Lab } from "../../examples/doctor/lab.ts";
import { allocate } from "../../ffi/mod.ts";
import { PATIENCE_MS } from "../patience.ts";

declare const gc: () => void;

Deno.test("Lab.register() keeps memory that nobody else has until deregister()", async () => {
  await using lab = new Lab({ deadline: Infinity });
  const { id, ref } = registered(lab);
  for (let i = 0; i < 5; i++) assertEquals(await isCollected(ref), false);
  lab.deregister(id);
  const end = performance.now() + PATIENCE_MS;
  while (!await isCollected(ref)) assert(performance.now() < end);
});

Deno.test("Lab.register() gives an error where memory is refused", async () => {
  await using lab = new Lab({ deadline: Infinity });
  assert(lab.register({ bytes: new Uint8Array(8), address: 0n }) < 0);
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
