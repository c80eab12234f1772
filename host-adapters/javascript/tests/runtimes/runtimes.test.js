// The package in other runtimes, without a native addon.
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { example, place, printed, run, runtimes } from "./place.js";

for (const [name, runtime] of Object.entries(runtimes)) {
  test(`${name} runs the first example with its own SQLite`, async (context) => {
    const folder = place(context);
    writeFileSync(path.join(folder, "first.js"), example);
    assert.equal(await run([...runtime, "first.js"], folder), printed);
  });

  test(`${name} runs it beside an addon that cannot be loaded`, async (context) => {
    const folder = place(context, ["better-sqlite3", "bindings", "file-uri-to-path"]);
    rmSync(path.join(folder, "node_modules/better-sqlite3/build"), { recursive: true });
    writeFileSync(path.join(folder, "first.js"), example);
    assert.equal(await run([...runtime, "first.js"], folder), printed);
  });
}
