import type { Rig } from "./rig.ts";
export async function build(_rig: Rig): Promise<void> {}
