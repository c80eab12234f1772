// The templates, as their READMEs say.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { packages, place } from "./place.js";

/** What the README's shell runs: all programs come from beside, and nothing is sent anywhere. */
const environment = {
  ...process.env,
  PATH: [
    path.join(packages, ".bin"),
    path.join(packages, "@deno/linux-x64-glibc"),
    path.join(packages, "@oven/bun-linux-x64/bin"),
    path.dirname(process.execPath),
    process.env.PATH,
  ].join(path.delimiter),
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  DENO_NO_UPDATE_CHECK: "1",
  CI: "true",
};

/** A copy of a template, with the package installed. */
function copied(context, name) {
  const folder = place(context);
  // A template makes its own.
  rmSync(path.join(folder, "lake.sqlite"));
  cpSync(path.join(packages, "../templates", name), folder, { recursive: true });
  return folder;
}

function shell(folder, command) {
  const env = { ...environment, DENO_DIR: path.join(folder, "deno") };
  return promisify(execFile)("sh", ["-ec", command], { cwd: folder, env, timeout: 300_000 });
}

/** A port that is free. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const token = "a-secret-of-16-or-more-characters";

/** Starts a template as its README says; gives what is to be typed then, and what it prints. */
async function started(context, name, documentedPort) {
  const folder = copied(context, name);
  const readme = readFileSync(path.join(folder, "README.md"), "utf8");
  const port = await freePort();
  const here = (text) => text.replaceAll(String(documentedPort), String(port));
  if (name === "bun") await shell(folder, `sed -i s/${documentedPort}/${port}/ service.js`);
  const [start, call] = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, commands]) =>
    // What is installed already is not fetched.
    here(commands)
      .replace(/^\w+ install\n/, "")
      .replaceAll("npx ", ""),
  );
  const [, printed] = readme.match(/```json\n(.*?)\n```/s);
  const env = { ...environment, DENO_DIR: path.join(folder, "deno") };
  const server = spawn("sh", ["-ec", start], { cwd: folder, env, detached: true });
  context.after(() => {
    try {
      process.kill(-server.pid);
    } catch {}
  });
  const address = `http://127.0.0.1:${port}`;
  let said = "";
  server.stdout.on("data", (chunk) => {
    said += chunk;
  });
  server.stderr.on("data", (chunk) => {
    said += chunk;
  });
  while (!(await isThere(address))) assert.equal(server.exitCode, null, said);
  return { folder, call: call.trim().split("\n"), printed, address };
}

async function isThere(address) {
  try {
    await (await fetch(`${address}/healthz`)).text();
    return true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  }
}

/** Asks the service of a template. */
function ask(address, path, bearer = token) {
  return fetch(`${address}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
}

/** It let nobody in but who has the token, and has worked on all rows. */
async function check(address) {
  assert.equal((await ask(address, "/v1/jobs", "no-secret-of-16-or-more-characters")).status, 401);
  const { jobs } = await (await ask(address, "/v1/jobs")).json();
  assert.deepEqual(
    jobs.map(({ job, succeeded, items }) => [job, succeeded, items]),
    [["lengths", 2, 3]],
  );
  assert.match(await (await ask(address, "/")).text(), /lengths/);
}

test("wrangler would deploy the Worker, which is small", async (context) => {
  const folder = copied(context, "worker");
  const { stdout } = await shell(folder, "wrangler deploy --dry-run --outdir out");
  assert.match(stdout, /env\.DB \(lake\)/);
  const uploaded = readdirSync(path.join(folder, "out")).filter((name) => /\.(js|wasm)$/.test(name));
  assert.ok(uploaded.some((name) => name.endsWith("planner.core.wasm")));
  const sizes = uploaded.map(
    (name) => gzipSync(readFileSync(path.join(folder, "out", name)), { level: 9 }).length,
  );
  const kilobytes = sizes.reduce((sum, size) => sum + size, 0) / 1000;
  context.diagnostic(
    `${kilobytes.toFixed(0)} KB compressed: ${uploaded.join(" ")}; ${stdout.match(/Total Upload.*/)}`,
  );
  assert.ok(kilobytes < 550, `${kilobytes} KB`);
});

test("the Worker starts and answers as its README says", async (context) => {
  const { folder, call, printed, address } = await started(context, "worker", 8787);
  const [migrate, cron] = call;
  assert.equal((await shell(folder, `${migrate} --silent --fail`)).stdout, printed);
  await shell(folder, `${cron} --silent --fail`);
  // The cron trigger is answered before its work is done.
  const isDone = async () => (await (await ask(address, "/v1/jobs")).json()).jobs[0]?.succeeded === 2;
  while (!(await isDone()));
  await check(address);
});

for (const name of ["deno", "bun"]) {
  test(`the service in ${name} starts and answers as its README says`, async (context) => {
    const { folder, call, printed, address } = await started(context, name, 8000);
    const said = [];
    for (const command of call) {
      const options = command.startsWith("curl") ? " --silent --fail" : "";
      said.push((await shell(folder, command + options)).stdout.trim());
    }
    assert.equal(said.join("\n"), printed);
    await check(address);
  });
}
