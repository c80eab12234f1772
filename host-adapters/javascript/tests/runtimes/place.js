// Folders in which programs use the package, without the drivers that need a compiler; and what
// runs them.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";

/** All packages of the runtimes and bundlers. */
export const packages = path.join(import.meta.dirname, "../node_modules");

/** All packages beside the one that is tested. */
const installed = path.join(process.env.BATCHINTORY_TEST_JAVASCRIPT_PACKAGE, "node_modules");

const deno = "@deno/linux-x64-glibc/deno";
const bun = "@oven/bun-linux-x64/bin/bun";

/** What runs a program, by name. */
export const runtimes = {
  Deno: [deno, "run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"],
  Bun: [bun],
  "Node 22": ["node-22/bin/node"],
  "Node 24": ["node-24/bin/node"],
  "Node 26": ["node-26/bin/node"],
};

/** A folder with the package and other packages, and a meta table; gone after the test. */
export function place(context, others = []) {
  const folder = mkdtempSync(path.join(tmpdir(), "batchintory-"));
  context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const manifest = { type: "module", dependencies: { batchintory: "*" } };
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
  mkdirSync(path.join(folder, "node_modules"));
  for (const name of ["batchintory", ...others]) {
    cpSync(path.join(installed, name), path.join(folder, "node_modules", name), { recursive: true });
  }
  withFiles(folder);
  return folder;
}

/** Puts a meta table of three files into a folder. */
export function withFiles(folder) {
  const lake = new DatabaseSync(path.join(folder, "lake.sqlite"));
  lake.exec("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
  lake.exec("INSERT INTO files VALUES (1, 'a.png', 1), (2, 'b.png', 1), (3, 'c.png', 1)");
  lake.close();
}

/** The first example of the package's README, and what it prints there. */
export const [, example] = readFileSync(path.join(installed, "batchintory/README.md"), "utf8").match(
  /```js first-example\n(.*?)```/s,
);
export const printed = "1n a.png\n2n b.png\n3n c.png\n";

/** Runs a program, and gives what it prints. */
export async function run([program, ...parameters], folder) {
  const environment = { ...process.env, DENO_DIR: path.join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" };
  const options = { cwd: folder, env: environment, timeout: 300_000 };
  return (await promisify(execFile)(path.resolve(packages, program), parameters, options)).stdout;
}
