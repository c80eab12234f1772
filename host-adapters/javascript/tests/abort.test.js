// AbortSignal: what is aborted either did what it was asked for or did nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "batchintory";
import { postgres, sqlite, untilOneWaits } from "./databases.js";

const files = { metaTable: "files", job: "j" };

async function opened(context, database = sqlite) {
  const { url, run } = await database(context);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  return { inventory, run };
}

test("nothing is asked for with a signal that is aborted already", async (context) => {
  const { inventory } = await opened(context);
  const signal = AbortSignal.abort(new Error("no more"));
  await assert.rejects(inventory.acquire(files, { signal }), { message: "no more" });
  await assert.rejects(inventory.jobs({}, { signal }), { message: "no more" });
  assert.deepEqual(await inventory.history(), []);
});

test("a claim that is aborted before its statement has claimed nothing", async (context) => {
  const { inventory, run } = await opened(context, postgres);
  await run("BEGIN");
  await run("LOCK TABLE files");
  const aborting = new AbortController();
  const claim = assert.rejects(inventory.acquire(files, { signal: aborting.signal }), { message: "stop" });
  // It has read where the job stands, and waits for the page.
  await untilOneWaits(run);
  aborting.abort(new Error("stop"));
  // The thread hears of it before the answer comes.
  await inventory.jobs();
  await run("COMMIT");
  await claim;
  assert.deepEqual(await inventory.history(), []);
  assert.equal((await inventory.acquire(files)).batch.count, 10);
});

test("a claim that is aborted in its statement gives its batch", async (context) => {
  const { inventory, run } = await opened(context, postgres);
  await run("BEGIN");
  await run("LOCK TABLE inventory IN SHARE ROW EXCLUSIVE MODE");
  const aborting = new AbortController();
  const claim = inventory.acquire(files, { signal: aborting.signal });
  await untilOneWaits(run);
  aborting.abort(new Error("stop"));
  await inventory.jobs();
  await run("COMMIT");
  const { batch } = await claim;
  assert.equal(batch.count, 10);
  assert.equal((await inventory.history())[0].id, batch.id);
});

test("whoever is aborted in a queue of claims has claimed nothing, and holds up nobody", async (context) => {
  const { inventory, run } = await opened(context, postgres);
  await run("BEGIN");
  await run("LOCK TABLE inventory");
  const aborting = new AbortController();
  const first = inventory.acquire({ ...files, maxCount: 4 });
  const aborted = inventory.acquire({ ...files, maxCount: 4 }, { signal: aborting.signal });
  const second = assert.rejects(aborted, { message: "stop" });
  const third = inventory.acquire({ ...files, maxCount: 4 });
  aborting.abort(new Error("stop"));
  await run("COMMIT");
  await second;
  assert.deepEqual([(await first).batch.idEnd, (await third).batch.idEnd], [4n, 8n]);
});

test("a loop over batches ends by its signal", async (context) => {
  const { inventory } = await opened(context);
  const aborting = new AbortController();
  const seen = [];
  const loop = async () => {
    for await (const batch of inventory.batches({ ...files, maxCount: 3 }, { signal: aborting.signal })) {
      seen.push(batch.idStart);
      await batch.succeed();
      if (seen.length === 2) aborting.abort();
    }
  };
  await assert.rejects(loop(), { name: "AbortError" });
  assert.deepEqual(seen, [1n, 4n]);
});

test("work that ends by its signal gives its batch back", async (context) => {
  const { inventory } = await opened(context);
  const aborting = new AbortController();
  const work = inventory.process(
    { ...files, maxCount: 3 },
    async (_items, { signal }) => {
      setTimeout(() => aborting.abort(new Error("closing time")), 1);
      await sleep(60_000, undefined, { signal });
    },
    { signal: aborting.signal },
  );
  await assert.rejects(work);
  const [attempt] = await inventory.history();
  assert.deepEqual([attempt.queue, attempt.log], ["requeued", "Error: closing time"]);
  const { batch } = await inventory.acquire({ ...files, maxCount: 3 });
  assert.deepEqual([batch.idStart, batch.attempt], [1n, 2]);
});
