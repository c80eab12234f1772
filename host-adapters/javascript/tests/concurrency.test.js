// Many calls at once, blocked event loops, leases.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { open } from "batchintory";
import Database from "better-sqlite3";
import { databases, postgres, sqlite, untilOneWaits } from "./databases.js";

const files = { metaTable: "files", job: "j" };

for (const [system, database] of Object.entries(databases)) {
  test(`${system}: workers at once in one process get every item exactly once`, async (context) => {
    const { url } = await database(context, 500);
    const inventory = await open({ inventory: url });
    context.after(() => inventory.close());
    await inventory.migrate();
    const uids = [];
    const worker = async () => {
      for await (const batch of inventory.batches({ ...files, maxCount: 7 })) {
        for await (const { uid } of batch.items()) uids.push(Number(uid));
        await batch.succeed();
      }
    };
    await Promise.all(Array.from({ length: 24 }, worker));
    const expected = Array.from({ length: 500 }, (_, index) => index + 1);
    assert.deepEqual(
      uids.sort((left, right) => left - right),
      expected,
    );
  });

  test(`${system}: processes at once get every item exactly once`, async (context) => {
    const { url } = await database(context, 210);
    const inventory = await open({ inventory: url });
    context.after(() => inventory.close());
    await inventory.migrate();
    const worker = path.join(import.meta.dirname, "worker.js");
    const start = () => promisify(execFile)(process.execPath, [...process.execArgv, worker, url, url, "j"]);
    await Promise.all([start(), start()]);
    const attempts = await inventory.history({ limit: 1000 });
    assert.equal(attempts.length, 30);
    assert.ok(attempts.every(({ status, attempt }) => status === "succeeded" && attempt === 1));
    const [job] = await inventory.jobs();
    assert.deepEqual([job.items, job.watermark], [210, 210n]);
  });
}

test("the event loop goes on while a statement waits for a lock", async (context) => {
  const { url, run } = await postgres(context);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  await run("BEGIN");
  await run("LOCK TABLE inventory");
  let isClaimed = false;
  const claim = inventory.acquire(files).then((acquired) => {
    isClaimed = true;
    return acquired;
  });
  // Were the thread of this test blocked by the statement, it would neither see it wait nor give the lock back.
  await untilOneWaits(run);
  assert.equal(isClaimed, false);
  await run("COMMIT");
  assert.equal((await claim).batch.count, 10);
});

test("the event loop goes on while SQLite is locked by another", async (context) => {
  const { url, run } = await sqlite(context);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  await run("BEGIN IMMEDIATE");
  let isClaimed = false;
  const claim = inventory.acquire(files).then((acquired) => {
    isClaimed = true;
    return acquired;
  });
  // Were the thread of this test blocked by the statement, the lock would never be given back.
  for (let turn = 0; turn < 20; turn += 1) await sleep(5);
  assert.equal(isClaimed, false);
  await run("COMMIT");
  assert.equal((await claim).batch.count, 10);
});

test("heartbeats go on while the caller's event loop is blocked", async (context) => {
  const { url } = await sqlite(context);
  const inventory = await open({ inventory: url });
  const other = await open({ inventory: url });
  context.after(() => Promise.all([inventory.close(), other.close()]));
  await inventory.migrate();
  const request = { ...files, leaseSeconds: 1 };
  const { batch } = await inventory.acquire(request);
  const database = new Database(url.slice("sqlite:".length), { readonly: true });
  context.after(() => database.close());
  const lease = database.prepare("SELECT lease_expires FROM inventory").pluck();
  const result = await batch.process((items) => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const leases = new Set([lease.get()]);
    for (let looks = 0; leases.size < 3; looks += 1) {
      assert.ok(looks < 10_000, "the lease is not prolonged");
      Atomics.wait(cell, 0, 0, 20);
      leases.add(lease.get());
    }
    return items.length;
  });
  assert.equal(result, 10);
  assert.equal((await other.acquire(request)).nothing.reason, "caught-up");
});

test("who lost a batch hears of it while processing", async (context) => {
  const { url } = await sqlite(context);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  const { batch } = await inventory.acquire({ ...files, leaseSeconds: 9 });
  let reason;
  // Heartbeats do not keep a process alive, and the work below waits for nothing else.
  const alive = setInterval(() => {}, 1000);
  context.after(() => clearInterval(alive));
  const work = batch.process(async (_items, { signal }) => {
    await inventory.requeue("files", "j", { batch: batch.id });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    reason = signal.reason;
  });
  await assert.rejects(work, { name: "SupersededError" });
  assert.equal(reason.code, "superseded");
});

test("neither an idle inventory nor a heartbeat keeps the process alive", async (context) => {
  const { url } = await sqlite(context);
  const program = `
    import { open } from "batchintory";
    const inventory = await open({ inventory: ${JSON.stringify(url)} });
    await inventory.migrate();
    const { batch } = await inventory.acquire({ metaTable: "files", job: "j", leaseSeconds: 3000 });
    batch.keepAlive();
    console.log(batch.count);`;
  const options = { cwd: import.meta.dirname };
  const node = [...process.execArgv, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, node, options);
  assert.equal(stdout, "10\n");
});
