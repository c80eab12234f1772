// The planner's core modules, compiled once per thread that makes instances.

import { readFile } from "node:fs/promises";
import { type Modules, moduleNames } from "../planner/planner.js";

/** Reads and compiles them. */
export async function compile(): Promise<Modules> {
  const folder = new URL("../../component/", import.meta.url);
  const compiled = moduleNames.map(async (name) => {
    return [name, await WebAssembly.compile(await readFile(new URL(name, folder)))] as const;
  });
  return Object.fromEntries(await Promise.all(compiled));
}
