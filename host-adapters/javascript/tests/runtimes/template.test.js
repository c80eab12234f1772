// The template of a Worker, as its README says.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { packages, place } from "./place.js";

const template = path.join(packages, "../templates/worker");

/** What the README's shell runs: wrangler and Node come from beside, and nothing is sent anywhere. */
const environment = {
  ...process.env,
  PATH: [path.join(packages, ".bin"), path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CI: "true",
};

/** A copy of the template, with the package installed. */
function copied(context) {
  const folder = place(context);
  cpSync(template, folder, { recursive: true });
  return folder;
}

function shell(folder, command) {
  return promisify(execFile)("sh", ["-ec", command], { cwd: folder, env: environment, timeout: 300_000 });
}

/** A port that is free. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("wrangler would deploy it", async (context) => {
  const folder = copied(context);
  const { stdout } = await shell(folder, "wrangler deploy --dry-run --outdir out");
  assert.match(stdout, /env\.DB \(lake\)/);
  const uploaded = readdirSync(path.join(folder, "out"));
  assert.ok(uploaded.some((name) => name.endsWith("planner.core.wasm")));
});

test("it starts and answers as its README says", async (context) => {
  const folder = copied(context);
  const readme = readFileSync(path.join(folder, "README.md"), "utf8");
  const port = await freePort();
  const [start, call] = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, commands]) => {
    // What is installed already is not fetched.
    return commands.replace("npm install\n", "").replaceAll("npx ", "").replaceAll("8787", String(port));
  });
  const [, answer] = readme.match(/```json\n(.*?)\n```/s);
  const [prepare, serve] = start.split(/\n(?=wrangler dev)/);
  await shell(folder, prepare);
  const server = spawn("sh", ["-ec", `exec ${serve}`], { cwd: folder, env: environment, detached: true });
  context.after(() => process.kill(-server.pid));
  let said = "";
  await new Promise((resolve, reject) => {
    const hear = (chunk) => {
      said += chunk;
      if (said.includes("Ready on")) resolve();
    };
    server.stdout.on("data", hear);
    server.stderr.on("data", hear);
    server.once("exit", () => reject(new Error(said)));
  });
  assert.equal((await shell(folder, `${call.trim()} --silent --fail`)).stdout, answer);
  const again = await shell(folder, `${call.trim()} --silent --fail`);
  assert.deepEqual(JSON.parse(again.stdout), { succeeded: 0, failed: 0 });
  const stranger = call.trim().replace("--oauth2-bearer a-secret", "--oauth2-bearer no-secret");
  // What curl says of it ends with 22, as for any status of 400 or more.
  await assert.rejects(shell(folder, `${stranger} --silent --fail`), { code: 22 });
});
