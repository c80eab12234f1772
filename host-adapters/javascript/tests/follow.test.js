// Following a job. None of these tests lasts as long as its poll time of an hour.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { open } from "batchintory";
import { databases } from "./databases.js";
import { installed } from "./installed.js";

const files = { metaTable: "files", job: "j" };
const hour = { follow: true, pollSeconds: 3_600 };

test("waits are those of all languages", async () => {
  const { waitForWork } = await import(pathToFileURL(path.join(installed, "dist/follow.js")));
  const cases = JSON.parse(readFileSync(new URL("./follow.json", import.meta.url), "utf8"));
  for (const { poll_seconds, due_in_seconds, chance, wait_seconds } of cases) {
    const wait = waitForWork(poll_seconds, due_in_seconds, chance);
    assert.ok(Math.abs(wait - wait_seconds) < 1e-6, `${wait} for ${wait_seconds}`);
  }
  // A timer that is set to more ends at once.
  assert.ok(waitForWork(1e9, undefined, 1) * 1000 < 2 ** 31);
});

for (const [system, database] of Object.entries(databases)) {
  async function opened(context, items) {
    const { url, run } = await database(context, items);
    const inventory = await open({ inventory: url });
    context.after(() => inventory.close());
    await inventory.migrate();
    return { inventory, run };
  }

  test(`${system}: a range that rests is waited for`, async (context) => {
    const { inventory } = await opened(context, 3);
    const attempts = [];
    for await (const batch of inventory.batches({ ...files, retryDelaySeconds: 1 }, hour)) {
      attempts.push(batch.attempt);
      if (attempts.length === 2) break;
      await batch.fail("no");
    }
    assert.deepEqual(attempts, [1, 2]);
  });

  test(`${system}: what comes is handed out, until the signal is aborted`, async (context) => {
    const { inventory, run } = await opened(context, 3);
    const aborting = new AbortController();
    const { signal } = aborting;
    const following = inventory.batches(files, { follow: true, pollSeconds: 0.2, signal });
    await (await following.next()).value.succeed();
    const next = following.next();
    await run("INSERT INTO files (uid, item, weight) VALUES (1000, 'late', 1)");
    const { value: batch } = await next;
    assert.equal(batch.idEnd, 1000n);
    await batch.succeed();
    const waiting = assert.rejects(following.next(), { message: "stop" });
    setTimeout(() => aborting.abort(new Error("stop")), 50);
    await waiting;
  });

  test(`${system}: an abort ends the wait at once`, async (context) => {
    const { inventory } = await opened(context, 0);
    const aborting = new AbortController();
    const waiting = inventory.batches(files, { ...hour, signal: aborting.signal }).next();
    setTimeout(() => aborting.abort(new Error("stop")), 300);
    await assert.rejects(waiting, { message: "stop" });
  });
}

test("postgresql: new rows wake at once, over a new connection where one is lost", async (context) => {
  const { url, run } = await databases.PostgreSQL(context, 3);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  const { statements } = await inventory.notifications("files");
  for (const statement of statements) await run(statement);
  const following = inventory.batches({ ...files, maxCount: 1 }, hour);
  const seen = [];
  const next = async () => {
    const { value: batch } = await following.next();
    seen.push(Number(batch.idEnd));
    await batch.succeed();
  };
  for (let batch = 0; batch < 3; batch += 1) await next();
  const comes = async (uid) => {
    const coming = next();
    // Once it listens, or is about to.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await run(`INSERT INTO files (uid, item, weight) VALUES (${uid}, 'new', 1)`);
    await coming;
  };
  await comes(1_001);
  await comes(1_002);
  await run(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
  );
  await comes(1_003);
  await comes(1_004);
  assert.deepEqual(seen, [1, 2, 3, 1_001, 1_002, 1_003, 1_004]);
  await following.return();
});
