/** The short form of the soak. */
import { RioSession } from "../../mod.ts";
import { soak } from "../soak/run.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (Deno.build.os === "linux") RioSession.open().close();

Deno.test({
  name: "load of many kinds is accounted for to the last request",
  ignore: skipped("the load", NOT_LINUX),
  async fn() {
    const seed = Date.now() >>> 0;
    console.log(`seed ${seed}`);
    await soak({
      datagrams: 50_000,
      roundTrips: 5_000,
      streams: 20,
      peers: 3,
      seed,
    });
  },
});
