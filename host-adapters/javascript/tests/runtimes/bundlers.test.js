// Programs that are bundled: to one file, which runs where no package is, and to pages.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { chromium } from "playwright-core";
import * as vite from "vite";
import webpack from "webpack";
import { example, place, printed, run, runtimes, withFiles } from "./place.js";

/** A folder with a program in it. */
function written(context, files) {
  const folder = place(context);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

/** A folder without packages, with a meta table. */
function alone(folder) {
  const made = path.join(folder, "alone");
  mkdirSync(made);
  withFiles(made);
  return made;
}

const built = (folder, outfile, format) =>
  esbuild.build({
    ...{ absWorkingDir: folder, entryPoints: ["first.js"], outfile, format },
    ...{ bundle: true, platform: "node", logLevel: "error" },
  });

for (const name of ["Node 24", "Node 26", "Bun"]) {
  test(`a file of esbuild runs in ${name}`, async (context) => {
    const folder = written(context, { "first.js": example });
    const bundled = alone(folder);
    await built(folder, "alone/first.mjs", "esm");
    assert.equal(await run([...runtimes[name], "first.mjs"], bundled), printed);
  });
}

test("a file of esbuild in CommonJS runs in Node", async (context) => {
  const folder = written(context, { "first.js": `(async () => {${example.replace(/^import.*$/m, "")}})();` });
  const text = readFileSync(path.join(folder, "first.js"), "utf8");
  writeFileSync(path.join(folder, "first.js"), `import { open } from "batchintory";\n${text}`);
  const bundled = alone(folder);
  await built(folder, "alone/first.cjs", "cjs");
  assert.equal(await run([...runtimes["Node 26"], "first.cjs"], bundled), printed);
});

test("what cannot work in one file says so", async (context) => {
  const text = `import { open } from "batchintory";
    const inventory = await open({ dialect: "sqlite", query() {} });
    await inventory.jobs().catch(({ name, message }) => console.log(name, message));`;
  const folder = written(context, { "first.js": text });
  const bundled = alone(folder);
  await built(folder, "alone/first.mjs", "esm");
  const said = await run([...runtimes["Node 24"], "first.mjs"], bundled);
  assert.match(said, /^UnsupportedError .*external/);
});

test("a program that Bun has compiled runs", async (context) => {
  const folder = written(context, { "first.js": example });
  const bundled = alone(folder);
  const [bun] = runtimes.Bun;
  await run([bun, "build", "--compile", "first.js", "--outfile", "alone/first"], folder);
  assert.equal(await run([path.join(bundled, "first")], bundled), printed);
});

test("what webpack makes for Node runs", async (context) => {
  const folder = written(context, { "first.js": example });
  const bundled = alone(folder);
  await packed(folder, { target: "node20", experiments: { outputModule: true }, output: { module: true } });
  rmSync(path.join(folder, "node_modules"), { recursive: true });
  assert.equal(await run([...runtimes["Node 24"], "first.mjs"], bundled), printed);
});

/** Lets webpack make a program of a folder. */
function packed(folder, { output, ...options }) {
  const config = {
    ...{ context: folder, entry: "./first.js", mode: "development", devtool: false, ...options },
    output: { path: path.join(folder, "alone"), filename: "first.mjs", ...output },
    externals: {
      pg: "import pg",
      "better-sqlite3": "import better-sqlite3",
      "node:sqlite": "import node:sqlite",
    },
  };
  return new Promise((resolve, reject) => {
    webpack(config, (error, stats) => {
      if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString({ colors: false })));
      else resolve();
    });
  });
}

/** A page whose title tells that the planner answers. */
const page = {
  "index.html": '<!doctype html><title>waiting</title><script type="module" src="./first.js"></script>',
  "first.js": `import { open } from "batchintory";
    open({ dialect: "sqlite", query() {} })
      .then((inventory) => inventory.schemaStatements("sqlite"))
      .then((statements) => { document.title = statements.length + " statements"; })
      .catch((error) => { document.title = String(error); });`,
};

let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.BATCHINTORY_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });
});

after(() => browser?.close());

/** The title of a page, once it has one. */
async function titleOf(address) {
  const tab = await browser.newPage();
  await tab.goto(address);
  await tab.waitForFunction(() => document.title !== "waiting", undefined, { timeout: 300_000 });
  const title = await tab.title();
  await tab.close();
  return title;
}

/** Serves a folder. */
async function served(context, folder) {
  const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = path.join(folder, path.normalize(pathname === "/" ? "/index.html" : pathname));
    try {
      const body = readFileSync(file);
      response.writeHead(200, { "content-type": types[path.extname(file)] ?? "application/wasm" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${server.address().port}/`;
}

const said = /^\d+ statements$/;

test("a page of Vite works", async (context) => {
  const folder = written(context, page);
  await vite.build({ root: folder, base: "./", logLevel: "error" });
  assert.ok(readdirSync(path.join(folder, "dist/assets")).some((name) => name.endsWith(".wasm")));
  assert.match(await titleOf(await served(context, path.join(folder, "dist"))), said);
});

test("a page on Vite's own server works", async (context) => {
  const folder = written(context, page);
  const server = await vite.createServer({
    ...{ root: folder, logLevel: "error", cacheDir: path.join(folder, "cache") },
    server: { host: "127.0.0.1", port: 0 },
  });
  context.after(() => server.close());
  await server.listen();
  assert.match(await titleOf(server.resolvedUrls.local[0]), said);
});

test("a page of webpack works", async (context) => {
  const folder = written(context, page);
  await packed(folder, { target: "web", output: { publicPath: "auto" } });
  writeFileSync(
    path.join(folder, "alone/index.html"),
    page["index.html"].replace("first.js", "first.mjs").replace(' type="module"', " defer"),
  );
  assert.match(await titleOf(await served(context, path.join(folder, "alone"))), said);
});
