// Transpiles the planner component, twice: for a thread that may block, and for engines that can suspend
// WebAssembly. The core modules are the same bytes and are kept once.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { component, database, folder, transpile, withoutAddress } from "./transpile.js";

const modules = ["planner.core.wasm", "planner.core2.wasm", "planner.core3.wasm"];
// Whatever the interface offers.
const wit = readFileSync(join(folder, "../../wit/inventory.wit"), "utf8");
const inventory = [...wit.matchAll(/^ {4}([a-z-]+): func/gm)].map(
  ([, name]) => `batchintory:inventory/inventory@0.1.0#${name}`,
);

rmSync(component, { recursive: true, force: true });
transpileAs("blocking", ["--instantiation", "sync"]);
transpileAs("suspending", [
  ...["--instantiation", "async", "--async-mode", "jspi"],
  ...["--async-imports", ...database, "--async-exports", ...inventory],
]);
const suspending = join(component, "suspending/planner.js");
writeFileSync(suspending, withoutAddress(readFileSync(suspending, "utf8"), suspending));
for (const name of modules) {
  const [ours, theirs] = ["blocking", "suspending"].map((kind) => join(component, kind, name));
  if (!readFileSync(ours).equals(readFileSync(theirs))) throw new Error(`${theirs} differs from ${ours}`);
  rmSync(theirs);
  renameSync(ours, join(component, name));
}

embed();

/** For programs that are bundled to one file: the core modules as text. */
function embed() {
  const embedded = modules.map((name) => [name, deflateRawSync(readFileSync(join(component, name)))]);
  const texts = Object.fromEntries(embedded.map(([name, bytes]) => [name, bytes.toString("base64")]));
  writeFileSync(join(component, "embedded.js"), `export const embedded = ${JSON.stringify(texts)};\n`);
  writeFileSync(
    join(component, "embedded.d.ts"),
    "/** The core modules, deflated, in base64. */\nexport const embedded: Record<string, string>;\n",
  );
}

function transpileAs(kind, options) {
  transpile("batchintory.wasm", "planner", kind, options);
}
