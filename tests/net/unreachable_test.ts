/**
 * Routes that lead nowhere, in a network of their own: the drop-in fails with
 * the class, code, words and number of Deno's own sockets.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { output } from "../bounded.ts";
import { skipped } from "../skip.ts";

/** What leads nowhere, and the error of the kernel. */
const ROUTES = {
  unreachable: ["EHOSTUNREACH", "Error"],
  prohibit: ["EACCES", "PermissionDenied"],
  blackhole: ["EINVAL", "TypeError"],
  // No route at all.
  none: ["ENETUNREACH", "NetworkUnreachable"],
} as const;

const NETWORKS = {
  4: (i: number) => `198.51.100.${16 * i}/28`,
  6: (i: number) => `2001:db8:${i}::/48`,
};
const HOSTS = {
  4: (i: number) => `198.51.100.${16 * i + 1}`,
  6: (i: number) => `2001:db8:${i}::1`,
};

/** Runs a command; what it printed, or `null` where it failed. */
async function run(...args: string[]): Promise<string | null> {
  try {
    const [program = "", ...rest] = args;
    const { success, stdout, stderr } = await output(program, { args: rest });
    if (!success) console.error(stderr);
    return success ? stdout : null;
  } catch {
    return null;
  }
}

async function whyNot(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "Only Linux has networks of a process";
  return await run("unshare", "-n", "ip", "link", "set", "lo", "up") === null
    ? "Needs root, unshare and iproute2"
    : undefined;
}

const KINDS = Object.keys(ROUTES);
const FAMILIES = [4, 6] as const;

const routes = FAMILIES.flatMap((family) =>
  KINDS.slice(0, -1).map((kind, i) =>
    `ip -${family} route add ${kind} ${NETWORKS[family](i + 1)}`
  )
);

/** What the child prints of each way to fail, of Deno's sockets and of ours. */
interface Told {
  readonly host: string;
  readonly call: string;
  readonly native: boolean;
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

const hosts = FAMILIES.flatMap((family) =>
  KINDS.map((_, i) => HOSTS[family](i + 1))
);

const program = `
const rio = await import(${
  JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
});
const told = [];
for (const host of ${JSON.stringify(hosts)}) {
  const any = host.includes(":") ? "::" : "0.0.0.0";
  for (const net of [Deno, rio]) {
    const note = async (call, run) => {
      try {
        await run();
        told.push({ host, call, native: net === Deno, name: "nothing" });
      } catch ({ constructor: { name }, code, message }) {
        told.push({ host, call, native: net === Deno, name, code, message });
      }
    };
    await note("connect()", () => net.connect({ hostname: host, port: 9 }));
    const conn = net.listenDatagram({ transport: "udp", hostname: any, port: 0 });
    const to = { transport: "udp", hostname: host, port: 9 };
    await note("conn.send()", () => conn.send(new Uint8Array(3), to));
    if (net === rio) {
      const many = [{ data: new Uint8Array(3), addr: to }];
      await note("conn.sendMany()", () => conn.sendMany(many));
      await note("conn.connect()", () => conn.connect(to));
    }
    conn.close();
  }
}
console.log(JSON.stringify(told));
`;

const name =
  "what leads nowhere fails as with Deno's own sockets, of both families";
Deno.test({
  name,
  ignore: skipped(name, await whyNot()),
  async fn() {
    const code = `data:application/javascript,${encodeURIComponent(program)}`;
    const flags = "run -A --unstable-net --no-check";
    const script = ["ip link set lo up", ...routes].join(" && ") +
      ` && exec "$0" ${flags} "$1"`;
    const args = ["sh", "-c", script, Deno.execPath(), code];
    const output = await run("unshare", "-n", ...args);
    assert(output !== null, "the child failed");
    const told: Told[] = JSON.parse(output);
    for (const one of told) {
      const kind = hosts.indexOf(one.host) % KINDS.length;
      const [code, name] = Object.values(ROUTES)[kind]!;
      const what = `${one.native ? "Deno" : "rio"} ${one.call} to ${one.host}`;
      assertEquals([what, one.name, one.code], [what, name, code]);
      const { message } = told.find(({ host }) => host === one.host)!;
      assert(one.message.startsWith(message), `${what}: ${one.message}`);
    }
    assertEquals(told.length, hosts.length * 6);
  },
});
