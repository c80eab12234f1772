// The planner's core modules, compiled once per thread that makes instances.

import { readFile } from "node:fs/promises";
import { inflateRawSync } from "node:zlib";
import { addressOf } from "../planner/addresses.js";

/** Reads and compiles one. */
export async function readModule(name: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await bytesOf(name));
}

/** From its file, or, where a bundler has left that behind, from the program itself. */
async function bytesOf(name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(addressOf(name)));
  } catch (error) {
    const { embedded } = await import("../../component/embedded.js");
    const text = embedded[name];
    if (text === undefined) throw error;
    return new Uint8Array(inflateRawSync(Buffer.from(text, "base64")));
  }
}
