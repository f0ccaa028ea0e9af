/**
 * Runs the programs over one `dgram`, in a process of its own, and prints a line
 * of JSON for each.
 *
 *     deno run -A run.mjs FOLDER WAY
 *
 * FOLDER has the libraries. WAY is how their sockets become this package's:
 *
 * - `import`: the program makes them with `@winsock/rio/dgram`;
 * - `map`: with `node:dgram`, which an import map leads there;
 * - `install`: the libraries make them, after `@winsock/rio/dgram/install`;
 * - `deno`: not at all, they are Deno's own.
 *
 * @module
 */
import { createRequire } from "node:module";
import process from "node:process";
import { PROGRAMS } from "./programs.mjs";

const [folder, way] = process.argv.slice(2);
const ways = {
  import: () => import("../../../ffi/dgram/mod.ts"),
  map: () => import("node:dgram"),
  install: async () => {
    await import("../../../ffi/dgram/install.ts");
    return await import("node:dgram");
  },
  deno: () => import("node:dgram"),
};
const { default: dgram } = await ways[way]();
const passed = way === "import" || way === "map";
const require = createRequire(`${folder}/main.js`);

/** Sockets of this package that were used; it is not loaded in every way. */
let used = 0;
if (way !== "deno") {
  const { Socket } = await import("../../../ffi/dgram/mod.ts");
  const { bind } = Socket.prototype;
  Socket.prototype.bind = function (...args) {
    used++;
    return bind.apply(this, args);
  };
}

const listen = async () => {
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket;
};

const wanted = process.argv[4]?.split(",") ?? Object.keys(PROGRAMS);
for (const name of wanted) {
  used = 0;
  let error;
  let skip;
  try {
    skip = await PROGRAMS[name]({
      require,
      load: (library) => import(library),
      listen,
      open: passed ? (options) => dgram.createSocket(options) : undefined,
    });
  } catch (reason) {
    error = String(reason?.stack ?? reason);
  }
  console.log(JSON.stringify({ name, skip, error, used }));
}
process.exit();
