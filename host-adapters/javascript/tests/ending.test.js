// Batches whose database is away when they end, or whose items are long.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Items, LeaseOverError, open, StatementError } from "batchintory";
import Database from "better-sqlite3";

const files = { metaTable: "files", job: "j" };

/** A database that can be away. */
async function opened(context) {
  const lake = new Database(":memory:").defaultSafeIntegers();
  lake.exec("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
  lake.exec("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)");
  const state = { isAway: false, refusal: undefined, refusesOnce: false };
  const query = async (_source, statement, parameters) => {
    if (state.isAway) throw new StatementError("unavailable", "no route");
    if (state.refusal && /^UPDATE .*status/.test(statement)) {
      const { refusal } = state;
      if (state.refusesOnce) state.refusal = undefined;
      throw refusal;
    }
    const prepared = lake.prepare(statement);
    if (prepared.reader) return { rows: prepared.raw().all(parameters), affected: 0 };
    return { rows: [], affected: prepared.run(parameters).changes };
  };
  const inventory = await open({ query, dialect: "sqlite" });
  context.after(() => inventory.close());
  await inventory.migrate();
  return { inventory, state };
}

/** Waits for a warning with these words, which is passed on to nobody. */
function warned(context, words) {
  return new Promise((resolve) => {
    context.mock.method(console, "warn", (text) => {
      if (words.test(text)) resolve(text);
    });
  });
}

test("an end is tried again until the database is back", async (context) => {
  const { inventory, state } = await opened(context);
  const { batch } = await inventory.acquire({ ...files, leaseSeconds: 600 });
  const told = warned(context, /ids 1 to 3 cannot be ended yet .* no route/);
  const processed = batch.process((items) => {
    state.isAway = true;
    return items.length;
  });
  await told;
  state.isAway = false;
  assert.equal(await processed, 3);
  const [attempt] = await inventory.history();
  assert.deepEqual([attempt.status, attempt.resultItem], ["succeeded", 3]);
});

test("whatever else the database says, a result is kept", async (context) => {
  const { inventory, state } = await opened(context);
  const { batch } = await inventory.acquire(files);
  state.refusal = new StatementError("refused", "the disk is full", "13");
  const told = warned(context, /the disk is full/);
  const ended = batch.succeed("a result");
  await told;
  state.refusal = undefined;
  await ended;
  assert.equal((await inventory.history())[0].resultItem, "a result");
});

test("a result that can never be kept fails its batch", async (context) => {
  const { inventory, state } = await opened(context);
  const { batch } = await inventory.acquire(files);
  state.refusal = new StatementError("refused", "string or blob too big", "18");
  state.refusesOnce = true;
  const processed = batch.process(() => "a result");
  await assert.rejects(processed, { code: "invalid-request", message: /can never store/ });
  const [attempt] = await inventory.history();
  assert.equal(attempt.status, "failed");
  assert.match(attempt.log, /too big/);
});

test("an owner who has lost contact stops", async (context) => {
  const { inventory, state } = await opened(context);
  const { batch } = await inventory.acquire({ ...files, leaseSeconds: 2 });
  let aborted;
  const processed = batch.process(
    (_items, { signal }) =>
      new Promise((resolve) => {
        state.isAway = true;
        // Keeps the process alive meanwhile.
        const timer = setInterval(() => {}, 1000);
        signal.addEventListener("abort", () => {
          clearInterval(timer);
          aborted = signal.reason;
          resolve("too late");
        });
      }),
  );
  await assert.rejects(processed, LeaseOverError);
  assert.equal(aborted.code, "lease-over");
  state.isAway = false;
  assert.equal((await inventory.history())[0].status, "running");
});

test("a page that is not full is not the end", async () => {
  for (const [idEnd, expected] of [
    [130n, [undefined, 60n, 120n]],
    // The last row is gone.
    [131n, [undefined, 60n, 120n, 130n]],
  ]) {
    const asked = [];
    const page = async (after, limit) => {
      assert.equal(limit, 5_000);
      asked.push(after);
      const left = Math.min(60, 130 - Number(after ?? 0n));
      return Array.from({ length: left }, (_, index) => ({ uid: (after ?? 0n) + BigInt(index) + 1n }));
    };
    const items = await new Items(() => page, 5_000, idEnd).toArray();
    assert.deepEqual([items.length, items.at(-1).uid], [130, 130n]);
    assert.deepEqual(asked, expected);
  }
});
