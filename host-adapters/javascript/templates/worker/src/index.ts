// A Worker that serves batchintory's API and dashboard, and processes the rows of the table `files` itself when
// its cron trigger tells it to.

import { type Item, open } from "batchintory";
import { type D1Binding, d1 } from "batchintory/d1";
import { service } from "batchintory/service";

interface Env {
  DB: D1Binding;
  /** Whoever knows it may call: without it, nobody may. */
  BATCHINTORY_API_TOKEN?: string;
}

interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** Which rows, how many at once, and for how long a batch may go without a sign of life. */
const request = { metaTable: "files", job: "lengths", maxCount: 2, leaseSeconds: 60, maxAttempts: 3 };

/** Your work on a batch. What it gives is kept with the batch; what it throws lets the batch fail. */
async function work(items: Item[]): Promise<{ characters: number }> {
  return { characters: items.reduce((sum, { item }) => sum + String(item).length, 0) };
}

/** Processes what is left. An inventory is one request's. */
async function run(env: Env): Promise<void> {
  const inventory = await open({ inventory: d1(env.DB) });
  try {
    await inventory.migrate();
    await inventory.process(request, work);
  } finally {
    await inventory.close();
  }
}

export default {
  ...service((env: Env) => ({ inventory: d1(env.DB) })),

  async scheduled(_event: unknown, env: Env, context: Context): Promise<void> {
    context.waitUntil(run(env));
  },
};
