// The README's examples run as they are printed.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import Database from "better-sqlite3";
import { folder } from "./databases.js";
import { installed } from "./installed.js";

const readme = readFileSync(path.join(installed, "README.md"), "utf8");

/** The example of this name. */
function example(name) {
  const [, text] = readme.match(new RegExp(`\`\`\`js ${name}\\n(.*?)\`\`\``, "s"));
  return text;
}

/** Runs a program beside these tests, in a folder of its own. */
async function run(context, name, text, cwd) {
  const file = path.join(import.meta.dirname, `readme-${name}.mjs`);
  writeFileSync(file, text);
  context.after(() => rmSync(file));
  return (await promisify(execFile)(process.execPath, [file], { cwd })).stdout;
}

test("the first example has ten lines at most and does what it says", async (context) => {
  const text = example("first-example");
  assert.ok(text.trimEnd().split("\n").length <= 10);
  const cwd = folder(context);
  const lake = new Database(path.join(cwd, "lake.sqlite"));
  lake.exec("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
  lake.exec("INSERT INTO files VALUES (1, 'a.png', 1), (2, 'b.png', 1), (3, 'c.png', 1)");
  assert.equal(await run(context, "first", text, cwd), "1n a.png\n2n b.png\n3n c.png\n");
  const results = lake.prepare("SELECT job_result_item FROM inventory ORDER BY id").pluck().all();
  lake.close();
  assert.deepEqual(results.map(JSON.parse), [{ rows: 2 }, { rows: 1 }]);
});

test("the query function over PGlite is one", async (context) => {
  const checks = `
    await database.exec("CREATE TABLE files (uid bigint PRIMARY KEY, item text, weight float8)");
    await database.exec("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 2)");
    await inventory.migrate();
    const { batch } = await inventory.acquire({ metaTable: "files", job: "j" });
    await batch.succeed();
    console.log(batch.count, (await inventory.history())[0].status);
    await inventory.close();
    await database.close();`;
  assert.equal(await run(context, "query", example("own-query") + checks, folder(context)), "2 succeeded\n");
});
