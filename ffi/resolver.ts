/**
 * What the system's resolver knows of names: the hosts file, DNS, and whatever
 * else the host is set up to ask.
 *
 * It is asked as Deno's own sockets ask it, so that a name leads to the same
 * addresses in the same order. Source: `getaddrinfo(3)`, RFC 3493, and the
 * Microsoft reference page of `GetAddrInfoW`.
 *
 * @module
 */
import { ADDRESS_SIZE, readAddress } from "./address.ts";
import {
  AF_INET,
  AF_INET6,
  SOCK_STREAM,
  WINSOCK_VERSION,
} from "./constants.ts";
import * as wsa from "./error_numbers.ts";
import { RioError } from "./errors.ts";
import { show } from "./arguments.ts";
import { HeldLibrary } from "./held_library.ts";
import { wide } from "./interfaces.ts";
import { SOCKADDR_IN_SIZE, SOCKADDR_INET, WSADATA_SIZE } from "./layout.ts";
import { openLibc } from "./libc.ts";
import { allocateOutlasting, type RioMemory } from "./memory.ts";

/** Both systems take a host, a service, hints, and where to put the answer. */
const ASK = {
  parameters: ["usize", "usize", "usize", "usize"],
  result: "i32",
} as const;

const LIBC = {
  // int getaddrinfo(const char *node, const char *service,
  //   const struct addrinfo *hints, struct addrinfo **result)
  getaddrinfo: ASK,
  // The same on a thread of the pool: a name server may take seconds.
  getaddrinfoLater: { ...ASK, name: "getaddrinfo", nonblocking: true },
  // void freeaddrinfo(struct addrinfo *result)
  freeaddrinfo: { parameters: ["usize"], result: "void" },
  // const char *gai_strerror(int code)
  gai_strerror: { parameters: ["i32"], result: "pointer" },
} as const;

const WS2_32 = {
  // INT GetAddrInfoW(PCWSTR pNodeName, PCWSTR pServiceName,
  //   const ADDRINFOW *pHints, PADDRINFOW *ppResult)
  getaddrinfo: { ...ASK, name: "GetAddrInfoW" },
  getaddrinfoLater: { ...ASK, name: "GetAddrInfoW", nonblocking: true },
  // void FreeAddrInfoW(PADDRINFOW pAddrInfo)
  freeaddrinfo: {
    name: "FreeAddrInfoW",
    parameters: ["usize"],
    result: "void",
  },
  // int WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData)
  WSAStartup: { parameters: ["u16", "buffer"], result: "i32" },
  // int WSACleanup(void)
  WSACleanup: { parameters: [], result: "i32" },
} as const;

/** Offsets in `struct addrinfo` of 64 bits; that of the address differs. */
const ADDRINFO = {
  family: 4,
  socketType: 8,
  addressLength: 16,
  next: 40,
  size: 48,
} as const;

/** Where a lookup puts things, and the room for names of the usual length. */
const PLACE = { result: 0, hints: 8, name: 64, size: 1024 } as const;

/** The numbers of Windows for the codes of `getaddrinfo(3)`. */
const CODES: ReadonlyMap<number, number> = new Map([
  [-1, wsa.WSAEINVAL], // EAI_BADFLAGS
  [-2, wsa.WSAHOST_NOT_FOUND], // EAI_NONAME
  [-3, wsa.WSATRY_AGAIN], // EAI_AGAIN
  [-4, wsa.WSANO_RECOVERY], // EAI_FAIL
  [-5, wsa.WSANO_DATA], // EAI_NODATA
  [-6, wsa.WSAEAFNOSUPPORT], // EAI_FAMILY
  [-10, wsa.WSA_NOT_ENOUGH_MEMORY], // EAI_MEMORY
]);

/** The number of Windows for a code of `getaddrinfo(3)`; for tests exported. */
export function errnoOfCode(code: number): number {
  return CODES.get(code) ?? wsa.WSANO_RECOVERY;
}

/** What Windows says of its codes. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [wsa.WSAHOST_NOT_FOUND, "No such host is known."],
  [
    wsa.WSATRY_AGAIN,
    "This is usually a temporary error during hostname resolution and means that the local server did not receive a response from an authoritative server.",
  ],
  [
    wsa.WSANO_RECOVERY,
    "A non-recoverable error occurred during a database lookup.",
  ],
  [
    wsa.WSANO_DATA,
    "The requested name is valid, but no data of the requested type was found.",
  ],
]);

/** How the system is asked. */
interface Resolver {
  /** The function that is called. */
  readonly call: string;
  /** Where `struct addrinfo` has the address. */
  readonly addressAt: number;
  ask(...place: PlaceArguments): number;
  askLater(...place: PlaceArguments): Promise<number>;
  free(answer: bigint): void;
  /** A name as the system reads it. */
  textOf(name: string): Uint8Array;
  /** The number of Windows for a code. */
  errnoOf(code: number): number;
  /** The system's words for a code. */
  wordsOf(code: number): string;
  close(): void;
}

const resolver = new HeldLibrary(
  Deno.build.os === "windows" ? openWindows : openLinux,
);

type PlaceArguments = [
  name: bigint,
  service: bigint,
  hints: bigint,
  result: bigint,
];

/**
 * Looks a name up, and blocks until that is done.
 *
 * @param name A name, or anything else that the system takes for a host.
 * @returns Its addresses as IP literals, at least one, in the system's order.
 * @throws {Error} If there is no such name, in the words of the system; its
 * cause is the {@linkcode RioError}.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 */
export function lookUpNow(name: string): string[] {
  return resolver.use((asked) => {
    const place = placeOf(asked.textOf(name));
    const code = asked.ask(...argumentsOf(place));
    return outcome(asked, { name, place, code });
  });
}

/**
 * Looks a name up on a thread of Deno's pool.
 *
 * @param name A name, or anything else that the system takes for a host.
 * @returns Its addresses as IP literals, at least one, in the system's order.
 * @throws {Error} If there is no such name, in the words of the system; its
 * cause is the {@linkcode RioError}.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 */
export function lookUp(name: string): Promise<string[]> {
  return resolver.useLater(async (asked) => {
    const place = placeOf(asked.textOf(name));
    // Until the call has returned, the system reads and writes there.
    const code = await asked.askLater(...argumentsOf(place));
    return outcome(asked, { name, place, code });
  });
}

/**
 * Places that no question uses now. A thread of the pool may still write to a
 * place when the isolate that asked has ended, so they are memory that stays.
 */
const places: RioMemory[] = [];

/** Writes a question for a name where the system reads it. */
function placeOf(text: Uint8Array): RioMemory {
  const size = PLACE.name + text.length;
  const place = size > PLACE.size
    ? allocateOutlasting(size)
    : places.pop() ?? allocateOutlasting(PLACE.size);
  const view = new DataView(place.bytes.buffer, place.bytes.byteOffset);
  // One answer for each address, in place of one for each kind of socket.
  view.setInt32(PLACE.hints + ADDRINFO.socketType, SOCK_STREAM, true);
  place.bytes.set(text, PLACE.name);
  return place;
}

function argumentsOf({ address }: RioMemory): PlaceArguments {
  const at = (offset: number) => address + BigInt(offset);
  return [at(PLACE.name), 0n, at(PLACE.hints), at(PLACE.result)];
}

/** Reads the answer and gives it and its place back, or throws. */
function outcome(
  asked: Resolver,
  { name, place, code }: { name: string; place: RioMemory; code: number },
): string[] {
  if (place.bytes.length === PLACE.size) places.push(place);
  if (code !== 0) throw failure(asked, name, code);
  const { buffer, byteOffset } = place.bytes;
  const answer = new DataView(buffer, byteOffset)
    .getBigUint64(PLACE.result, true);
  try {
    return addressesOf(answer, asked.addressAt);
  } finally {
    asked.free(answer);
  }
}

function failure(asked: Resolver, name: string, code: number): Error {
  return new Error(asked.wordsOf(code), {
    cause: new RioError({
      errno: asked.errnoOf(code),
      syscall: asked.call,
      attempt: `look up ${show(name)}`,
    }),
  });
}

/** The addresses of a list of `struct addrinfo`. */
function addressesOf(answer: bigint, addressAt: number): string[] {
  const addresses: string[] = [];
  for (let at = answer; at !== 0n;) {
    const info = new Deno.UnsafePointerView(Deno.UnsafePointer.create(at)!);
    const address = Deno.UnsafePointer.create(info.getBigUint64(addressAt));
    const length = info.getUint32(ADDRINFO.addressLength);
    const isIpv4 = info.getInt32(ADDRINFO.family) === AF_INET;
    const size = isIpv4 ? SOCKADDR_IN_SIZE : ADDRESS_SIZE;
    if (address !== null && length >= size) {
      const bytes = new Uint8Array(ADDRESS_SIZE);
      new Deno.UnsafePointerView(address).copyInto(bytes.subarray(0, size));
      bytes[SOCKADDR_INET.family] = isIpv4 ? AF_INET : AF_INET6;
      addresses.push(readAddress(bytes, "tcp").hostname);
    }
    at = info.getBigUint64(ADDRINFO.next);
  }
  return addresses;
}

function openLinux(): Resolver {
  const libc = openLibc(LIBC);
  const { symbols } = libc;
  return {
    call: "getaddrinfo",
    addressAt: 24,
    ask: symbols.getaddrinfo,
    askLater: symbols.getaddrinfoLater,
    free: symbols.freeaddrinfo,
    textOf: (name) => new TextEncoder().encode(`${name}\0`),
    errnoOf: errnoOfCode,
    wordsOf(code) {
      const words = Deno.UnsafePointerView.getCString(
        symbols.gai_strerror(code)!,
      );
      return `failed to lookup address information: ${words}`;
    },
    close: () => libc.close(),
  };
}

function openWindows(): Resolver {
  const winsock = Deno.dlopen("ws2_32.dll", WS2_32);
  const { symbols } = winsock;
  symbols.WSAStartup(WINSOCK_VERSION, new Uint8Array(WSADATA_SIZE));
  return {
    call: "GetAddrInfoW",
    addressAt: 32,
    ask: symbols.getaddrinfo,
    askLater: symbols.getaddrinfoLater,
    free: symbols.freeaddrinfo,
    textOf: (name) => new Uint8Array(wide(name).buffer),
    errnoOf: (code) => code,
    wordsOf: (code) =>
      `${WORDS.get(code) ?? "The name was not found."} (os error ${code})`,
    close() {
      symbols.WSACleanup();
      winsock.close();
    },
  };
}
