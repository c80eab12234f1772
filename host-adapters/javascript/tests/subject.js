// The package as a subject of the scenarios: reads a call on each line of its standard input, writes its answer as a
// line. The call `open` comes first, and again for each scenario: the URLs of the inventory's and the meta tables'
// database.
import { createInterface } from "node:readline";
import { open } from "batchintory";
import { parse, stringify } from "batchintory/json";

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

const record = (batch) => batch.record;
const acquired = ({ batch, nothing }) => (batch === undefined ? { nothing } : { batch: record(batch) });
/** A token of the caller's own, if there is one. */
const own = (claimToken) => ({ claimToken: claimToken ?? undefined });

/** What the package calls what the interface calls by name, with arguments by their names. */
const operations = {
  open: async ([inventoryUrl, metaUrl]) => {
    await inventory?.close();
    inventory = await open({ inventory: inventoryUrl, meta: metaUrl });
  },
  acquire: async ({ request, claimToken }) => acquired(await inventory.acquire(request, own(claimToken))),
  advance: async ({ done, request, claimToken, items }) => {
    const next = await inventory.advance(done ?? undefined, request, { ...own(claimToken), items });
    return { next: { acquisition: acquired(next), items: next.batch?.firstItems ?? [] } };
  },
  "acquire-many": async ({ request, batches, claimToken }) =>
    (await inventory.acquireMany(request, batches, own(claimToken))).map(record),
  items: ({ claimToken, ...page }) => inventory.items(claimToken, page),
  heartbeat: ({ claimToken, leaseSeconds }) => inventory.heartbeat(claimToken, leaseSeconds),
  complete: ({ claimToken, outcome }) => inventory.complete(claimToken, outcome),
  plan: ({ request, ...page }) => inventory.plan(request, page),
  progress: ({ request, cap }) => inventory.progress(request, { cap }),
  warnings: ({ request }) => inventory.warnings(request),
  requeue: ({ metaTable, job, target }) => inventory.requeue(metaTable, job, target),
  audit: ({ metaTable, job, ...page }) => inventory.audit(metaTable, job, page),
  jobs: ({ query }) => inventory.jobs(query),
  history: ({ query }) => inventory.history(query),
  "schema-statements": ({ dialect }) => inventory.schemaStatements(dialect),
  notifications: ({ metaTable }) => inventory.notifications(metaTable),
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
