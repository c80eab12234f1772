// URLs of PostgreSQL: the cases that hold for all of batchintory's hosts.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { folder } from "./databases.js";
import { installed } from "./installed.js";

const inside = (file) => import(pathToFileURL(path.join(installed, "dist", file)).href);
const { parse } = await inside("node/database-url.js");
const { Parameters } = await inside("driver/postgres/parameters.js");
const { Surroundings } = await inside("driver/postgres/surroundings.js");
const { targetsOf } = await inside("driver/postgres/targets.js");
const { modeOf } = await inside("driver/postgres/tls.js");
const { configOf, read } = await inside("driver/postgres/options.js");

const { cases } = JSON.parse(readFileSync(new URL("./urls/postgres.json", import.meta.url), "utf8"));

/** Everything but the certificates, which are not there. */
function gather(text, surroundings) {
  const url = parse(text);
  const parameters = new Parameters(url, surroundings);
  const targets = targetsOf(parameters, surroundings);
  modeOf(parameters, surroundings);
  if (!/cert|\.pem/.test(text) && parameters.get("sslcert") === "") {
    for (const target of targets) configOf(read(url, surroundings), target, true);
  }
  return { parameters, targets };
}

test("URLs mean what libpq makes of them", (context) => {
  for (const { url, environment = {}, files = {}, gives, refused } of cases) {
    const home = folder(context);
    const placed = (text) => text.replaceAll("{folder}", home);
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(home, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: 0o600 });
    }
    const variables = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, placed(value)]),
    );
    const surroundings = new Surroundings(variables, path.join(home, "home"));
    if (refused !== undefined) {
      const says = (error) => error.message.includes(refused);
      assert.throws(() => gather(placed(url), surroundings), says, url);
      continue;
    }
    const { parameters, targets } = gather(placed(url), surroundings);
    for (const [name, value] of Object.entries(gives)) {
      const found = name === "password" ? (targets[0].password ?? "") : parameters.get(name);
      assert.equal(found, value ?? "", `${name} of ${url}`);
    }
  }
});

test("a password file that others may read is not used", (context) => {
  const file = path.join(folder(context), "passwords");
  writeFileSync(file, "*:*:*:*:secret\n");
  const surroundings = new Surroundings({}, "/none");
  for (const [mode, password] of [
    [0o600, "secret"],
    [0o640, undefined],
    [0o604, undefined],
  ]) {
    chmodSync(file, mode);
    const { targets } = gather(`postgres://me@host/db?passfile=${file}`, surroundings);
    assert.equal(targets[0].password, password);
  }
});
