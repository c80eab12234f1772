// Transpiles the planner component, twice: for a thread that may block, and for engines that can suspend
// WebAssembly. The core modules are the same bytes and are kept once.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
const wasm = join(folder, "../../target/component/batchintory.wasm");
const component = join(folder, "component");
const modules = ["planner.core.wasm", "planner.core2.wasm", "planner.core3.wasm"];
const database = ["query", "pause", "claim-turn"].map(
  (name) => `batchintory:inventory/database@0.1.0#${name}`,
);
// Whatever the interface offers.
const wit = readFileSync(join(folder, "../../wit/inventory.wit"), "utf8");
const inventory = [...wit.matchAll(/^ {4}([a-z-]+): func/gm)].map(
  ([, name]) => `batchintory:inventory/inventory@0.1.0#${name}`,
);

if (!existsSync(wasm)) {
  console.error("target/component/batchintory.wasm is missing: run `cargo xtask component` first");
  process.exit(1);
}
rmSync(component, { recursive: true, force: true });
transpile("blocking", ["--instantiation", "sync"]);
transpile("suspending", [
  ...["--instantiation", "async", "--async-mode", "jspi"],
  ...["--async-imports", ...database, "--async-exports", ...inventory],
]);
forgetAddress();
for (const name of modules) {
  const [ours, theirs] = ["blocking", "suspending"].map((kind) => join(component, kind, name));
  if (!readFileSync(ours).equals(readFileSync(theirs))) throw new Error(`${theirs} differs from ${ours}`);
  rmSync(theirs);
  renameSync(ours, join(component, name));
}

embed();

/** The modules are always handed in. Bundlers would take a pattern of their addresses for all files beside them. */
function forgetAddress() {
  const file = join(component, "suspending/planner.js");
  const written = readFileSync(file, "utf8");
  const without = written.replace(/\w+\|\|\(\w+=\w+=>\w+\(new URL\([^;]*import\.meta\.url\)\)\);/, "");
  if (without.includes("import.meta")) throw new Error(`${file} has another form than expected`);
  writeFileSync(file, without);
}

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

function transpile(kind, options) {
  const jco = join(folder, "node_modules/.bin/jco");
  const into = [
    "--name",
    "planner",
    "--out-dir",
    join(component, kind),
    "--no-nodejs-compat",
    "--minify",
    "--quiet",
  ];
  execFileSync(jco, ["transpile", wasm, ...into, ...options], { stdio: ["ignore", "inherit", "inherit"] });
}
