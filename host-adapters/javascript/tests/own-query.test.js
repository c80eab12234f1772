// A query function of the caller's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { open, StatementError } from "batchintory";
import Database from "better-sqlite3";
import pg from "pg";
import { postgres } from "./databases.js";

const files = { metaTable: "files", job: "j" };

/** PGlite's int8 must come as a bigint whatever its value. */
function pglite() {
  const database = new PGlite({ parsers: { 20: BigInt } });
  const query = async (_source, statement, parameters) => {
    const { rows, affectedRows } = await database.query(statement, parameters, { rowMode: "array" });
    return { rows, affected: /^\s*select/i.test(statement) ? 0 : (affectedRows ?? 0) };
  };
  return { database, query };
}

async function drained(inventory) {
  await inventory.migrate();
  const ranges = [];
  for await (const batch of inventory.batches({ ...files, maxCount: 2 })) {
    ranges.push([batch.idStart, batch.idEnd]);
    await batch.succeed({ items: (await batch.items().toArray()).length });
  }
  await inventory.close();
  return ranges;
}

test("PGlite within the process", async (context) => {
  const { database, query } = pglite();
  context.after(() => database.close());
  await database.exec("CREATE TABLE files (uid bigint PRIMARY KEY, item text, weight float8)");
  await database.exec("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 2), (9007199254740993, 'c', 3)");
  const inventory = await open({ query, dialect: "postgresql" });
  assert.deepEqual(await drained(inventory), [
    [1n, 2n],
    [9007199254740993n, 9007199254740993n],
  ]);
  const { rows } = await database.query("SELECT status, job_result_item FROM inventory ORDER BY id");
  assert.deepEqual(
    rows.map(({ status }) => status),
    ["succeeded", "succeeded"],
  );
});

test("the inventory in one database, the meta tables in another of another dialect", async (context) => {
  const { database, query } = pglite();
  const lake = new Database(":memory:").defaultSafeIntegers();
  context.after(() => Promise.all([database.close(), lake.close()]));
  lake.exec("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
  lake.exec("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)");
  const both = (source, statement, parameters) =>
    source === "meta"
      ? { rows: lake.prepare(statement).raw().all(parameters), affected: 0 }
      : query(source, statement, parameters);
  const inventory = await open({ query: both, dialect: { inventory: "postgresql", meta: "sqlite" } });
  assert.deepEqual(await drained(inventory), [
    [1n, 2n],
    [3n, 3n],
  ]);
});

test("errors of a driver are understood: races are lost, and repeated", async (context) => {
  const { url } = await postgres(context, 40);
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  context.after(() => pool.end());
  const types = {
    getTypeParser: (id) => (id === 20 ? BigInt : id === 701 ? Number : id === 16 ? (t) => t === "t" : String),
  };
  const query = async (_source, text, values) => {
    const { rows, rowCount, command } = await pool.query({ text, values, rowMode: "array", types });
    return { rows, affected: command === "SELECT" ? 0 : (rowCount ?? 0) };
  };
  const inventories = await Promise.all([0, 1, 2].map(() => open({ query, dialect: "postgresql" })));
  context.after(() => Promise.all(inventories.map((inventory) => inventory.close())));
  await inventories[0].migrate();
  const uids = [];
  const worker = async (inventory) => {
    for await (const batch of inventory.batches({ ...files, maxCount: 3 })) {
      for await (const { uid } of batch.items()) uids.push(uid);
      await batch.succeed();
    }
  };
  await Promise.all(inventories.map(worker));
  assert.deepEqual(uids.length, 40);
  assert.equal(new Set(uids).size, 40);
  await assert.rejects(inventories[0].acquire({ ...files, metaTable: "nix" }), { name: "NoSuchTableError" });
});

test("what a query function throws or gives wrongly is told", async (context) => {
  let answer;
  const inventory = await open({ query: () => answer(), dialect: "sqlite" });
  context.after(() => inventory.close());
  let tries = 0;
  answer = () => {
    tries += 1;
    throw new StatementError("refused", "busy as always", "5");
  };
  await assert.rejects(inventory.jobs(), { name: "UnavailableError", message: /busy as always/ });
  assert.equal(tries, 10);
  answer = () => Promise.reject(new StatementError("unavailable", "nobody at home"));
  await assert.rejects(inventory.jobs(), { name: "UnavailableError", message: /nobody at home/ });
  const sqliteError = (message, more) => () => Promise.reject(Object.assign(new Error(message), more));
  for (const [thrown, name, message] of [
    // A code and its name, as drivers tell them; words alone, as D1 does.
    [sqliteError("no such table: inventory", { errcode: 1 }), "NoSuchTableError", /migrate/],
    [sqliteError("no such table: inventory", { code: "SQLITE_ERROR" }), "NoSuchTableError", /migrate/],
    [sqliteError("D1_ERROR: no such table: inventory: SQLITE_ERROR"), "NoSuchTableError", /migrate/],
    [sqliteError("D1_ERROR: too many SQL variables at offset 9: SQLITE_ERROR"), "DatabaseError", /too many/],
    [sqliteError("D1_ERROR: D1 DB is overloaded"), "UnavailableError", /overloaded/],
    [sqliteError("database or disk is full", { code: "SQLITE_FULL" }), "DatabaseError", /refused .* full/],
    [sqliteError("disk I/O error", { errcode: 10 }), "DatabaseError", /refused .* disk/],
    [sqliteError("D1_ERROR: Network connection lost."), "UnavailableError", /went away .* lost/],
    [sqliteError("read ECONNRESET", { errno: -104 }), "UnavailableError", /went away .* ECONNRESET/],
  ]) {
    answer = thrown;
    await assert.rejects(inventory.jobs(), { name, message });
  }
  for (const wrong of [
    undefined,
    [],
    { rows: [{}], affected: 0 },
    { rows: [[{}]], affected: 0 },
    { rows: [] },
  ]) {
    answer = () => wrong;
    await assert.rejects(inventory.jobs(), { message: /must give \{ rows, affected \}/ });
  }
});

test("errors of MySQL's drivers are understood by their numbers", async (context) => {
  let thrown = {};
  const query = () => Promise.reject(Object.assign(new Error("why"), thrown));
  const inventory = await open({
    query,
    dialect: "mysql",
    inventoryTable: "lake.inventory",
    metaSchema: "lake",
  });
  context.after(() => inventory.close());
  for (const [error, name] of [
    [{ code: "ER_NO_SUCH_TABLE", errno: 1146, sqlState: "42S02" }, "NoSuchTableError"],
    [{ code: "ER_OPTION_PREVENTS_STATEMENT", errno: 1290, sqlState: "HY000" }, "UnavailableError"],
    [{ code: "ER_PARSE_ERROR", errno: 1064, sqlState: "42000" }, "DatabaseError"],
    [{ code: "ECONNREFUSED", errno: -111 }, "UnavailableError"],
  ]) {
    thrown = error;
    await assert.rejects(inventory.jobs(), { name }, `${error.code}`);
  }
});

test("claims that wait for their turn keep nobody else waiting", async (context) => {
  const lake = new Database(":memory:").defaultSafeIntegers();
  lake.exec("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
  const insert = lake.prepare("INSERT INTO files VALUES (?, 'a', 1)");
  for (let uid = 1; uid <= 20; uid += 1) insert.run(uid);
  let goOn;
  let gate;
  const query = async (_source, statement, parameters) => {
    if (parameters.includes("slow")) await gate;
    const prepared = lake.prepare(statement);
    if (prepared.reader) return { rows: prepared.raw().all(parameters), affected: 0 };
    return { rows: [], affected: prepared.run(parameters).changes };
  };
  const inventory = await open({ query, dialect: "sqlite" });
  context.after(() => inventory.close());
  await inventory.migrate();
  gate = new Promise((resolve) => {
    goOn = resolve;
  });
  // More than there are places for calls; however the table is spelled, they queue up.
  const claims = Array.from({ length: 20 }, (_, index) =>
    inventory.acquire({ metaTable: index % 2 ? "files" : '"files"', job: "slow", maxCount: 1 }),
  );
  const { batch } = await inventory.acquire({ ...files, maxCount: 1 });
  await batch.succeed();
  goOn();
  const starts = (await Promise.all(claims)).map((claimed) => Number(claimed.batch.idStart));
  assert.deepEqual(
    starts.sort((one, other) => one - other),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});
