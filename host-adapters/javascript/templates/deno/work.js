// A worker, of which there may be many: processes what is left of the table `files`.
import { open } from "batchintory";

/** Which rows, how many at once, and for how long a batch may go without a sign of life. */
const request = { metaTable: "files", job: "lengths", maxCount: 2, leaseSeconds: 60, maxAttempts: 3 };

/** Your work on a batch. What it gives is kept with the batch; what it throws lets the batch fail. */
async function work(items) {
  return { characters: items.reduce((sum, { item }) => sum + item.length, 0) };
}

const inventory = await open({ inventory: "sqlite:lake.sqlite" });
const { succeeded, failed } = await inventory.process(request, work);
console.log(JSON.stringify({ succeeded, failed }));
await inventory.close();
