// What scenarios call by the interface's names, on an inventory of the package, wherever it runs.
import { deepEqual, rejects } from "node:assert/strict";
import { parse, stringify } from "batchintory/json";

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

/** A page as the planner gives it. What is read by its statement must be the same, or fail as it does. */
async function pageBothWays(place, claimToken, after, limit) {
  let page;
  try {
    page = await place.inventory.items(claimToken, { after, limit });
  } catch (error) {
    const { message } = error;
    await rejects(read(place, claimToken, after, limit), { message });
    throw error;
  }
  deepEqual((await read(place, claimToken, after, limit)).slice(0, page.length), page);
  return page;
}

/** So many items by the planner's statement. */
async function read({ inventory, ItemReader }, claimToken, after, limit) {
  const reader = new ItemReader(inventory, claimToken);
  const found = [];
  let last = after === undefined ? undefined : BigInt(after);
  // A limit that is refused is passed on, too.
  do {
    const page = await reader.read(last, limit - found.length);
    if (page.length === 0) break;
    for (const item of page) found.push(item);
    last = page.at(-1).uid;
  } while (found.length < limit);
  return found;
}

/** What the package calls what the interface calls by name, with arguments by their names. */
const operations = (place, { inventory } = place) => ({
  acquire: async ({ request, claimToken }) => acquired(await inventory.acquire(request, own(claimToken))),
  advance: async ({ done, request, claimToken, items }) => {
    const next = await inventory.advance(done ?? undefined, request, { ...own(claimToken), items });
    return { next: { acquisition: acquired(next), items: next.batch?.firstItems ?? [] } };
  },
  "acquire-many": async ({ request, batches, claimToken }) =>
    (await inventory.acquireMany(request, batches, own(claimToken))).map(record),
  batch: async ({ claimToken }) => {
    const batch = await inventory.batch(claimToken);
    const { leaseSeconds: seconds } = batch;
    // What is left of it the package keeps to itself.
    return { batch: record(batch), lease: seconds === undefined ? null : { seconds, left: 0 } };
  },
  items: ({ claimToken, after, limit }) => pageBothWays(place, claimToken, after ?? undefined, limit),
  heartbeat: ({ claimToken, leaseSeconds }) => inventory.heartbeat(claimToken, leaseSeconds),
  complete: ({ claimToken, outcome }) => inventory.complete(claimToken, outcome),
  release: ({ claimToken, log }) => inventory.release(claimToken, log ?? undefined),
  plan: ({ request, ...page }) => inventory.plan(request, page),
  progress: ({ request, cap }) => inventory.progress(request, { cap }),
  warnings: ({ request }) => inventory.warnings(request),
  requeue: ({ metaTable, job, target }) => inventory.requeue(metaTable, job, target),
  audit: ({ metaTable, job, ...page }) => inventory.audit(metaTable, job, page),
  jobs: ({ query }) => inventory.jobs(query),
  history: async ({ query }) =>
    (await inventory.history(query)).map((attempt) => ({ resultItem: null, ...attempt })),
  "schema-statements": ({ dialect }) => inventory.schemaStatements(dialect),
  notifications: ({ metaTable }) => inventory.notifications(metaTable),
  migrate: () => inventory.migrate(),
});

/**
 * Answers a line with a call by a line. `ItemReader` is no part of what users see. `others` are calls beside the
 * operations.
 */
export async function answer(line, place, others = {}) {
  try {
    const [[name, parameters]] = Object.entries(parse(line));
    if (name in others) return stringify({ ok: (await others[name](parameters)) ?? null });
    const given = await operations(place)[name](renamed(parameters, toCamelCase));
    return stringify({ ok: renamed(given ?? null, toSnakeCase) });
  } catch (error) {
    if (!error.code) return stringify({ error: { name: "test", message: error.stack } });
    const { name: _class, code: name, ...facts } = error;
    return stringify({ error: { name, message: error.message, ...renamed(facts, toSnakeCase) } });
  }
}
