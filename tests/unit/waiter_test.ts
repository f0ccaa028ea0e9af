/** Waits that cannot be let go: whoever holds no process looks now and then. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RioWaits } from "../../ffi/contract.ts";
import { Waiter } from "../../ffi/session/waiter.ts";
import { RioError } from "../../mod.ts";

/** Waits that keep the process alive, whatever they are told. */
class Held implements RioWaits {
  readonly way = "thread";
  readonly looks = true;
  readonly fired = new Float64Array(1);
  /** How many waits began, and how many of them were woken. */
  began = 0;
  woken = 0;
  #resolve: ((count: number) => void) | null = null;
  #woken = false;

  createNotification(): number {
    return 0;
  }

  closeNotification(): void {}

  wait(): Promise<number> {
    this.began++;
    const wait = new Promise<number>((resolve) => this.#resolve = resolve);
    if (this.#woken) this.wake();
    return wait;
  }

  wake(): void {
    this.#woken = this.#resolve === null;
    if (!this.#woken) this.woken++;
    this.#end(0);
  }

  setReferenced(referenced: boolean): boolean {
    return referenced;
  }

  /** Ends the wait with a key, or the next one that goes on. */
  async fire(key: number): Promise<void> {
    while (this.#resolve === null) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.fired[0] = key;
    this.#end(1);
  }

  /** Ends the wait with an error number. */
  fail(errno: number): void {
    this.#end(-errno);
  }

  #end(count: number): void {
    this.#resolve?.(count);
    this.#resolve = null;
  }
}

Deno.test("a wait that keeps no process alive has the system wait for no longer than a look", async () => {
  const waits = new Held();
  const waiter = new Waiter(waits);
  const fires = waiter.fires(7, false);
  while (waits.woken < 3) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  // Each was to end before it began.
  assert(waits.began - waits.woken <= 1);
  waiter.setReferenced(7, true);
  await waits.fire(7);
  assertEquals(await fires, true);
});

Deno.test("a wait ends when it shall keep no process alive any more and cannot be let go", async () => {
  const waits = new Held();
  const waiter = new Waiter(waits);
  const fires = waiter.fires(7);
  assertEquals([waits.began, waits.woken], [1, 0]);
  waiter.setReferenced(7, false);
  assertEquals([waits.began, waits.woken], [1, 1]);
  waiter.setReferenced(7, true);
  await waits.fire(7);
  assertEquals(await fires, true);
});

Deno.test("a wait that fails tells all who wait, once, and whoever leaves later leaves nothing", async () => {
  const waits = new Held();
  const waiter = new Waiter(waits);
  const errors: unknown[] = [];
  const all = Array.from({ length: 3 }, () => ({
    place: -1,
    failed: (error: unknown) => void errors.push(error),
  }));
  for (const one of all) waiter.enter(one, true);
  // Whoever is in the middle leaves his place to the last.
  waiter.leave(all[0]!, true);
  const fires = waiter.fires(7);
  waits.fail(10013);
  await assertRejects(() => fires, RioError, "10013");
  assertEquals(errors.length, 2);
  assertEquals(all.map(({ place }) => place), [-1, -1, -1]);
  for (const one of all) waiter.leave(one, true);
  // And who waits from now on is told as before.
  const again = waiter.fires(8);
  await waits.fire(8);
  assertEquals(await again, true);
  assertEquals(errors.length, 2);
});

Deno.test("a wait ends when the last of those who entered shall keep no process alive any more", async () => {
  const waits = new Held();
  const waiter = new Waiter(waits);
  const all = [1, 2].map(() => ({ place: -1, failed() {} }));
  for (const one of all) waiter.enter(one, true);
  waiter.reference(all[0]!, false);
  // The other one keeps it alive.
  assertEquals([waits.began, waits.woken], [1, 0]);
  waiter.reference(all[1]!, false);
  assertEquals([waits.began, waits.woken], [1, 1]);
  for (const one of all) waiter.leave(one, false);
  await waiter.idle();
});

Deno.test("turn() resolves when those who were told had their turn", async () => {
  const events: string[] = [];
  const waits = Object.assign(new Held(), {
    turn(call: () => void) {
      setImmediate(() => events.push("somebody who was told"));
      call();
    },
  });
  await new Waiter(waits).turn();
  assertEquals(events, ["somebody who was told"]);
});
