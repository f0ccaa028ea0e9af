/**
 * Hosts of a network of their own: namespaces of the kernel, which a test makes
 * and removes. Needs root, and `ip` of iproute2.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { output } from "../bounded.ts";
import { type Outcome, type RunOptions, runScript } from "../session/child.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** Why tests of several hosts are left out; `undefined` where they can run. */
export const NO_HOSTS: string | undefined = NOT_LINUX ?? await refusal();

async function refusal(): Promise<string | undefined> {
  const name = `rio-probe-${Deno.pid}`;
  try {
    await ip("netns", "add", name);
    await ip("netns", "delete", name);
    await removeStale();
    return undefined;
  } catch (error) {
    return `it needs network namespaces (${(error as Error).message})`;
  }
}

/** What scripts have beside what every script has. */
const IMPORTS = `import { connect, listen } from ${
  JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
};
`;

/** Removes what a run of the tests left that was killed. */
async function removeStale(): Promise<void> {
  const listed = await ip("netns", "list");
  for (const [name, pid] of listed.matchAll(/^rio-(\d+)-\S+/gm)) {
    const isRunning = await Deno.stat(`/proc/${pid}`).catch(() => null);
    if (isRunning === null) await ip("netns", "delete", name).catch(() => {});
  }
}

let made = 0;

/** Hosts that know nobody but each other; disposing removes them. */
export class Hosts implements AsyncDisposable {
  readonly #names: string[] = [];
  readonly #prefix = `rio-${Deno.pid}-${made++}`;

  /** Makes hosts that are called `a`, `b` and so on. */
  static async make(count = 1): Promise<Hosts> {
    const hosts = new Hosts();
    try {
      for (const host of "abcdef".slice(0, count)) await hosts.#add(host);
      return hosts;
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(host: string): Promise<void> {
    const name = this.#name(host);
    await ip("netns", "add", name);
    this.#names.push(name);
    // An IPv6 address is there at once, and not only after a second.
    await this.command(
      host,
      "sysctl",
      "-qw",
      "net.ipv6.conf.default.accept_dad=0",
    );
    await this.ip(host, "link", "set", "lo", "up");
  }

  /** Joins two hosts, or one with itself, by a cable between interfaces. */
  async connect(
    [one, first, ...addresses]: [host: string, name: string, ...string[]],
    [other, second, ...others]: [host: string, name: string, ...string[]],
  ): Promise<void> {
    await this.ip(
      one,
      "link",
      "add",
      first,
      "type",
      "veth",
      "peer",
      "name",
      second,
      "netns",
      this.#name(other),
    );
    for (
      const [host, device, all] of [[one, first, addresses], [
        other,
        second,
        others,
      ]] as const
    ) {
      for (const address of all) {
        const nodad = address.includes(":") ? ["nodad"] : [];
        await this.ip(host, "address", "add", address, "dev", device, ...nodad);
      }
      await this.ip(host, "link", "set", device, "up");
    }
  }

  /** Runs `ip` in a host. */
  ip(host: string, ...args: string[]): Promise<string> {
    return ip("-n", this.#name(host), ...args);
  }

  /** Runs a command in a host. */
  command(host: string, ...args: string[]): Promise<string> {
    return ip("netns", "exec", this.#name(host), ...args);
  }

  /** The link-local address of an interface. */
  async linkLocal(host: string, device: string): Promise<string> {
    for (;;) {
      // It gets one as soon as the cable is up.
      const text = await this.ip(host, "-6", "address", "show", "dev", device);
      const found = /inet6 (fe80:[^/]*)\/\d+ scope link(?! tentative)/.exec(
        text,
      );
      if (found) return found[1]!;
    }
  }

  /** What `/etc/hosts`, or another file there, says in a host. */
  async name(host: string, text: string, file = "hosts"): Promise<void> {
    const folder = `/etc/netns/${this.#name(host)}`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }

  /** Has a host ask for names where nobody ever answers. */
  async nameNothing(host: string): Promise<void> {
    await this.connect([host, "dns", "10.99.0.1/24"], [host, "nobody"]);
    const address = ["lladdr", "02:00:00:00:00:09"];
    await this.ip(
      host,
      "neighbour",
      "add",
      "10.99.0.2",
      ...address,
      "dev",
      "dns",
      "nud",
      "permanent",
    );
    await this.name(host, "nameserver 10.99.0.2\n", "resolv.conf");
  }

  /** Runs a script in a host, as `runScript()` does. */
  run(
    host: string,
    script: string,
    options: RunOptions = {},
  ): Promise<Outcome> {
    const inside = ["ip", "netns", "exec", this.#name(host)];
    return runScript(IMPORTS + script, {
      flags: ["-A", "--unstable-net"],
      ...options,
      inside,
    });
  }

  /** Runs a script in a host that says in JSON what it saw. */
  async see(
    host: string,
    script: string,
    ...args: unknown[]
  ): Promise<unknown> {
    const { stdout, stderr } = await this.run(
      host,
      `const args = JSON.parse(Deno.args[0]);\n${script}`,
      { args: [JSON.stringify(args)] },
    );
    assertEquals(stderr, "");
    return JSON.parse(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names.splice(0)) {
      await ip("netns", "delete", name).catch(() => {});
      await Deno.remove(`/etc/netns/${name}`, { recursive: true })
        .catch(() => {});
    }
  }

  #name(host: string): string {
    return `${this.#prefix}-${host}`;
  }
}

/** Registers a test of a network of several hosts. */
export function hostsTest(
  name: string,
  count: number,
  body: (hosts: Hosts) => Promise<void>,
): void {
  Deno.test({
    name: `hosts: ${name}`,
    ignore: skipped(name, NO_HOSTS),
    async fn() {
      await using hosts = await Hosts.make(count);
      await body(hosts);
    },
  });
}

async function ip(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await output("ip", { args });
  if (success) return stdout;
  throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
}
