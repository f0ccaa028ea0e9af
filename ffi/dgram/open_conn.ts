/**
 * Opening what is underneath, with the defaults of Node's sockets.
 *
 * @module
 */
import { ipVersion } from "../address.ts";
import type { RioDatagramConn } from "../net/datagrams/conn.ts";
import { listenDatagram } from "../net/datagrams/listen_datagram.ts";
import { systemCode, systemError } from "./errors.ts";
import type { Checked } from "./options.ts";

/** An address to bind to. */
export interface Local {
  readonly address: string;
  readonly port: number;
  /** The address, or a name that leads to it. */
  readonly hostname: string;
}

/**
 * Opens what is underneath a socket, bound to an address.
 *
 * @throws {Error} What the system said, for example `EADDRINUSE`.
 */
export function openConn(
  { type, reuseAddr, reusePort, ipv6Only }: Checked,
  local: Local,
): RioDatagramConn {
  const { address, port, hostname } = local;
  if (ipVersion(address) !== (type === "udp4" ? 4 : 6)) {
    throw systemError("EINVAL", "bind", local);
  }
  try {
    const conn = listenDatagram({
      hostname,
      port,
      reuseAddress: Boolean(reuseAddr),
      reusePort: Boolean(reusePort),
      ipv6Only: Boolean(ipv6Only),
      loopback: true,
      // As with Node: what may pass is no error.
      reportUnreachable: "refused",
    });
    conn.socket.setOption("broadcast", false);
    return conn;
  } catch (error) {
    const code = systemCode(error);
    throw code === undefined ? error : systemError(code, "bind", local);
  }
}
