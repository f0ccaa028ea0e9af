/**
 * Proves that the checks of the Windows suite check: in a scratch copy of the
 * package, steps of the teardown are swapped or left out, one at a time, and
 * the tests of lifetimes run. Each run has to fail; what noticed is printed.
 *
 * `deno run -A tests/windows/swaps.ts`, with words to choose swaps by name.
 *
 * @module
 */
import { run } from "./rig.ts";

/** A change of the package that makes its teardown wrong. */
interface Swap {
  name: string;
  /** Each text is there exactly once. */
  edits: readonly { file: string; find: string; replace: string }[];
}

const LEDGER = "ffi/session/ledger.ts";
const POST = "ffi/session/post.ts";
const SESSION = "ffi/session/session.ts";
const WAITER = "ffi/winsock/waiter.ts";
const RIO_CALLS = "ffi/winsock/rio_calls.ts";

const SWAPS: readonly Swap[] = [
  {
    name: "a buffer is deregistered while requests use it",
    edits: [{
      file: LEDGER,
      find: "if (record.inFlight > 0 || !this.buffers.delete(record)) return;",
      replace: "if (!this.buffers.delete(record)) return;",
    }],
  },
  {
    name: "buffers are deregistered before closesocket",
    edits: [{
      file: LEDGER,
      find: "    for (const socket of this.sockets) this.closeSocket(socket);",
      replace: `    for (const buffer of this.buffers) {
      buffer.inFlight = 0;
      this.releaseBuffer(buffer);
    }
    for (const socket of this.sockets) this.closeSocket(socket);`,
    }],
  },
  {
    name: "a buffer is deregistered twice",
    edits: [{
      file: LEDGER,
      find: "    this.backend.rings.deregisterBuffer(record.id);",
      replace: `    this.backend.rings.deregisterBuffer(record.id);
    this.backend.rings.deregisterBuffer(record.id);`,
    }],
  },
  {
    name: "a completion queue is closed before it is drained",
    edits: [{
      file: LEDGER,
      find: "if (record.sockets > 0 || record.closed) return;",
      replace: "if (record.closed) return;",
    }],
  },
  {
    name: "nothing is drained before the rest is released",
    edits: [{
      file: SESSION,
      find:
        "    this.#core.drain(() => this.#core.ledger.outstanding === 0, DISPOSE_MS);\n",
      replace: "    this.#core.ledger.completed = this.#core.ledger.posted;\n",
    }],
  },
  {
    name: "an event is closed before its queue",
    edits: [{
      file: LEDGER,
      find: `    this.backend.rings.closeCompletionQueue(record.handle);
    if (record.notification) {
      this.backend.waits.closeNotification(record.notification);
    }`,
      replace: `    if (record.notification) {
      this.backend.waits.closeNotification(record.notification);
    }
    this.backend.rings.closeCompletionQueue(record.handle);`,
    }],
  },
  {
    name: "WSACleanup comes before RIODeregisterBuffer",
    edits: [{
      file: LEDGER,
      find: "    const drained = this.outstanding === 0;\n",
      replace: `    const drained = this.outstanding === 0;
    this.backend.close(!drained);
`,
    }],
  },
  {
    name: "WSACleanup is left out",
    edits: [{
      file: LEDGER,
      find: "    this.backend.close(!drained);",
      replace: "    this.backend.close(true);",
    }],
  },
  {
    name: "closesocket is left out",
    edits: [{
      file: LEDGER,
      find: "const errno = this.backend.sockets.close(record.handle);",
      replace: "const errno = 0;",
    }],
  },
  {
    name: "requests are posted after closesocket",
    edits: [
      {
        file: POST,
        find: "  if (record.closed) {\n",
        replace: "  if (!1) {\n",
      },
      {
        file: RIO_CALLS,
        find: "    this.#live.delete(requestQueue);\n",
        replace: "",
      },
    ],
  },
  {
    name: "RIODeregisterBuffer is left out",
    edits: [{
      file: LEDGER,
      find: "    this.backend.rings.deregisterBuffer(record.id);\n",
      replace: "",
    }],
  },
  {
    name: "the port and the events are left open",
    edits: [{
      file: WAITER,
      find: "      if (handle !== 0n) this.#symbols.CloseHandle(handle);",
      replace: "      if (handle === 1n) this.#symbols.CloseHandle(handle);",
    }],
  },
  {
    name: "the pin of registered memory is dropped",
    edits: [{
      file: LEDGER,
      find:
        "const record = { ledger: this, id, memory, inFlight: 0, closing: false };",
      replace: `const weak = new WeakRef(memory);
    const record = {
      ledger: this,
      id,
      get memory() {
        return weak.deref() ?? { bytes: new Uint8Array(1 << 20), address: 0n };
      },
      inFlight: 0,
      closing: false,
    };`,
    }],
  },
];

/** Tests that use what is swapped. */
const TESTS = [
  "lifetime",
  "closed",
  "teardown",
  "collected",
  "buffer",
  "notify",
]
  .map((name) => `tests/session/${name}_test.ts`);
const TEST = ["test", "-A", "--no-check", "--unstable-net"]
  .concat("--v8-flags=--expose-gc", TESTS);
/** Seconds that one of them may run; a hang is noticed, too. */
const BOUND = "60";

const checkout = await Deno.realPath(new URL("../..", import.meta.url));

/** Copies what is versioned, as it is now. */
async function copy(to: string): Promise<void> {
  const list = await run("git", ["-C", checkout, "ls-files"], { seconds: 30 });
  for (const file of list.trim().split("\n")) {
    const target = `${to}/${file}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.copyFile(`${checkout}/${file}`, target).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Runs the tests in a copy; tells whether they pass, and what was said. */
async function test(
  copied: string,
): Promise<{ passed: boolean; text: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/windows/run.ts", ...TEST],
    cwd: copied,
    env: { NO_COLOR: "1", RIO_WINDOWS_BOUND: BOUND },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    passed: success,
    text: decoder.decode(stdout) + decoder.decode(stderr),
  };
}

/** What the verifier recorded, without numbers, and the first failed tests. */
function noticed(text: string): string[] {
  const recorded = text.matchAll(/(?:violation|refused): (.*?)[",\s]*$/gm);
  const kinds = new Set(
    Array.from(recorded, ([, what = ""]) => what.replaceAll(/\b\d\w*/g, "#")),
  );
  const failed = Array.from(
    text.matchAll(/^(windows: .*) \.\.\. FAILED/gm),
    ([, name = ""]) => name,
  );
  return [
    ...Array.from(kinds, (kind) => `the verifier: ${kind}`),
    ...failed.slice(0, 3).map((name) => `a test: ${name}`),
    ...(failed.length > 3 ? [`and ${failed.length - 3} more tests`] : []),
    ...(/ended after \d+ s/.test(text) ? ["the bound: it hangs"] : []),
  ];
}

async function main(words: string[]): Promise<number> {
  const chosen = SWAPS.filter(({ name }) =>
    words.length === 0 || words.some((word) => name.includes(word))
  );
  const copied = await Deno.makeTempDir({ prefix: "rio-swaps-" });
  let missed = 0;
  try {
    await copy(copied);
    const calm = await test(copied);
    if (!calm.passed) {
      console.error(`The tests fail without any swap:\n${calm.text}`);
      return 1;
    }
    for (const { name, edits } of chosen) {
      for (const { file, find, replace } of edits) {
        const text = await Deno.readTextFile(`${checkout}/${file}`);
        if (text.split(find).length !== 2) {
          throw new Error(`${file} does not have this once: ${find}`);
        }
        await Deno.writeTextFile(
          `${copied}/${file}`,
          text.replace(find, () => replace),
        );
      }
      const { passed, text } = await test(copied);
      for (const { file } of edits) {
        await Deno.copyFile(`${checkout}/${file}`, `${copied}/${file}`);
      }
      if (passed) missed++;
      console.log(`${passed ? "MISSED" : "caught"}: ${name}`);
      for (const what of noticed(text)) console.log(`    ${what}`);
    }
  } finally {
    await Deno.remove(copied, { recursive: true });
  }
  console.log(`\n${chosen.length - missed} of ${chosen.length} were caught`);
  return missed === 0 ? 0 : 1;
}

Deno.exit(await main(Deno.args));
