// The package as a subject of the scenarios: reads a call on each line of its standard input, writes its answer as a
// line. The call `open` comes first, and again for each scenario: the URLs of the inventory's and the meta tables'
// database.
import { deepEqual, rejects } from "node:assert/strict";
import { createInterface } from "node:readline";
import { open } from "batchintory";
import { parse, stringify } from "batchintory/json";

// No part of what users see.
const { ItemReader } = await import(new URL("./item-reader.js", import.meta.resolve("batchintory")).href);

let inventory;

/** Fields whose value is the user's and stays as it is. */
const documents = ["filter", "hold", "result_item", "resultItem"];

/** The same with all names of fields written in another way. */
function renamed(value, rename) {
  if (Array.isArray(value)) return value.map((element) => renamed(element, rename));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => {
    return [rename(name), documents.includes(name) ? field : renamed(field, rename)];
  });
  return Object.fromEntries(fields);
}

const toCamelCase = (name) => name.replace(/_(\w)/g, (_match, letter) => letter.toUpperCase());
const toSnakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const record = (batch) => ({ jobIdentifier: null, passedOverFrom: null, ...batch.record });
const acquired = ({ batch, nothing }) =>
  batch === undefined
    ? { nothing: { watermark: null, scannedTo: null, held: null, dueInSeconds: null, ...nothing } }
    : { batch: record(batch) };

/** A page as the planner gives it. What is read by its statement must be the same, or fail as it does. */
async function pageBothWays(claimToken, after, limit) {
  let page;
  try {
    page = await inventory.items(claimToken, { after, limit });
  } catch (error) {
    const { message } = error;
    await rejects(read(claimToken, after, Math.max(limit, 1)), { message });
    throw error;
  }
  deepEqual((await read(claimToken, after, limit)).slice(0, page.length), page);
  return page;
}

/** So many items by the planner's statement. */
async function read(claimToken, after, limit) {
  const reader = new ItemReader(inventory, claimToken);
  const found = [];
  for (let last = after === undefined ? undefined : BigInt(after); found.length < limit; ) {
    const page = await reader.read(last, limit - found.length);
    if (page.length === 0) break;
    for (const item of page) found.push(item);
    last = page.at(-1).uid;
  }
  return found;
}

const operations = {
  open: async ([inventoryUrl, metaUrl]) => {
    await inventory?.close();
    inventory = await open({ inventory: inventoryUrl, meta: metaUrl });
  },
  acquire: async (request) => acquired(await inventory.acquire(request)),
  "acquire-with-token": async ({ request, claimToken }) =>
    acquired(await inventory.acquire(request, { claimToken })),
  advance: async ({ done, request, claimToken, items }) => {
    const next = await inventory.advance(done ?? undefined, request, { claimToken, items });
    const first = next.batch?.firstItems ?? [];
    return { acquisition: acquired(next), items: first.map((item) => ({ item: null, ...item })) };
  },
  "acquire-many": async ({ request, batches }) => (await inventory.acquireMany(request, batches)).map(record),
  heartbeat: ({ claimToken, leaseSeconds }) => inventory.heartbeat(claimToken, leaseSeconds),
  requeue: ({ metaTable, job, target }) => inventory.requeue(metaTable, job, target),
  audit: async ({ metaTable, job, after, limit }) => ({
    auditedTo: null,
    ...(await inventory.audit(metaTable, job, { after, limit })),
  }),
  items: async ({ claimToken, after, limit }) => {
    const page = await pageBothWays(claimToken, after ?? undefined, limit);
    return page.map((item) => ({ item: null, ...item }));
  },
  complete: ({ claimToken, outcome }) => inventory.complete(claimToken, outcome),
  plan: async ({ request, after, batches }) => ({
    held: null,
    ...(await inventory.plan(request, { after, batches })),
  }),
  progress: async ({ request, cap }) => ({
    watermark: null,
    estimatedItems: null,
    itemsPerHour: null,
    weightPerHour: null,
    secondsLeft: null,
    lastId: null,
    ...(await inventory.progress(request, { cap })),
  }),
  warnings: (request) => inventory.warnings(request),
  jobs: async (query) => (await inventory.jobs(query)).map((job) => ({ request: null, ...job })),
  history: async (query) => {
    const missing = ["jobIdentifier", "processingEnd", "leaseExpires", "resultItem", "log", "queue"];
    const none = Object.fromEntries(missing.map((name) => [name, null]));
    return (await inventory.history(query)).map((attempt) => ({ ...none, ...attempt }));
  },
  "schema-statements": ({ dialect }) => inventory.schemaStatements(dialect),
  migrate: () => inventory.migrate(),
};

async function answer(line) {
  try {
    const [[name, parameters]] = Object.entries(parse(line));
    return { ok: renamed((await operations[name](renamed(parameters, toCamelCase))) ?? null, toSnakeCase) };
  } catch (error) {
    if (!error.code) return { error: { name: "test", message: error.stack } };
    const { name: _class, code: name, ...facts } = error;
    return { error: { name, message: error.message, ...renamed(facts, toSnakeCase) } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${stringify(await answer(line))}\n`);
}
await inventory?.close();
