// A worker among workers in other languages: claims batches of `files` until nothing is left. It may be killed at any
// time. Arguments: the URLs of the inventory's and the meta tables' database, the job. Takes turns where it is told
// to: see tests/src/turns.rs.
import { appendFileSync, closeSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { open, SupersededError } from "batchintory";

const [inventoryUrl, metaUrl, job] = process.argv.slice(2);
const { BATCHINTORY_TEST_TURNS: turns, BATCHINTORY_TEST_WORKER: name } = process.env;
const inventory = await open({ inventory: inventoryUrl, meta: metaUrl });
const request = {
  ...{ metaTable: "files", job, maxCount: 7, leaseSeconds: 3600, maxAttempts: 1000 },
  jobIdentifier: name,
};

/** Says that there is a batch, and waits until it may go on. */
function takeTurn() {
  appendFileSync(path.join(turns, "turns"), `${name}\n`);
  const answers = openSync(path.join(turns, name));
  const isAnswered = readSync(answers, Buffer.alloc(64)) > 0;
  closeSync(answers);
  if (!isAnswered) throw new Error("nobody waits for this worker any more");
}

for await (const batch of inventory.batches(request)) {
  const items = await batch.items().toArray();
  if (name) takeTurn();
  try {
    await batch.succeed({ uids: [items[0].uid, items.at(-1).uid], language: "javascript" });
  } catch (error) {
    // Somebody else has it now.
    if (!(error instanceof SupersededError)) throw error;
  }
}
await inventory.close();
