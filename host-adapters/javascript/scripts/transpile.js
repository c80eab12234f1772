// Transpiles a component by jco.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder. */
export const folder = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Where transpiled components are written. */
export const component = join(folder, "component");

/** Transpiles a file of target/component: writes `name` into a folder of `component`. */
export function transpile(file, name, into, options) {
  const wasm = join(folder, "../../target/component", file);
  if (!existsSync(wasm)) {
    console.error(`target/component/${file} is missing: run \`cargo xtask component\` first`);
    process.exit(1);
  }
  const jco = join(folder, "node_modules/.bin/jco");
  const always = [
    "--name",
    name,
    "--out-dir",
    join(component, into),
    "--no-nodejs-compat",
    "--minify",
    "--quiet",
  ];
  execFileSync(jco, ["transpile", wasm, ...always, ...options], { stdio: ["ignore", "inherit", "inherit"] });
}

/** The functions of the planner's host that answer later. */
export const database = ["query", "pause", "claim-turn"].map(
  (name) => `batchintory:inventory/database@0.1.0#${name}`,
);

/** The modules are always handed in. Bundlers would take a pattern of their addresses for all files beside them. */
export function withoutAddress(written, file) {
  const without = written.replace(/\w+\|\|\(\w+=\w+=>\w+\(new URL\([^;]*import\.meta\.url\)\)\);/, "");
  if (without.includes("import.meta")) throw new Error(`${file} has another form than expected`);
  return without;
}
