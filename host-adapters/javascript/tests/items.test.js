// Items as the driver reads them by the planner's statement: those that the planner itself gives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "batchintory";
import Database from "better-sqlite3";

const { itemsOf } = await import(new URL("./item-reader.js", import.meta.resolve("batchintory")).href);

/** A batch of so many items, and what is sent for it from now on. */
async function claimed(context, count) {
  const lake = new Database(":memory:").defaultSafeIntegers();
  context.after(() => lake.close());
  lake.exec("CREATE TABLE files (uid integer PRIMARY KEY, item text, weight double precision)");
  const insert = lake.prepare("INSERT INTO files VALUES (?, ?, ?)");
  for (let uid = 1; uid <= count; uid += 1) insert.run(uid, uid % 7 === 0 ? null : `ü${uid}`, uid);
  const sent = [];
  const query = (_source, statement, parameters) => {
    sent.push(statement);
    const prepared = lake.prepare(statement);
    if (prepared.reader) return { rows: prepared.raw().all(parameters), affected: 0 };
    return { rows: [], affected: prepared.run(parameters).changes };
  };
  const inventory = await open({ query, dialect: "sqlite", oneDatabase: true });
  context.after(() => inventory.close());
  await inventory.migrate();
  const { batch } = await inventory.acquire({ metaTable: "files", job: "j" });
  sent.length = 0;
  return { inventory, batch, sent, lake };
}

test("reading takes one call of the planner", async (context) => {
  const { inventory, batch, sent } = await claimed(context, 3_000);
  const first = batch.firstItems.length;
  const lengths = [];
  for await (const page of batch.items({ pageSize: 500 }).pages()) lengths.push(page.length);
  assert.deepEqual(lengths, Array(6).fill(500));
  assert.equal(first % 500, 0);
  // Where the batch stands, and each page.
  assert.equal(sent.length, 1 + (3_000 - first) / 500);
  const items = await batch.items().toArray();
  const planned = await inventory.items(batch.claimToken, { limit: 10_000 });
  assert.deepEqual(items, planned);
});

test("what the statement does not give, the planner gives or tells", async (context) => {
  const { inventory, batch, lake } = await claimed(context, 3_000);
  lake.exec(`UPDATE files SET item = '${"x".repeat(2049)}' WHERE uid = 2000`);
  const read = async () => (await batch.items().toArray()).slice(batch.firstItems.length);
  const planned = await inventory.items(batch.claimToken, { after: batch.firstItems.length, limit: 10_000 });
  assert.deepEqual(await read(), planned);
  for (const [value, why] of [
    ["x'41'", /the item of uid 2500 .* is kept as bytes/],
    ["CAST(x'610062' AS text)", /the item of uid 2500 .* holds a NUL character/],
    ["CAST(x'FF41' AS text)", /the item of uid 2500 .* holds bytes that are no UTF-8/],
  ]) {
    lake.exec(`UPDATE files SET item = ${value} WHERE uid = 2500`);
    await assert.rejects(read(), { code: "invalid-request", message: why });
  }
});

test("a page ends before what only the planner knows", () => {
  const row = (uid, item) => [BigInt(uid), item, 1];
  for (const [rows, uids] of [
    [[], []],
    [
      [row(1, "a"), row(2, null)],
      [1n, 2n],
    ],
    [[row(1, "a"), row(2, "\u0001"), row(3, "c")], [1n]],
    [[row(1, "a"), row(2, "b\ufffd")], [1n]],
    [[row(1, "a"), row(2, "b"), row(2, "c")], [1n]],
    [[row(2, "a"), row(1, "b")], []],
    [[[1n, "a"]], []],
    [[[1, "a", 1]], []],
    [[[1n, 2n, 1]], []],
    [[[1n, "a", null]], []],
  ]) {
    assert.deepEqual(
      itemsOf(rows).map((item) => item.uid),
      uids,
    );
  }
});
