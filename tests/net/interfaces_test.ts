/** Sockets on a host with several interfaces: which one they use. */
import { assertEquals } from "@std/assert";
import { type Hosts, hostsTest } from "../linux/hosts.ts";

/** The addresses of the first and the second interface, by IP version. */
const ADDRESSES = {
  4: { first: "10.7.0.1", second: "10.7.1.1" },
  6: { first: "fd07:0::1", second: "fd07:1::1" },
} as const;
const GROUP = { 4: "232.1.1.1", 6: "ff35::1:1" } as const;
/** A host that is far away, behind either interface. */
const FAR = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;

/** A host with two interfaces, `first` and `second`; the first one leads out. */
async function cable(hosts: Hosts): Promise<{ index: number }> {
  const interfaces = [["first", "b0", 0], ["second", "b1", 1]] as const;
  for (const [name, other, net] of interfaces) {
    const own = [`10.7.${net}.1/24`, `fd07:${net}::1/64`];
    const others = [`10.7.${net}.2/24`, `fd07:${net}::2/64`];
    await hosts.connect(["a", name, ...own], ["b", other, ...others]);
  }
  for (const [name, , net] of interfaces) {
    for (
      const [far, via] of [["192.0.2.0/24", `10.7.${net}.2`], [
        "2001:db8::/32",
        `fd07:${net}::2`,
      ]]
    ) {
      await hosts.ip(
        "a",
        "route",
        "add",
        far!,
        "via",
        via!,
        "dev",
        name,
        "metric",
        `${net + 1}`,
        "mtu",
        `${1300 + net}`,
      );
    }
  }
  const link = await hosts.ip("a", "-o", "link", "show", "second");
  return { index: Number(link.split(":")[0]) };
}

/** Where a test sends to itself: sockets on the group's port. */
const SOCKETS = `
const [group, first, second, any, networkInterface] = args;
const port = 7700;
const receiver = async (...join) => {
  const conn = listenDatagram({ hostname: any, port, reuseAddress: true });
  conn.socket.setOption("multicastAll", false);
  const membership = join.length > 0 ? await conn[method](group, ...join) : null;
  return { conn, membership };
};
const method = group.includes(":") ? "joinMulticastV6" : "joinMulticastV4";
/** Sends to the group through an interface, from an address of it. */
const sender = (hostname, name) => {
  const conn = listenDatagram({ hostname, loopback: true });
  conn.socket.setOption("multicastInterface", name);
  conn.socket.setOption("multicastTimeToLive", 1);
  return {
    conn,
    say: (word) => conn.send(new TextEncoder().encode(word), { hostname: group, port }),
  };
};
const heard = async ({ conn }) => new TextDecoder().decode((await conn.receive())[0]);
`;

for (const version of [4, 6] as const) {
  const { first, second } = ADDRESSES[version];
  const any = version === 4 ? "0.0.0.0" : "::";
  const places = {
    "its name": "second",
    "its index": "index",
    "its address": second,
    ...(version === 6 ? { "no address but its name": "::%second" } : {}),
  };
  for (const [by, place] of Object.entries(places)) {
    /** Runs a script that is told how the interface is given. */
    const joinTest = (name: string, expected: unknown[], script: string) =>
      hostsTest(name, 2, async (hosts) => {
        const { index } = await cable(hosts);
        const networkInterface = place === "index" ? index : place;
        const seen = await hosts.see(
          "a",
          SOCKETS + script,
          GROUP[version],
          first,
          second,
          any,
          networkInterface,
        );
        assertEquals(seen, expected);
      });

    joinTest(
      `joinMulticastV${version}() joins on an interface given by ${by}`,
      ["here", "self"],
      `
          const here = await receiver(networkInterface);
          const senders = [sender(first, "first"), sender(second, "second")];
          await senders[0].say("elsewhere");
          await senders[1].say("here");
          const seen = [await heard(here)];
          await here.membership.leave();
          await senders[1].say("left");
          const self = { ...here.conn.addr, hostname: first };
          await here.conn.send(new TextEncoder().encode("self"), self);
          seen.push(await heard(here));
          for (const { conn } of [here, ...senders]) conn.close();
          console.log(JSON.stringify(seen));`,
    );

    joinTest(
      `joinMulticastV${version}() hears one source on an interface given by ${by}`,
      ["right", "another", "still right", true],
      `
          const here = await receiver(networkInterface, { source: second });
          const wrong = sender(first, "second");
          const right = sender(second, "second");
          await wrong.say("wrong");
          await right.say("right");
          const seen = [await heard(here)];
          const another = await here.conn[method](group, networkInterface, { source: first });
          await wrong.say("another");
          seen.push(await heard(here));
          await another.leave();
          await wrong.say("wrong");
          await right.say("still right");
          seen.push(await heard(here));
          await here.membership.leave();
          const again = await here.membership.leave().catch((error) => error);
          seen.push(again instanceof Error);
          for (const { conn } of [here, wrong, right]) conn.close();
          console.log(JSON.stringify(seen));`,
    );

    joinTest(
      `membership.block() and unblock() choose sources, interface by ${by}, IPv${version}`,
      ["open", "unblocked", true],
      `
          const here = await receiver(networkInterface);
          const senders = [sender(first, "second"), sender(second, "second")];
          await here.membership.block(first);
          await senders[0].say("blocked");
          await senders[1].say("open");
          const seen = [await heard(here)];
          await here.membership.unblock(first);
          await senders[0].say("unblocked");
          seen.push(await heard(here));
          const twice = await here.membership.unblock(first).catch((error) => error);
          seen.push(twice instanceof Error);
          for (const { conn } of [here, ...senders]) conn.close();
          console.log(JSON.stringify(seen));`,
    );
  }

  hostsTest(
    `multicastAll hears what others have joined, IPv${version}`,
    2,
    async (hosts) => {
      await cable(hosts);
      const seen = await hosts.see(
        "a",
        `${SOCKETS}
        const member = await receiver("second");
        const other = await receiver();
        const { conn, say } = sender(second, "second");
        await say("not heard");
        other.conn.socket.setOption("multicastAll", true);
        await say("heard");
        const seen = [await heard(other), await heard(member), await heard(member)];
        for (const open of [member.conn, other.conn, conn]) open.close();
        console.log(JSON.stringify(seen));`,
        GROUP[version],
        first,
        second,
        any,
      );
      assertEquals(seen, ["heard", "not heard", "heard"]);
    },
  );

  hostsTest(
    `a device or an interface by option is where a socket sends, IPv${version}`,
    2,
    async (hosts) => {
      const { index } = await cable(hosts);
      const seen = await hosts.see(
        "a",
        `
        const [hostname, far, index] = args;
        const seen = [];
        const peer = { hostname: far, port: 9 };
        for (const device of [undefined, "first", "second", index]) {
          const conn = listenDatagram({ hostname, ...(device ? { device } : {}) });
          await conn.connect(peer);
          seen.push(conn.addr.hostname, conn.socket.getOption("pathMtu"));
          conn.close();
        }
        for (const unicast of ["second", index]) {
          const conn = listenDatagram({ hostname });
          conn.socket.setOption("unicastInterface", unicast);
          await conn.connect(peer);
          seen.push(conn.addr.hostname, conn.socket.getOption("pathMtu"));
          conn.close();
        }
        console.log(JSON.stringify(seen));`,
        any,
        FAR[version],
        index,
      );
      const one = [first.replace(":0::", "::"), 1300];
      const two = [second, 1301];
      const all = [one, one, two, two, two, two];
      assertEquals(
        seen,
        all.flat().map((x) => x === "fd07:0::1" ? "fd07::1" : x),
      );
    },
  );

  hostsTest(
    `a socket on a device hears nothing that arrives elsewhere, IPv${version}`,
    2,
    async (hosts) => {
      await cable(hosts);
      const seen = await hosts.see(
        "a",
        `
        const [hostname, first] = args;
        const bound = ["second", "first"].map((device) =>
          listenDatagram({ hostname, port: 7700, reuseAddress: true, device })
        );
        const listener = listen({ hostname, port: 7700, device: "first" });
        const client = listenDatagram({ hostname });
        // What a host sends to itself arrives where the address is.
        await client.send(new Uint8Array(3), { hostname: first, port: 7700 });
        const [data] = await bound[1].receive();
        const conn = await connect({ hostname: first, port: 7700, device: "first" });
        const accepted = await listener.accept();
        const refused = await connect({ hostname: first, port: 7701, device: "first" })
          .catch((error) => error.name);
        for (const open of [...bound, client, listener, conn, accepted]) open.close();
        console.log(JSON.stringify([data.length, conn.remoteAddr.hostname === accepted.localAddr.hostname, refused]));`,
        any,
        first,
      );
      assertEquals(seen, [3, true, "ConnectionRefused"]);
    },
  );
}
