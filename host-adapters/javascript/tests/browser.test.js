// The package in Chromium, on PGlite in the page's own memory: with JSPI, with threads that block, and with neither.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { patience, startChromium } from "./chromium.js";
import { packages } from "./installed.js";

const folder = path.join(packages, "..");
const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const page = `<!doctype html><title>batchintory</title><script type="importmap">{"imports": {
  "batchintory": "/node_modules/batchintory/dist/browser.js",
  "@electric-sql/pglite": "/node_modules/@electric-sql/pglite/dist/index.js"}}</script>`;

let server;
let browser;

before(async () => {
  server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** The page /isolated may share memory between threads, with all that it loads. */
async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  try {
    const isPage = ["/", "/isolated"].includes(pathname);
    const body = isPage ? page : await readFile(path.join(folder, path.normalize(pathname)));
    const type = types[isPage ? ".html" : path.extname(pathname)] ?? "application/octet-stream";
    response.writeHead(200, { ...(pathname === "/" ? {} : isolation), "content-type": type });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

/** What the page does: all of it in the browser. */
async function drain({ items }) {
  const { open } = await import("batchintory");
  const { PGlite } = await import("@electric-sql/pglite");
  const database = new PGlite({ parsers: { 20: BigInt } });
  await database.exec("CREATE TABLE files (uid bigint PRIMARY KEY, item text, weight float8)");
  await database.exec(`INSERT INTO files SELECT n, 'item-' || n, 1 FROM generate_series(1, ${items}) n`);
  const query = async (_source, statement, parameters) => {
    const { rows, affectedRows } = await database.query(statement, parameters, { rowMode: "array" });
    return { rows, affected: /^\s*select/i.test(statement) ? 0 : (affectedRows ?? 0) };
  };
  const inventory = await open({ query, dialect: "postgresql" });
  await inventory.migrate();
  const request = { metaTable: "files", job: "j", maxCount: 10 };
  const uids = [];
  const worker = async () => {
    for await (const batch of inventory.batches(request)) {
      for await (const { uid } of batch.items()) uids.push(uid);
      await batch.succeed({ uids: [batch.idStart, batch.idEnd] });
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  const error = await inventory.acquire({ ...request, metaTable: "nix" }).catch((error) => error);
  const [job] = await inventory.jobs();
  await inventory.close();
  return {
    uids: uids.map(String).sort((left, right) => left - right),
    succeeded: job.succeeded,
    error: [error.name, error.code],
    suspends: "Suspending" in WebAssembly,
  };
}

async function opened(context, address, { withoutSuspending = false } = {}) {
  const window = await browser.newContext();
  window.setDefaultTimeout(patience);
  context.after(() => window.close());
  const tab = await window.newPage();
  const complaints = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  context.after(() => assert.deepEqual(complaints, []));
  if (withoutSuspending) await tab.addInitScript(() => delete WebAssembly.Suspending);
  await tab.goto(`http://127.0.0.1:${server.address().port}${address}`);
  return tab;
}

const all = { uids: Array.from({ length: 95 }, (_, index) => String(index + 1)), succeeded: 10 };
const error = ["NoSuchTableError", "no-such-table"];

test("where WebAssembly can be suspended", async (context) => {
  const tab = await opened(context, "/");
  assert.deepEqual(await tab.evaluate(drain, { items: 95 }), { ...all, error, suspends: true });
});

test("where threads can share memory", async (context) => {
  const tab = await opened(context, "/isolated", { withoutSuspending: true });
  assert.deepEqual(await tab.evaluate(drain, { items: 95 }), { ...all, error, suspends: false });
});

test("where there is neither, an error says what is missing", async (context) => {
  const tab = await opened(context, "/", { withoutSuspending: true });
  const tell = async () => {
    const { open } = await import("batchintory");
    const told = (error) => [error.name, error.message];
    const [name, message] = await open({ query() {}, dialect: "sqlite" }).catch(told);
    const [byUrl] = await open({ inventory: "sqlite:lake.sqlite" }).catch(told);
    return { name, message, byUrl };
  };
  const { name, message, byUrl } = await tab.evaluate(tell);
  assert.deepEqual([name, byUrl], ["UnsupportedError", "UnsupportedError"]);
  assert.match(message, /Cross-Origin-Opener-Policy/);
});
