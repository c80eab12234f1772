// A Worker in workerd, without a network: with databases of D1, and Durable Objects.
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { installed } from "./installed.js";

/** The access token of the services. */
export const token = "a-very-secret-token";

/** How many databases of D1 there are: DB0, DB1, … */
const databases = 100;

/** Bundles a program as Workers' tools do. */
async function modulesOf(program) {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, program)],
    alias: { "batchintory/item-reader": path.join(installed, "dist/item-reader.js") },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [compiled, builtins],
    logLevel: "error",
  });
  const folders = ["component", "component/service"].map((name) => path.join(installed, name));
  const wasm = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".wasm"))
      .map((name) => ({ type: "CompiledWasm", path: name, contents: readFileSync(path.join(folder, name)) })),
  );
  return [{ type: "ESModule", path: "program.js", contents: outputFiles[0].text }, ...wasm];
}

/** Modules of WebAssembly are left to be imported by the runtime. */
const compiled = {
  name: "compiled",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm$/ }, ({ path: file }) => ({
      path: `./${path.basename(file)}`,
      external: true,
    }));
  },
};

/** Modules of Node that are required without their prefix. */
const builtins = {
  name: "builtins",
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${builtinModules.join("|")})$`);
    onResolve({ filter }, ({ path: name }) => ({ path: name, namespace: "builtin" }));
    onLoad({ filter: /./, namespace: "builtin" }, ({ path: name }) => ({
      contents: `export * from "node:${name}"; export { default } from "node:${name}";`,
    }));
  },
};

/** Starts it. Its databases are in memory, and gone with it. */
export async function startWorkerd(options = {}) {
  const names = Array.from({ length: databases }, (_, index) => `DB${index}`);
  const miniflare = new Miniflare({
    modules: await modulesOf("workerd-program.js"),
    modulesRoot: "/",
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["nodejs_compat"],
    // Off the network: else it asks where it is.
    cf: false,
    // What subjects answer stands on the standard output alone.
    handleRuntimeStdio(output, errors) {
      output.resume();
      errors.pipe(process.stderr);
    },
    d1Databases: Object.fromEntries(names.map((name) => [name, name])),
    bindings: { BATCHINTORY_API_TOKEN: token },
    durableObjects: { LAKES: { className: "Lake", useSQLite: true } },
    ...options,
  });
  await miniflare.ready;
  return miniflare;
}
