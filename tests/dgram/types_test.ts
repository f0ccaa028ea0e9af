/**
 * Programs written against the types of `node:dgram` compile with ours.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Buffer } from "node:buffer";
import dgram from "../../ffi/dgram/mod.ts";
import { SANITIZERS } from "./child.ts";

class Server {
  readonly socket: dgram.Socket;
  readonly heard: dgram.RemoteInfo[] = [];

  constructor(options: dgram.SocketOptions) {
    this.socket = dgram.createSocket(options);
    this.socket.on("message", (data: Buffer, rinfo: dgram.RemoteInfo) => {
      this.heard.push(rinfo);
      this.socket.send(data, 0, data.length, rinfo.port, rinfo.address);
    });
    // Without types of its own, a listener has those of its event.
    this.socket.on("messages", (messages) => messages[0]?.data.readUInt8(0));
    this.socket.on("error", ({ message }) => console.error(message));
  }

  listen(options: dgram.BindOptions): Promise<dgram.AddressInfo> {
    return new Promise((resolve) =>
      this.socket.bind(options, () => resolve(this.socket.address()))
    );
  }
}

Deno.test({
  name: "a program with the types of node:dgram compiles, and runs",
  ...SANITIZERS,
  fn: async () => {
    const type: dgram.SocketType = "udp4";
    const server = new Server({ type, reuseAddr: true });
    const { port } = await server.listen({ address: "127.0.0.1" });
    const client = dgram.createSocket("udp4");
    const answer = new Promise<string>((resolve) =>
      client.on("message", (data) => resolve(data.toString("latin1")))
    );
    client.send([new Uint8Array([104]), "i"], port, (error, bytes) => {
      assertEquals([error, bytes], [null, 2]);
    });
    assertEquals(await answer, "hi");
    assertEquals(server.heard.map(({ size }) => size), [2]);
    client.close();
    server.socket.close();
  },
});
