// A planner that breaks down, or never ends: a copy of the package with one that does.
import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { folder } from "./databases.js";
import { installed } from "./installed.js";

/** jobs never ends (without keeping a processor busy), history breaks down. */
const planner = `

const cell = new Int32Array(new SharedArrayBuffer(4));

export function instantiate() {

  let isBroken = false;
  const inventory = {
    jobs() { for (;;) Atomics.wait(cell, 0, 0, 10); },
    history() { isBroken = true; throw new WebAssembly.RuntimeError("unreachable"); },
    schemaStatements() { return [isBroken ? "a broken instance was used again" : "sound"]; },
  };
  return { inventory };
}
`;

async function broken(context) {
  const package_ = path.join(folder(context), "batchintory");
  cpSync(installed, package_, { recursive: true });
  writeFileSync(path.join(package_, "component/blocking/planner.js"), planner);
  writeFileSync(path.join(package_, "component/suspending/planner.js"), planner);
  // More than what ends by itself takes, however busy the machine is.
  const limits = path.join(package_, "dist/planner/limits.js");
  writeFileSync(limits, "export const computeMilliseconds = 3000;");
  const { open } = await import(pathToFileURL(path.join(package_, "dist/index.js")));
  const inventory = await open({ query: () => ({ rows: [], affected: 0 }), dialect: "sqlite" });
  context.after(() => inventory.close());
  return inventory;
}

test("an instance that broke down is not used again", async (context) => {
  const inventory = await broken(context);
  assert.deepEqual(await inventory.schemaStatements("sqlite"), ["sound"]);
  await assert.rejects(inventory.history(), { name: "TrapError", code: "trap", message: /unreachable/ });
  assert.deepEqual(await inventory.schemaStatements("sqlite"), ["sound"]);
});

// An engine that suspends WebAssembly runs it in the thread that would have to end it.
test("a call that never ends is ended", { skip: "Suspending" in WebAssembly }, async (context) => {
  const inventory = await broken(context);
  await assert.rejects(inventory.jobs(), {
    name: "LimitReachedError",
    code: "limit-reached",
    message: /3 s/,
  });
  assert.deepEqual(await inventory.schemaStatements("sqlite"), ["sound"]);
});
