// A worker among workers in other languages: claims batches of `files` until nothing is left. It may be killed at any
// time. Arguments: the URLs of the inventory's and the meta tables' database, the job.
import { setTimeout } from "node:timers/promises";
import { open, SupersededError } from "batchintory";

const [inventoryUrl, metaUrl, job] = process.argv.slice(2);
const inventory = await open({ inventory: inventoryUrl, meta: metaUrl });
const request = { metaTable: "files", job, maxCount: 7, leaseSeconds: 2, maxAttempts: 1000 };

// A batch whose owner was killed comes back when its lease is over: being caught up must last.
for (let caughtUp = 0; caughtUp < 20; caughtUp += 1) {
  for await (const batch of inventory.batches(request)) {
    caughtUp = 0;
    await setTimeout(Math.random() * 5);
    const items = await batch.items().toArray();
    try {
      await batch.succeed({ uids: [items[0].uid, items.at(-1).uid], language: "javascript" });
    } catch (error) {
      if (!(error instanceof SupersededError)) throw error;
    }
  }
  await setTimeout(200);
}
await inventory.close();
