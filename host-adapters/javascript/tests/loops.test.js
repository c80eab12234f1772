// Loops: the end of a batch comes with the claim of the next, and by itself where there is none.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Batch, open, StatementError } from "batchintory";
import Database from "better-sqlite3";
import pg from "pg";
import { databases, postgres, sqlite } from "./databases.js";
import { installed } from "./installed.js";

const files = { metaTable: "files", job: "j", maxCount: 10 };

/** An inventory over this database whose statements are counted, and may fail. */
async function recorded(context, url, apart = false) {
  const sent = { statements: [], faults: [] };
  const send = url.startsWith("sqlite:") ? toSqlite(context, url) : toPostgres(context, url);
  const query = async (_source, statement, parameters) => {
    sent.statements.push(statement);
    const fault = sent.faults.shift();
    if (fault === "unreachable") throw new StatementError("unavailable", "no route");
    if (fault === "statement lost") throw new StatementError("outcome-unknown", "reset");
    const rows = await send(statement, parameters);
    if (fault === "answer lost") throw new StatementError("outcome-unknown", "reset");
    return rows;
  };
  const dialect = url.startsWith("sqlite:") ? "sqlite" : "postgresql";
  const inventory = await open({ query, dialect, oneDatabase: !apart });
  context.after(() => inventory.close());
  await inventory.migrate();
  const take = () => sent.statements.splice(0).length;
  return { inventory, sent, take };
}

function toSqlite(context, url) {
  const lake = new Database(url.slice("sqlite:".length)).defaultSafeIntegers();
  context.after(() => lake.close());
  return (statement, parameters) => {
    const prepared = lake.prepare(statement);
    if (prepared.reader) return { rows: prepared.raw().all(parameters), affected: 0 };
    return { rows: [], affected: prepared.run(parameters).changes };
  };
}

function toPostgres(context, url) {
  const pool = new pg.Pool({ connectionString: url });
  context.after(() => pool.end());
  pool.on("error", () => {});
  const types = {
    getTypeParser: (id) => (id === 20 ? BigInt : id === 701 ? Number : id === 16 ? (t) => t === "t" : String),
  };
  return async (text, values) => {
    const { rows, rowCount, command } = await pool.query({ text, values, rowMode: "array", types });
    return { rows, affected: command === "SELECT" ? 0 : (rowCount ?? 0) };
  };
}

/** How many batches run, have succeeded and have failed. */
async function counts(inventory) {
  const [{ running, succeeded, failed }] = await inventory.jobs();
  return [running, succeeded, failed];
}

for (const [name, database, apart, each] of [
  ["PostgreSQL", postgres, false, 1],
  ["SQLite", sqlite, false, 3],
  ["two databases", postgres, true, 5],
]) {
  test(`${name}: a turn has ${each} statements`, async (context) => {
    const { url } = await database(context, 100);
    const { inventory, take } = await recorded(context, url, apart);
    const turns = [];
    for await (const batch of inventory.batches(files)) {
      turns.push(take());
      assert.equal((await batch.items().toArray()).length, 10);
      await batch.succeed();
    }
    assert.deepEqual(turns.slice(1), Array(9).fill(each));
    assert.deepEqual(await counts(inventory), [0, 10, 0]);

    const others = { ...files, job: "others" };
    turns.length = 0;
    const processed = await inventory.process(others, (items) => {
      turns.push(take());
      return items.length;
    });
    assert.deepEqual([processed.succeeded, processed.failed], [10, 0]);
    assert.deepEqual(turns.slice(1), Array(9).fill(each));
    const [attempt] = await inventory.history({ job: "others", limit: 1 });
    assert.equal(attempt.resultItem, 10);
  });
}

for (const [system, database] of Object.entries(databases)) {
  async function opened(context, items = 100) {
    const { url, run } = await database(context, items);
    const inventory = await open({ inventory: url });
    context.after(() => inventory.close());
    await inventory.migrate();
    return { inventory, run, url };
  }

  test(`${system}: whatever ends a loop ends its batch`, async (context) => {
    const { inventory } = await opened(context);
    for await (const batch of inventory.batches(files)) {
      await batch.succeed(1);
      break;
    }
    assert.deepEqual(await counts(inventory), [0, 1, 0]);

    const broken = async () => {
      for await (const batch of inventory.batches(files)) {
        await batch.succeed(2);
        throw new Error("broken");
      }
    };
    await assert.rejects(broken, { message: "broken" });
    assert.deepEqual(await counts(inventory), [0, 2, 0]);

    const aborting = new AbortController();
    const aborted = async () => {
      for await (const batch of inventory.batches(files, { signal: aborting.signal })) {
        await batch.succeed(3);
        aborting.abort(new Error("stop"));
      }
    };
    await assert.rejects(aborted, { message: "stop" });
    assert.deepEqual(await counts(inventory), [0, 3, 0]);

    const loop = inventory.batches(files);
    const { value: batch } = await loop.next();
    await batch.succeed(4);
    await loop.return();
    assert.deepEqual(await counts(inventory), [0, 4, 0]);

    const failing = inventory.process(files, () => {
      throw new Error("no luck");
    });
    const { failed, nothing } = await failing;
    assert.deepEqual([failed, nothing.reason], [18, "caught-up"]);
  });

  test(`${system}: an end waits for no claim for long`, async (context) => {
    const { inventory } = await opened(context);
    const loop = inventory.batches(files);
    const [{ value: first }, { value: second }] = [await loop.next(), await loop.next()];
    await second.succeed("second");
    // There is one end that waits.
    await first.succeed("first");
    assert.deepEqual(await counts(inventory), [1, 1, 0]);
    while ((await counts(inventory))[0] > 0) await sleep(50);
    await (await loop.next()).value.succeed();
    assert.deepEqual(await counts(inventory), [1, 2, 0]);
    await loop.return();
    assert.deepEqual(await counts(inventory), [0, 3, 0]);
  });

  test(`${system}: an end comes before the wait`, async (context) => {
    const { inventory } = await opened(context, 10);
    const aborting = new AbortController();
    const { signal } = aborting;
    const loop = inventory.batches(files, { follow: true, pollSeconds: 3_600, signal });
    await (await loop.next()).value.succeed();
    const waiting = assert.rejects(loop.next(), { message: "stop" });
    while ((await counts(inventory))[0] > 0) await sleep(10);
    // By itself it would be sent after a second.
    aborting.abort(new Error("stop"));
    await waiting;
    assert.deepEqual(await counts(inventory), [0, 1, 0]);
  });

  test(`${system}: an abort between a claim and the wait ends the wait`, async (context) => {
    const { inventory } = await opened(context, 0);
    const aborting = new AbortController();
    // How long is waited is drawn by lot once the claim is answered, and before the wait.
    context.mock.method(Math, "random", () => {
      aborting.abort(new Error("stop"));
      return 1;
    });
    const loop = inventory.batches(files, { follow: true, pollSeconds: 3_600, signal: aborting.signal });
    await assert.rejects(loop.next(), { message: "stop" });
  });

  test(`${system}: an inventory that is closed has its batches ended`, async (context) => {
    const { inventory, url } = await opened(context);
    const other = await open({ inventory: url });
    context.after(() => other.close());
    await (await inventory.batches(files).next()).value.succeed();
    await inventory.close();
    assert.deepEqual(await counts(other), [0, 1, 0]);
  });

  test(`${system}: a loss is told where the next batch is asked for`, async (context) => {
    const { inventory } = await opened(context);
    const loop = inventory.batches(files);
    const { value: lost } = await loop.next();
    await inventory.requeue("files", "j", { batch: lost.id });
    await lost.succeed();
    await assert.rejects(loop.next(), { code: "superseded" });
    // Nothing was handed out.
    const [{ running, waiting }] = await inventory.jobs();
    assert.deepEqual([running, waiting], [0, 1]);
    const process = inventory.process(files, async (_items, { batch }) => {
      await inventory.requeue("files", "j", { batch: batch.id });
    });
    await assert.rejects(process, { code: "superseded" });
    const [again] = await inventory.jobs();
    assert.deepEqual([again.running, again.waiting], [0, 1]);
  });

  test(`${system}: a result that cannot be kept fails its batch`, async (context) => {
    const { inventory } = await opened(context);
    let tooDeep = 1;
    for (let level = 0; level < 65; level += 1) tooDeep = [tooDeep];
    const loop = inventory.batches({ ...files, maxAttempts: 1 });
    await (await loop.next()).value.succeed(tooDeep);
    await assert.rejects(loop.next(), { code: "invalid-request", message: /levels/ });
    assert.deepEqual(await counts(inventory), [0, 0, 1]);
    // What is no JSON at all is told at once.
    for await (const batch of inventory.batches({ ...files, maxAttempts: 1 })) {
      await assert.rejects(
        batch.succeed(() => {}),
        { code: "result" },
      );
      await batch.fail("no");
      break;
    }
    assert.deepEqual(await counts(inventory), [0, 0, 2]);
  });

  test(`${system}: advance ends a batch and hands out the next`, async (context) => {
    const { inventory } = await opened(context);
    const { batch } = await inventory.advance(undefined, files, { claimToken: "first", items: 3 });
    assert.deepEqual(
      batch.firstItems.map(({ uid }) => uid),
      [1n, 2n, 3n],
    );
    const pages = [];
    for await (const page of batch.items({ pageSize: 2 }).pages()) pages.push(page.length);
    assert.deepEqual(pages, [2, 1, 2, 2, 2, 1]);
    const done = { claimToken: "first", outcome: { succeeded: true } };
    for (let twice = 0; twice < 2; twice += 1) {
      const next = await inventory.advance(done, files, { claimToken: "second" });
      assert.equal(next.batch.idStart, 11n);
    }
    assert.deepEqual(await counts(inventory), [1, 1, 0]);
    const otherwise = { claimToken: "first", outcome: { succeeded: false } };
    await assert.rejects(inventory.advance(otherwise, files), { code: "superseded" });
    assert.deepEqual(await counts(inventory), [1, 1, 0]);
  });

  for (const fault of ["unreachable", "statement lost", "answer lost"]) {
    test(`${system}: faults lose nothing (${fault})`, async (context) => {
      context.mock.method(console, "warn", () => {});
      for (const faults of [1, 2, 3]) {
        const { url } = await database(context, 100);
        const { inventory, sent } = await recorded(context, url);
        const seen = [];
        const leased = { ...files, leaseSeconds: 600 };
        const drain = async () => {
          for await (const batch of inventory.batches(leased)) {
            for await (const { uid } of batch.items()) seen.push(uid);
            await batch.succeed();
            if (seen.length === 30) sent.faults = Array(faults).fill(fault);
          }
        };
        // The databases were reached before, so they are waited for.
        await drain();
        const [running, succeeded, failed] = await counts(inventory);
        assert.deepEqual([running + succeeded, failed], [10, 0]);
        // A claim that nobody was told of stands until its lease is over.
        assert.ok(running <= 1);
        assert.deepEqual([seen.length, new Set(seen).size], Array(2).fill(100 - 10 * running));
      }
    });
  }
}

test("a lease goes on until the end got through", async () => {
  const { Loop } = await import(pathToFileURL(path.join(installed, "dist/loop.js")));
  const told = [];
  const inventory = {
    _advance: async (done) => {
      if (done === undefined) return { batch };
      told.push("ended");
      return { nothing: {} };
    },
  };
  const lease = { seconds: 30, until: performance.now() + 30_000 };
  const keepAlive = () => () => told.push("stopped");
  const batch = new Batch(inventory, { claimToken: "t", idStart: 1n, idEnd: 2n }, lease, keepAlive, []);
  const loop = new Loop(inventory, files, {});
  await loop.next();
  const stop = batch.keepAlive();
  await batch.succeed();
  stop();
  assert.deepEqual(told, []);
  await loop.next();
  assert.deepEqual(told, ["ended", "stopped"]);
});

test("a short lease that nobody prolongs waits for no claim", async (context) => {
  const { url } = await sqlite(context, 100);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  for await (const batch of inventory.batches({ ...files, leaseSeconds: 5 })) {
    await batch.succeed();
    assert.deepEqual(await counts(inventory), [0, 1, 0]);
    break;
  }
});

test("the process ends once the last batch has ended", async (context) => {
  const { url } = await sqlite(context, 10);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  const script = `
    import { open } from "batchintory";
    const inventory = await open({ inventory: ${JSON.stringify(url)} });
    const { value: batch } = await inventory.batches(${JSON.stringify(files)}).next();
    await batch.succeed("at the end");
  `;
  const arguments_ = ["--input-type=module", "--eval", script];
  const { status, stderr } = spawnSync(process.execPath, arguments_, {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  const [attempt] = await inventory.history();
  assert.deepEqual([attempt.status, attempt.resultItem], ["succeeded", "at the end"]);
});
