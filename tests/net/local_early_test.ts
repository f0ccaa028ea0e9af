/** Where datagrams arrived that come as soon as a socket is bound. */
import { assertEquals } from "@std/assert";
import { listenDatagram } from "../../mod.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import { within } from "../session/harness.ts";

for (
  const [hostname, loopback] of [
    ["0.0.0.0", "127.0.0.1"],
    ["::", "127.0.0.1"],
    ["::", "::1"],
    ["0:0:0:0:0:0:0:0", "::1"],
  ] as const
) {
  faultyTest(
    `a socket on ${hostname} is told where its very first datagram arrived, ${loopback}`,
    async ({ system, session }) => {
      using sender = listenDatagram({ session, hostname: loopback });
      const port = freePort(hostname);
      system.instead.bind = (call, ...values) => {
        const status = call(...values);
        sender.send(new Uint8Array(1), { hostname: loopback, port });
        return status;
      };
      using conn = listenDatagram({ session, hostname, port });
      using batch = await within(conn.receiveMany());
      assertEquals([...batch].map(({ local }) => local), [loopback]);
    },
  );
}

/** A port that nobody has. */
function freePort(hostname: string): number {
  using conn = listenDatagram({ hostname });
  return conn.addr.port;
}
