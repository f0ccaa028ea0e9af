import { assertEquals } from "@std/assert";
import type {
  RioConnectOptions,
  RioDatagramConn,
  RioListenDatagramOptions,
  RioListenOptions,
  RioMembership,
  RioTcpConn,
  RioTcpListener,
} from "../../mod.ts";

/** Compiles only if the first type can be used wherever the second is. */
type Assignable<From extends To, To> = [From, To];

/** What TypeScript checks here: a change of shape fails to compile. */
const ASSIGNABLE: [
  Assignable<RioDatagramConn, Deno.DatagramConn>,
  Assignable<RioMembership, Deno.MulticastV4Membership>,
  Assignable<RioMembership, Deno.MulticastV6Membership>,
  Assignable<RioTcpConn, Deno.TcpConn>,
  Assignable<RioTcpConn, Deno.Conn<Deno.NetAddr>>,
  Assignable<RioTcpListener, Deno.TcpListener>,
  Assignable<
    Deno.UdpListenOptions & { transport: "udp" },
    RioListenDatagramOptions
  >,
  Assignable<Deno.ConnectOptions, RioConnectOptions>,
  Assignable<Deno.TcpListenOptions, RioListenOptions>,
] | null = null;

Deno.test("sockets are assignable to the types of Deno's own", () => {
  assertEquals(ASSIGNABLE, null);
});
