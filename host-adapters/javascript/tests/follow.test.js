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
