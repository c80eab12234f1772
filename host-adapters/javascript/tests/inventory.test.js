// The API, on both databases.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "batchintory";
import { parse, stringify } from "batchintory/json";
import { databases } from "./databases.js";

const files = { metaTable: "files", job: "j" };

for (const [system, database] of Object.entries(databases)) {
  async function opened(context, items) {
    const { url, run } = await database(context, items);
    const inventory = await open({ inventory: url });
    context.after(() => inventory.close());
    await inventory.migrate();
    return { inventory, url, run };
  }

  test(`${system}: batches are handed out until nothing is left`, async (context) => {
    const { inventory } = await opened(context, 10);
    const ranges = [];
    for await (const batch of inventory.batches({ ...files, maxCount: 4 })) {
      ranges.push([batch.idStart, batch.idEnd, batch.count, batch.weight, batch.attempt]);
      await batch.succeed();
    }
    assert.deepEqual(ranges, [
      [1n, 4n, 4, 6, 1],
      [5n, 8n, 4, 6, 1],
      [9n, 10n, 2, 3, 1],
    ]);
  });

  test(`${system}: whoever has its token goes on with a batch`, async (context) => {
    const { inventory, url } = await opened(context, 10);
    const { batch } = await inventory.acquire({ ...files, maxCount: 3, leaseSeconds: 600 });
    const other = await open({ inventory: url });
    context.after(() => other.close());
    const found = await other.batch(batch.claimToken);
    assert.deepEqual(found.record, batch.record);
    assert.equal(found.leaseSeconds, 600);
    await found.heartbeat();
    assert.equal(await found.process((items) => items.length), 3);
    await assert.rejects(other.batch(batch.claimToken), {
      code: "superseded",
      message: /has ended as "succeeded" already/,
    });
    await assert.rejects(other.batch("nobody's"), { code: "no-such-batch" });
    const { batch: endless } = await inventory.acquire({ ...files, maxCount: 3 });
    assert.equal((await other.batch(endless.claimToken)).leaseSeconds, undefined);
  });

  test(`${system}: items come by the page, or all at once`, async (context) => {
    const { inventory } = await opened(context, 5);
    const { batch } = await inventory.acquire(files);
    const pages = [];
    for await (const page of batch.items({ pageSize: 2 }).pages()) pages.push(page.map(({ uid }) => uid));
    assert.deepEqual(pages, [[1n, 2n], [3n, 4n], [5n]]);
    const uids = [];
    for await (const { uid } of batch.items({ pageSize: 5 })) uids.push(uid);
    assert.deepEqual(uids, [1n, 2n, 3n, 4n, 5n]);
    assert.deepEqual((await batch.items().toArray())[4], { uid: 5n, item: "item-5", weight: 1.5 });
  });

  test(`${system}: work that is done or fails ends its batch`, async (context) => {
    const { inventory } = await opened(context, 6);
    const done = await inventory.process({ ...files, maxCount: 2, maxAttempts: 1 }, (items) => {
      if (items[0].uid === 3n) throw new RangeError("three is too much");
      return { last: items.at(-1).uid };
    });
    assert.deepEqual(done, { succeeded: 2, failed: 1, nothing: { reason: "caught-up", watermark: 6n } });
    const [third, second, first] = await inventory.history();
    assert.deepEqual([first.status, first.resultItem], ["succeeded", { last: 2 }]);
    assert.deepEqual(
      [second.status, second.log, second.queue],
      ["failed", "RangeError: three is too much", "exhausted"],
    );
    assert.deepEqual([third.idStart, third.idEnd], [5n, 6n]);
    assert.equal(await inventory.requeue("files", "j", "exhausted"), 1);
    const { batch } = await inventory.acquire(files);
    await assert.rejects(
      batch.process(() => Promise.reject(new Error("again"))),
      { message: "again" },
    );
  });

  test(`${system}: ids and results beyond 2^53 are exact`, async (context) => {
    const { inventory, run } = await opened(context, 0);
    const [low, high] = [9007199254740993n, 9223372036854775807n];
    await run(`INSERT INTO files VALUES (${low}, 'low', 1), (${high}, 'high', 1), (-5, 'below', 1)`);
    const request = { ...files, maxCount: 1, filter: { column: "uid", op: ">=", value: low } };
    for (const uid of [low, high]) {
      const { batch } = await inventory.acquire(request);
      assert.deepEqual([batch.idStart, batch.idEnd], [uid, uid]);
      assert.equal((await batch.items().toArray())[0].uid, uid);
      await batch.succeed({ uid, small: 7 });
    }
    const attempts = await inventory.history({ uid: high, ...{ metaTable: "files" } });
    assert.deepEqual(
      attempts.map(({ resultItem }) => resultItem),
      [{ uid: high, small: 7 }],
    );
    await assert.rejects(inventory.acquire({ ...request, idMin: 2 ** 53 }), {
      code: "invalid-request",
      message: /idMin.*bigint/,
    });
    const [job] = await inventory.jobs();
    assert.deepEqual(job.request.filter, request.filter);
    assert.equal(job.watermark, high);
  });

  test(`${system}: every other operation answers`, async (context) => {
    const { inventory, run } = await opened(context, 10);
    const request = { ...files, maxCount: 4 };
    const plan = await inventory.plan(request, { batches: 2 });
    assert.deepEqual(
      plan.batches.map(({ idStart, count }) => [idStart, count]),
      [
        [1n, 4],
        [5n, 4],
      ],
    );
    assert.equal(plan.complete, false);
    const behind = await inventory.plan(request, { after: 8 });
    assert.deepEqual([behind.batches.length, behind.complete], [1, true]);
    const batches = await inventory.acquireMany(request, 2);
    for (const batch of batches) await batch.succeed();
    const progress = await inventory.progress(request);
    assert.deepEqual([progress.items, progress.atLeast, progress.watermark], [2, false, 8n]);
    const warnings = await inventory.warnings({ ...files, job: "other" });
    assert.deepEqual(
      warnings.map((warning) => /AUTOINCREMENT/.test(warning)),
      system === "SQLite" ? [true] : [],
    );
    await run("DELETE FROM files WHERE uid = 2");
    const page = await inventory.audit("files", "j");
    assert.deepEqual([page.ranges, page.auditedTo], [2, 8n]);
    assert.deepEqual(
      page.differences.map(({ count, countNow }) => [count, countNow]),
      [[4, 3]],
    );
    assert.equal(await inventory.requeue("files", "j", { ids: [{ idStart: 1, idEnd: 2n }] }), 1);
    assert.equal(await inventory.requeue("files", "j", { batch: batches[1].id }), 1);
    assert.ok((await inventory.schemaStatements("sqlite")).length > 0);
    assert.deepEqual(await inventory.migrate(), { created: false, upgraded: false });
  });

  test(`${system}: a claim token of one's own gives the same batch again`, async (context) => {
    const { inventory } = await opened(context);
    const claimToken = "made-by-the-caller";
    const first = await inventory.acquire({ ...files, maxCount: 2 }, { claimToken });
    const again = await inventory.acquire({ ...files, maxCount: 2 }, { claimToken });
    assert.deepEqual(again.batch.record, first.batch.record);
    await first.batch.succeed();
    await again.batch.succeed();
    await assert.rejects(again.batch.fail("late"), { name: "SupersededError", code: "superseded" });
  });

  test(`${system}: what is left without an end fails at the end of its block`, async (context) => {
    const { inventory } = await opened(context);
    const { batch } = await inventory.acquire(files);
    await batch[Symbol.asyncDispose]();
    const [attempt] = await inventory.history();
    assert.deepEqual([attempt.status, attempt.log], ["failed", "the batch was left without an end"]);
  });

  test(`${system}: a result that is no JSON fails its batch`, async (context) => {
    const { inventory } = await opened(context);
    const { batch } = await inventory.acquire(files);
    const round = {};
    round.round = round;
    await assert.rejects(
      batch.process(() => round),
      { name: "ResultError", code: "result" },
    );
    assert.equal((await inventory.history())[0].status, "failed");
  });

  test(`${system}: a range whose rows are gone succeeds without its work`, async (context) => {
    const { inventory, run } = await opened(context, 4);
    const request = { ...files, maxCount: 2 };
    const never = () => assert.fail("there is nothing to do");
    for (const isAlone of [true, false]) {
      const { batch } = await inventory.acquire(request);
      await batch.fail("a try");
      await run(`DELETE FROM files WHERE uid <= ${batch.idEnd}`);
      if (isAlone) {
        const { batch: again } = await inventory.acquire(request);
        assert.equal(await again.process(never), undefined);
      } else {
        assert.equal((await inventory.process(request, never)).succeeded, 1);
      }
      const [attempt] = await inventory.history();
      assert.deepEqual([attempt.status, attempt.count, attempt.attempt], ["succeeded", 0, 2]);
      assert.match(attempt.log, /no items/);
    }
  });

  test(`${system}: results are kept to the letter`, async (context) => {
    const { inventory } = await opened(context, 6);
    for (const text of [
      "1e400",
      "[123456789012345678901234567890]",
      "3.14159265358979323846264338328",
      '"\\ud800"',
    ]) {
      const { batch } = await inventory.acquire({ ...files, maxCount: 1 });
      await batch.succeed(parse(text));
      assert.equal(stringify((await inventory.history({ limit: 1 }))[0].resultItem), text);
    }
  });

  test(`${system}: a result that is not taken leaves the batch to its owner, and fails its work`, async (context) => {
    const { inventory } = await opened(context, 2);
    const tooLong = "x".repeat(1024 * 1024);
    const { batch } = await inventory.acquire({ ...files, maxCount: 1 });
    await assert.rejects(batch.succeed(tooLong), { code: "invalid-request" });
    await assert.rejects(batch.succeed(Number.POSITIVE_INFINITY), { code: "result" });
    await batch.succeed("short");
    const { batch: next } = await inventory.acquire({ ...files, maxCount: 1 });
    await assert.rejects(
      next.process(() => tooLong),
      { code: "invalid-request" },
    );
    assert.deepEqual(
      (await inventory.history()).map(({ status }) => status),
      ["failed", "succeeded"],
    );
  });

  test(`${system}: tables and words may have other names`, async (context) => {
    const { url, run } = await database(context);
    const options = { inventory: url, inventoryTable: "lake_inventory", statusLabels: { failed: "gave up" } };
    const inventory = await open(options);
    context.after(() => inventory.close());
    await inventory.migrate();
    const { batch } = await inventory.acquire(files);
    await batch.fail();
    assert.equal((await inventory.history())[0].status, "gave up");
    await run("DROP TABLE lake_inventory");
    await assert.rejects(inventory.jobs(), { name: "NoSuchTableError", message: /lake_inventory/ });
  });

  test(`${system}: sources keep tables of one name apart`, async (context) => {
    const { url } = await database(context);
    const [plain, named] = await Promise.all([
      open({ inventory: url }),
      open({ inventory: url, metaName: "other" }),
    ]);
    context.after(() => Promise.all([plain.close(), named.close()]));
    await plain.migrate();
    const { batch } = await plain.acquire(files);
    const { batch: other } = await named.acquire(files);
    assert.deepEqual([batch.idStart, other.idStart], [1n, 1n]);
    await assert.rejects(plain.items(other.claimToken, { limit: 1 }), {
      code: "invalid-request",
      message: /source "other"/,
    });
  });
}
