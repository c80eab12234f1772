// SQLite files of others: they are read as they are, wherever they lie.
import assert from "node:assert/strict";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { open } from "batchintory";
import Database from "better-sqlite3";
import { folder } from "./databases.js";

/** A meta table of two files, in a folder of its own, and a place for an inventory. */
function lake(context) {
  const home = folder(context);
  const theirs = path.join(home, "their files");
  mkdirSync(theirs);
  const file = path.join(theirs, "lake#1.sqlite");
  const connection = new Database(file);
  connection.exec("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
  connection.exec("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 1)");
  connection.close();
  const state = () => [readdirSync(theirs), readFileSync(file).toString("base64")];
  return { home, file, theirs, ours: path.join(home, "inventory.sqlite"), state };
}

async function works({ ours }, meta) {
  const inventory = await open({ inventory: `sqlite:${ours}`, meta });
  try {
    await inventory.migrate();
    const { batch } = await inventory.acquire({ metaTable: "files", job: "j" });
    assert.equal(batch.count, 2);
    await batch.succeed();
  } finally {
    await inventory.close();
    rmSync(ours);
  }
}

function mayWrite(file) {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where nobody may write to the files nor beside them; where root may all the same, as somebody else. */
async function closed({ home, file, theirs }, work) {
  chmodSync(file, 0o444);
  chmodSync(theirs, 0o555);
  chmodSync(home, 0o777);
  const user = process.geteuid();
  if (mayWrite(theirs)) process.seteuid(65534);
  try {
    await work();
  } finally {
    process.seteuid(user);
    chmodSync(theirs, 0o755);
  }
}

const takesUrls = Number(process.versions.node.split(".")[0]) >= 24;

test("a meta file is left as it is", async (context) => {
  const files = lake(context);
  const before = files.state();
  await works(files, `sqlite:${files.file}`);
  assert.deepEqual(files.state(), before);
});

for (const options of ["", "?mode=ro", "?mode=rw", ...(takesUrls ? ["?immutable=1"] : [])]) {
  test(`a meta file${options} may be read-only in a folder that is`, async (context) => {
    const files = lake(context);
    const before = files.state();
    await closed(files, () => works(files, `sqlite:${files.file}${options}`));
    assert.deepEqual(files.state(), before);
  });
}

test("a file in WAL mode that nobody may write beside is told", async (context) => {
  const files = lake(context);
  const connection = new Database(files.file);
  connection.pragma("journal_mode = wal");
  connection.close();
  await closed(files, async () => {
    await assert.rejects(open({ inventory: "sqlite::memory:", meta: `sqlite:${files.file}` }), {
      code: "connect",
      message: /\?immutable=1/,
    });
    const immutable = works(files, `sqlite:${files.file}?immutable=1`);
    await (takesUrls ? immutable : assert.rejects(immutable, /need Node 24/));
  });
});

test("a meta file that is not there is not made", async (context) => {
  const { file } = lake(context);
  for (const options of ["", "?mode=ro", "?mode=rwc"]) {
    const meta = `sqlite:${file}2${options}`;
    await assert.rejects(open({ inventory: "sqlite::memory:", meta }), /there is no such file/);
  }
  await assert.rejects(open({ inventory: `sqlite:${file}2?mode=rw` }), /there is no such file/);
  assert.ok(!existsSync(`${file}2`));
  await assert.rejects(
    open({ inventory: `sqlite:${file}?sslmode=x` }),
    /the option sslmode is not supported/,
  );
});
