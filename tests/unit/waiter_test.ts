/** Waits that cannot be let go: whoever holds no process looks now and then. */
import { assert, assertEquals } from "@std/assert";
import type { RioWaits } from "../../ffi/contract.ts";
import { Waiter } from "../../ffi/session/waiter.ts";

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
