/** Turns: others in this thread are told before who waits for their turn. */
import { assert, assertEquals } from "@std/assert";
import type { RioBackend } from "../../ffi/contract.ts";
import { within } from "../faults/steps.ts";
import { waiterOf } from "../../ffi/session/waiter.ts";
import { asleep, sleepTest } from "./sleeping.ts";

const turn = ({ waits }: RioBackend): Promise<void> =>
  new Promise((resolve) => waits.turn!(resolve));

sleepTest(
  "turn() calls back when Deno's own sockets were told",
  async ({ rio }) => {
    const open = () =>
      Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const [alice, bob] = [open(), open()];
    for (let i = 0; i < 20; i++) {
      let told = false;
      const heard = bob.receive().then(() => told = true);
      await alice.send(new Uint8Array(1), bob.addr);
      await within(waiterOf(rio.waits).turn(), "a turn");
      assert(told, `datagram ${i} was not told`);
      await heard;
    }
    alice.close();
    bob.close();
  },
);

sleepTest("turn() leaves a sleep alone", async (sleeping) => {
  const { rio } = sleeping;
  const { wait } = await asleep(sleeping);
  let over = false;
  wait.then(() => over = true);
  for (let i = 0; i < 5; i++) await within(turn(rio), "a turn");
  assertEquals(over, false);
  rio.waits.wake();
  assertEquals(await within(wait, "the end of a wait"), 0);
});

sleepTest("several turn()s at a time all call back", async ({ rio }) => {
  const turns = Array.from({ length: 10 }, () => turn(rio));
  await within(Promise.all(turns), "the turns");
});

sleepTest("turn() calls back when everything is closed", async ({ rio }) => {
  const before = turn(rio);
  rio.close(false);
  await within(before, "a turn");
  await within(turn(rio), "a turn after the end");
});

sleepTest(
  "turn() calls back where nothing can be signalled",
  async ({ rio, system }) => {
    system.fail("write", { name: "EAGAIN", errno: 11 }, 1);
    await within(turn(rio), "a turn");
    assert(system.met);
  },
  ["reactor"],
);
