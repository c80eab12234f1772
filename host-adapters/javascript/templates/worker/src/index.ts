// Processes the rows of a meta table in batches: as a cron trigger tells it to, or on request.

import { type Item, open } from "batchintory";
import { type D1Binding, d1 } from "batchintory/d1";

interface Env {
  DB: D1Binding;
  /** Whoever knows it may call. */
  TOKEN?: string;
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
async function run(env: Env): Promise<{ succeeded: number; failed: number }> {
  const inventory = await open({ inventory: d1(env.DB) });
  try {
    await inventory.migrate();
    const { succeeded, failed } = await inventory.process(request, work);
    return { succeeded, failed };
  } finally {
    await inventory.close();
  }
}

/** Whether the request holds the token. Hashes are compared, so that the time tells nothing of it. */
async function isLetIn({ headers }: Request, { TOKEN }: Env): Promise<boolean> {
  if (!TOKEN) return false;
  const hash = async (text: string) => {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  };
  const given = await hash(headers.get("authorization") ?? "");
  const wanted = await hash(`Bearer ${TOKEN}`);
  return given.every((byte, index) => byte === wanted[index]);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (!(await isLetIn(request, env)))
      return new Response("the token is missing or wrong\n", { status: 401 });
    if (request.method !== "POST") return new Response("POST processes what is left\n", { status: 405 });
    return Response.json(await run(env));
  },

  async scheduled(_event: unknown, env: Env, context: Context): Promise<void> {
    context.waitUntil(run(env));
  },
};
