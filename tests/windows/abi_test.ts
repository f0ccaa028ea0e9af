/**
 * What the package lays out by hand, against what a C compiler says for 64-bit
 * Windows: `provider/abi.c` prints it, and `RIO_ABI_JSON` names the file.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE } from "../../ffi/address.ts";
import * as constants from "../../ffi/constants.ts";
import * as errorNumbers from "../../ffi/error_numbers.ts";
import * as layout from "../../ffi/layout.ts";
import { CallMemory, NativeFunction } from "../../ffi/winsock/call.ts";
import type { DispCallFunc } from "../../ffi/winsock/library.ts";
import { skipped } from "../skip.ts";

/** What the program printed. */
interface Abi {
  types: Record<
    string,
    { size: number; align: number; fields: Record<string, number> }
  >;
  constants: Record<string, number>;
  errors: Record<string, number>;
  guids: Record<string, string>;
  /** Numbers of 64 bits, as decimal text. */
  wide: Record<string, string>;
}

const path = Deno.env.get("RIO_ABI_JSON");
const ignore = skipped(
  "what a compiler says",
  path === undefined ? "RIO_ABI_JSON is not set" : undefined,
);
const abi: Abi = path === undefined
  ? { types: {}, constants: {}, errors: {}, guids: {}, wide: {} }
  : JSON.parse(await Deno.readTextFile(path));

function abiTest(name: string, fn: () => void): void {
  Deno.test({ name, ignore, fn });
}

/** The field of the C structure behind each of ours. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  RIO_BUF: { bufferId: "BufferId", offset: "Offset", length: "Length" },
  RIORESULT: {
    status: "Status",
    bytesTransferred: "BytesTransferred",
    socketContext: "SocketContext",
    requestContext: "RequestContext",
  },
  RIO_NOTIFICATION_COMPLETION: {
    type: "Type",
    eventHandle: "Event.EventHandle",
    notifyReset: "Event.NotifyReset",
    iocpHandle: "Iocp.IocpHandle",
    completionKey: "Iocp.CompletionKey",
    overlapped: "Iocp.Overlapped",
  },
  RIO_EXTENSION_FUNCTION_TABLE: { cbSize: "cbSize", functions: "RIOReceive" },
  SOCKADDR_INET: {
    family: "si_family",
    port: "Ipv4.sin_port",
    ipv4Address: "Ipv4.sin_addr",
    ipv6FlowInfo: "Ipv6.sin6_flowinfo",
    ipv6Address: "Ipv6.sin6_addr",
    ipv6ScopeId: "Ipv6.sin6_scope_id",
  },
  WSACMSGHDR: { length: "cmsg_len", level: "cmsg_level", type: "cmsg_type" },
  IN_PKTINFO: { address: "ipi_addr", interfaceIndex: "ipi_ifindex" },
  IN6_PKTINFO: { address: "ipi6_addr", interfaceIndex: "ipi6_ifindex" },
  OVERLAPPED: {
    internal: "Internal",
    internalHigh: "InternalHigh",
    event: "hEvent",
  },
  OVERLAPPED_ENTRY: {
    completionKey: "lpCompletionKey",
    overlapped: "lpOverlapped",
    internal: "Internal",
    bytesTransferred: "dwNumberOfBytesTransferred",
  },
  WSAPROTOCOL_INFOW: {
    serviceFlags1: "dwServiceFlags1",
    providerId: "ProviderId",
    addressFamily: "iAddressFamily",
    socketType: "iSocketType",
    protocol: "iProtocol",
    name: "szProtocol",
  },
  VARIANT: { type: "vt", value: "ullVal" },
  LINGER: { onOff: "l_onoff", seconds: "l_linger" },
  GROUP_SOURCE_REQ: {
    interface: "gsr_interface",
    group: "gsr_group",
    source: "gsr_source",
  },
};

abiTest("every layout has the size and the offsets of the C structure", () => {
  const ours = Object.entries(layout).filter(([, value]) =>
    typeof value === "object"
  );
  assertEquals(ours.map(([name]) => name).sort(), Object.keys(FIELDS).sort());
  for (const [name, { size, ...offsets }] of Object.entries(layouts())) {
    const { size: real, fields } = abi.types[name]!;
    const names = FIELDS[name]!;
    assertEquals(size, real, name);
    assertEquals(
      offsets,
      Object.fromEntries(
        Object.entries(names).map(([own, field]) => [own, fields[field]]),
      ),
      name,
    );
  }
});

function layouts(): Record<string, Record<string, number>> {
  return Object.fromEntries(
    Object.keys(FIELDS).map((name) => [name, Reflect.get(layout, name)]),
  );
}

abiTest("every field that has several names in C is at one place", () => {
  const { SOCKADDR_INET, SOCKADDR_IN, SOCKADDR_IN6, VARIANT } = abi.types;
  const port = layout.SOCKADDR_INET.port;
  assertEquals(
    [SOCKADDR_IN!.fields.sin_port, SOCKADDR_IN6!.fields.sin6_port],
    [port, port],
  );
  assertEquals(SOCKADDR_INET!.fields["Ipv6.sin6_port"], port);
  const { vt: _, ...values } = VARIANT!.fields;
  assertEquals(
    new Set(Object.values(values)),
    new Set([layout.VARIANT.value]),
  );
});

abiTest("every other size is that of the C type", () => {
  const { types } = abi;
  assertEquals(layout.SOCKADDR_IN_SIZE, types.SOCKADDR_IN!.size);
  assertEquals(layout.WSADATA_SIZE, types.WSADATA!.size);
  assertEquals(ADDRESS_SIZE, types.SOCKADDR_INET!.size);
  assertEquals(layout.guidBytes(abi.guids.WSAID_ACCEPTEX!).length, 16);
  assertEquals(types.GUID!.size, 16);
  // How DispCallFunc and dlopen are told of handles, addresses and numbers.
  const sizes = ["SOCKET", "HANDLE", "BOOL", "ULONG", "DWORD", "VARTYPE"]
    .map((name) => types[name]!.size);
  assertEquals(sizes, [8, 8, 4, 4, 4, 2]);
  assertEquals(layout.alignControl(1), types.WSACMSGHDR!.align);
});

abiTest("the 13 functions are in the order of the C table", () => {
  const { fields, size } = abi.types.RIO_EXTENSION_FUNCTION_TABLE!;
  const { functions } = layout.RIO_EXTENSION_FUNCTION_TABLE;
  assertEquals(
    Object.fromEntries(
      constants.RIO_FUNCTIONS.map((name, i) => [name, functions + 8 * i]),
    ),
    (({ cbSize: _, ...rest }) => rest)(fields),
  );
  assertEquals(functions + 8 * constants.RIO_FUNCTIONS.length, size);
});

/** What the package needs and C does not have, or has elsewhere. */
const OURS_ALONE = [
  ...["RIO_FUNCTIONS", "perFunction"],
  ...["SO_REUSEPORT", "SO_MEMINFO", "SO_BINDTODEVICE", "SO_MAX_PACING_RATE"],
  ...["IP_MULTICAST_ALL", "IPV6_MULTICAST_ALL"],
];
/** What C was asked for and other files than the constants use. */
const ELSEWHERE = [
  ...["VT_UI8", "VT_UI4", "VT_I4", "CC_STDCALL"],
  // The provider and the doctor speak of these.
  ...["SIO_LOOPBACK_FAST_PATH", "SIO_FLUSH", "XP1_IFS_HANDLES"],
  "WSA_WAIT_FAILED",
];

abiTest("every constant is that of the C headers, none left out", () => {
  const wide = Object.entries(abi.wide).map(([name, text]) => {
    const ours: unknown = Reflect.get(constants, name);
    return [name, typeof ours === "bigint" ? BigInt(text) : Number(text)];
  });
  const theirs: Record<string, unknown> = {
    ...abi.constants,
    ...abi.guids,
    ...Object.fromEntries(wide),
  };
  for (const name of ELSEWHERE) {
    assert(name in theirs, name);
    delete theirs[name];
  }
  const ours: Record<string, unknown> = { ...constants };
  for (const name of OURS_ALONE) delete ours[name];
  assertEquals(ours, theirs);
});

abiTest(
  "every error number has the name of the C headers, none left out",
  () => {
    assertEquals({ ...errorNumbers }, abi.errors);
  },
);

abiTest(
  "a frame for DispCallFunc is made of the numbers of the C headers",
  () => {
    const { VT_UI8, VT_UI4, VT_I4, CC_STDCALL } = abi.constants;
    let call: (number | bigint)[] = [];
    const dispCallFunc: DispCallFunc = (...values) => {
      call = values;
      return 0;
    };
    const native = new NativeFunction(7n, {
      parameters: ["u64", "u32", "i32"],
      result: "u64",
    }, { memory: new CallMemory(), dispCallFunc });
    native.call();
    const [instance, address, convention, result, count, types, pointers] =
      call;
    assertEquals(
      [instance, address, convention, result, count],
      [0n, 7n, CC_STDCALL!, VT_UI8!, 3],
    );
    const numbers = viewOf(types!);
    const addresses = viewOf(pointers!);
    [VT_UI8, VT_UI4, VT_I4].forEach((type, i) => {
      assertEquals(numbers.getUint16(2 * i), type);
      const variant = viewOf(addresses.getBigUint64(8 * i));
      assertEquals(variant.getUint16(abi.types.VARIANT!.fields.vt), type);
    });
  },
);

function viewOf(address: number | bigint): Deno.UnsafePointerView {
  return new Deno.UnsafePointerView(
    Deno.UnsafePointer.create(BigInt(address))!,
  );
}
