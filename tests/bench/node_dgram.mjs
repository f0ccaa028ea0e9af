// node:dgram under Node itself: sends and receives COUNT datagrams of SIZE
// bytes, WINDOW at a time; prints count, seconds and
// CPU seconds of user and system.
import { createSocket } from "node:dgram";

const [count, size, window] = process.argv.slice(2).map(Number);
const open = async () => {
  const socket = createSocket("udp4");
  await new Promise((done) => socket.bind(0, "127.0.0.1", done));
  return socket;
};
const [sender, receiver] = [await open(), await open()];
const { port } = receiver.address();
const data = new Uint8Array(size);
let left = 0;
let windowDone;
receiver.on("message", () => {
  if (--left === 0) windowDone();
});
const cpu = process.cpuUsage();
const start = performance.now();
for (let done = 0; done < count; done += window) {
  left = window;
  const answered = new Promise((resolve) => windowDone = resolve);
  for (let i = 0; i < window; i++) sender.send(data, port, "127.0.0.1");
  await answered;
}
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(`${count} ${seconds} ${user / 1e6} ${system / 1e6}`);
sender.close();
receiver.close();
