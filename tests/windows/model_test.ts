/** Random use of a session over the provider does what the model says. */

import { assertEquals } from "@std/assert";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { openSession, openWinsock } from "../../ffi/mod.ts";
import { Model } from "../model/model.ts";
import { Random } from "../model/random.ts";
import { library, Provider } from "./provider.ts";
import { ignore } from "./setup.ts";

const SESSIONS = 30;
const STEPS = 500;

// Libraries stay open once they were: the sanitizers count from here.
if (library !== undefined) openLibrary({ library });

Deno.test(
  "random use agrees with the model, and the verifier has nothing to say",
  { ignore },
  async () => {
    // A new seed each day: old ones are not looked at for ever.
    const first = Math.floor(Date.now() / 86_400_000) * 1000;
    const { warn } = console;
    // Buffers are dropped on purpose.
    console.warn = () => {};
    try {
      for (let seed = first; seed < first + SESSIONS; seed++) {
        using provider = new Provider(library!);
        provider.tolerateRefused(true);
        const session = openSession(openWinsock({ library: library! }));
        const model = new Model(session, new Random(seed));
        try {
          await model.run(STEPS);
        } catch (cause) {
          await session.close();
          throw new Error(`Seed ${seed} fails at step ${model.steps}`, {
            cause,
          });
        }
        assertEquals(provider.violations(), [], `seed ${seed}`);
      }
    } finally {
      console.warn = warn;
    }
  },
);
