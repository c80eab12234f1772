// The API and the dashboard within workerd: limits, deadlines, requests at once, isolates that are killed.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { startChromium } from "./chromium.js";
import { folder, postgres } from "./databases.js";
import { startWorkerd, token } from "./workerd.js";

const files = "CREATE TABLE files (uid integer PRIMARY KEY AUTOINCREMENT, item text, weight real)";
const series =
  "INSERT INTO files WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 200) " +
  "SELECT n, 'item-' || n, 1.5 FROM s";
const everyItem = Array.from({ length: 200 }, (_, index) => index + 1);

let miniflare;

before(async () => {
  miniflare = await startWorkerd();
});

after(() => miniflare?.dispose());

/** Asks the service of a database, by a path; gives the status, and the answer. */
async function ask(runtime, place, path, { body, headers, bearer = token } = {}) {
  const response = await runtime.dispatchFetch(`http://lake/served/${place}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    redirect: "manual",
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, answer: isJson ? JSON.parse(text) : text };
}

/** Makes a meta table of 200 items, and the inventory. */
async function withFiles(runtime, kind, number) {
  for (const statement of [files, series]) {
    const body = JSON.stringify({ sql: [statement, []] });
    const response = await runtime.dispatchFetch(`http://lake/${kind}/${number}`, { method: "POST", body });
    assert.deepEqual(await response.json(), { ok: null });
  }
  assert.equal((await ask(runtime, `${kind}/${number}`, "/v1/migrate", { body: "" })).status, 200);
}

/** A worker by HTTP: claims and ends batches until nothing is left; gives the ids of its items. */
async function drained(runtime, place) {
  const uids = [];
  for (;;) {
    const body = { meta_table: "files", max_count: 8 };
    const { status, answer } = await ask(runtime, place, "/v1/jobs/j/batches", { body });
    if (status === 200) return uids;
    assert.equal(status, 201, JSON.stringify(answer));
    const batch = `/v1/batches/${answer.claim_token}`;
    const { answer: page } = await ask(runtime, place, `${batch}/items`);
    uids.push(...page.items.map(({ uid }) => uid));
    assert.equal((await ask(runtime, place, `${batch}/complete`, { body: {} })).status, 204);
  }
}

/** Eight workers at once get every item exactly once. */
async function raced(runtime, place) {
  const workers = Array.from({ length: 8 }, () => drained(runtime, place));
  const uids = (await Promise.all(workers)).flat();
  assert.deepEqual(
    uids.sort((one, other) => one - other),
    everyItem,
  );
  const { answer } = await ask(runtime, place, "/v1/jobs");
  const [job] = answer.jobs;
  assert.deepEqual([job.succeeded, job.failed, job.items], [25, 0, 200]);
}

for (const [kind, name] of [
  ["d1", "D1"],
  ["durable-object", "a Durable Object"],
]) {
  test(`${name}: eight workers at once get every item exactly once`, async () => {
    await withFiles(miniflare, kind, 10);
    await raced(miniflare, `${kind}/10`);
  });
}

test("PostgreSQL: eight workers at once get every item exactly once", async (context) => {
  const lake = await postgres(context, 200);
  const runtime = await startWorkerd({ hyperdrives: { HYPERDRIVE: lake.url } });
  context.after(() => runtime.dispose());
  assert.equal((await ask(runtime, "postgres/0", "/v1/migrate", { body: "" })).status, 200);
  await raced(runtime, "postgres/0");
});

for (const when of ["before", "after"]) {
  test(`an isolate that is killed ${when} its claim took effect loses nothing`, async (context) => {
    const options = { d1Persist: folder(context) };
    let runtime = await startWorkerd(options);
    context.after(() => runtime.dispose());
    await withFiles(runtime, "d1", 0);
    const claim = {
      body: { meta_table: "files", max_count: 150 },
      headers: { "idempotency-key": "a-key-of-my-own" },
    };
    const lost = assert.rejects(ask(runtime, `held-${when}/0`, "/v1/jobs/j/batches", claim));
    const isHeld = async () => (await runtime.dispatchFetch("http://lake/is-held")).json();
    while (!(await isHeld()));
    await runtime.dispose();
    await lost;
    runtime = await startWorkerd(options);
    const again = await ask(runtime, "d1/0", "/v1/jobs/j/batches", claim);
    assert.deepEqual([again.status, again.answer.id, again.answer.id_start], [201, 1, 1]);
    const next = await ask(runtime, "d1/0", "/v1/jobs/j/batches", { body: claim.body });
    assert.deepEqual([next.status, next.answer.id, next.answer.id_start], [201, 2, 151]);
  });
}

test("without a token nothing but its health is answered", async (context) => {
  const runtime = await startWorkerd({ bindings: {} });
  context.after(() => runtime.dispose());
  await runtime.dispatchFetch("http://lake/d1/0", { method: "POST", body: '{"migrate": {}}' });
  const status = async (path, options) => (await ask(runtime, "d1/0", path, options)).status;
  assert.equal(await status("/healthz", { bearer: null }), 200);
  // Nobody is asked for a token where none is good.
  for (const [bearer, refused] of [
    [null, 403],
    [token, 401],
  ]) {
    assert.equal(await status("/v1/jobs", { bearer }), refused);
    assert.equal(await status("/v1/migrate", { bearer, body: "" }), refused);
  }
});

test("a variable that is no text is told by its name", async (context) => {
  const runtime = await startWorkerd({ bindings: { BATCHINTORY_API_TOKEN: { secret: token } } });
  context.after(() => runtime.dispose());
  const { status, answer } = await ask(runtime, "d1/0", "/v1/jobs");
  assert.equal(status, 503);
  assert.match(answer.detail, /BATCHINTORY_API_TOKEN must be text/);
  assert.doesNotMatch(answer.detail, /secret-token/);
});

/** Sends a head and so many bytes of a body that never ends; gives the answer's status. */
async function unfinished(path, bytes, bearer = token) {
  const { href } = await miniflare.ready;
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  const sent = request(new URL(`served/d1/0${path}`, href), { method: "POST", headers });
  const status = new Promise((resolve, reject) => {
    sent.on("response", ({ statusCode }) => resolve(statusCode));
    sent.on("error", reject);
  });
  sent.flushHeaders();
  if (bytes > 0) sent.write(Buffer.alloc(bytes, " "));
  return status.finally(() => sent.destroy());
}

test("bodies have limits, and are read no further", async () => {
  await withFiles(miniflare, "d1", 0);
  const tooLong = await ask(miniflare, "d1/0", "/v1/jobs/j/batches", { body: " ".repeat(256 * 1024 + 1) });
  assert.deepEqual([tooLong.status, tooLong.answer.error], [413, "too-large"]);
  const path = "/v1/batches/0123456789abcdef/complete";
  const log = "x".repeat(1024 * 1024);
  assert.equal((await ask(miniflare, "d1/0", path, { body: { log } })).status, 404);
  assert.equal((await ask(miniflare, "d1/0", path, { body: " ".repeat(4 * 1024 * 1024 + 1) })).status, 413);
  // Those that do not tell their length, and never end.
  assert.equal(await unfinished("/v1/jobs/j/batches", 300 * 1024), 413);
});

test("bodies have a deadline, and are not waited for where nobody is let in", async () => {
  assert.equal(await unfinished("/v1/jobs/j/batches", 0, "no-such-token-at-all"), 401);
  assert.equal(await unfinished("/v1/jobs/j/batches", 10), 408);
});

test("statements have a deadline", async () => {
  const { status, answer } = await ask(miniflare, "silent/0", "/v1/jobs");
  assert.deepEqual([status, answer.error], [503, "unavailable"]);
});

test("whoever prefers to wait for a batch gets it when it is there", async () => {
  const [place, path] = ["d1/20", "/v1/jobs/j/batches"];
  await withFiles(miniflare, "d1", 20);
  const body = { meta_table: "files" };
  assert.equal((await ask(miniflare, place, path, { body })).status, 201);
  const waiting = ask(miniflare, place, path, { body, headers: { prefer: "wait=60" } });
  const insert = JSON.stringify({ sql: ["INSERT INTO files (item, weight) VALUES ('late', 1)", []] });
  await miniflare.dispatchFetch("http://lake/d1/20", { method: "POST", body: insert });
  const { status, headers, answer } = await waiting;
  assert.deepEqual([status, headers.get("preference-applied"), answer.id_start], [201, "wait=60", 201]);
  const nothing = await ask(miniflare, place, path, { body, headers: { prefer: "wait=0" } });
  assert.deepEqual([nothing.status, nothing.headers.get("preference-applied")], [200, "wait=0"]);
});

test("people see the dashboard in their browser", async (context) => {
  const runtime = await startWorkerd();
  context.after(() => runtime.dispose());
  await withFiles(runtime, "d1", 0);
  await drained(runtime, "d1/0");
  const browser = await startChromium();
  context.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1000, height: 560 } });
  const { href } = await runtime.ready;
  await page.goto(`${href}?token=${token}`);
  assert.equal(await page.title(), "Jobs – batchintory");
  const { BATCHINTORY_TEST_SCREENSHOT: screenshot } = process.env;
  if (screenshot) await page.screenshot({ path: screenshot });
  await page.click('a:text-is("j")');
  assert.match(await page.title(), /j/);
  assert.match(await page.textContent("main"), /200 items done/);
});
