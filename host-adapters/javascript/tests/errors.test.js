// Bad input and databases that are not there: errors with names, and without passwords.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { BatchintoryError, ClosedError, ConnectError, InvalidRequestError, open } from "batchintory";
import { folder, postgres, sqlite } from "./databases.js";
import { installed } from "./installed.js";

async function opened(context) {
  const { url } = await sqlite(context);
  const inventory = await open({ inventory: url });
  context.after(() => inventory.close());
  await inventory.migrate();
  return inventory;
}

test("a request with a mistake is refused by the field's name", async (context) => {
  const inventory = await opened(context);
  const files = { metaTable: "files", job: "j" };
  for (const [request, message] of [
    [{ ...files, max_count: 5 }, /no field "max_count"/],
    [{ ...files, columns: { id: "uid" } }, /columns has no field "id"/],
    [{ ...files, maxCount: 1.5 }, /maxCount must be/],
    [{ ...files, maxCount: -1 }, /maxCount is -1/],
    [{ ...files, maxWeight: "5" }, /maxWeight must be a number/],
    [{ ...files, idMin: 2n ** 63n }, /idMin is 9223372036854775808/],
    [{ ...files, maxAttempts: 2 ** 32 }, /maxAttempts is 4294967296/],
    [{ ...files, settle: "later" }, /settle must be one of none, commit-order/],
    [{ ...files, filter: () => {} }, /filter cannot be written as JSON/],
    [{ metaTable: "files" }, /job must be a string/],
    [{ ...files, maxCount: 0 }, /max-count/],
    [undefined, /the request must be an object/],
  ]) {
    const refused = (error) => {
      assert.ok(error instanceof InvalidRequestError && error instanceof BatchintoryError, inspect(error));
      assert.equal(error.code, "invalid-request");
      assert.match(error.message, message);
      return true;
    };
    await assert.rejects(inventory.acquire(request), refused);
  }
  await assert.rejects(inventory.requeue("files", "j", {}), { code: "invalid-request" });
  await assert.rejects(inventory.history({ queue: "soon" }), { code: "invalid-request" });
  await assert.rejects(inventory.complete("x", { succeeded: "yes" }), { code: "invalid-request" });
  await assert.rejects(inventory.complete("x", { succeeded: true }), { name: "NoSuchBatchError" });
  assert.deepEqual(await inventory.history(), [], "nothing was claimed");
});

/** What is said of a database that cannot be opened. */
async function refused(url, message, opening = (url) => open({ inventory: url })) {
  let said = "nothing";
  await assert.rejects(opening(url), (error) => {
    assert.ok(error instanceof ConnectError, inspect(error));
    assert.match(error.message, message);
    said = inspect(error, { showHidden: true, depth: 9 });
    return true;
  });
  return said;
}

test("databases that cannot be opened are told", async (context) => {
  const file = path.join(folder(context), "no-database");
  writeFileSync(file, "this is no database, whatever its name says, and long enough to be looked at as one");
  const absent = new URL(process.env.BATCHINTORY_TEST_POSTGRES ?? "postgres://nobody@localhost");
  absent.pathname = "/no_such_database";
  for (const [url, message] of [
    [`sqlite:${file}`, /not a database/],
    ["sqlite:", /path of the file is missing/],
    ["sqlite:/no/such/folder/lake.sqlite", /folder|open/],
    ["lake.sqlite", /a URL such as/],
    ["oracle://me:s3cret@host/db", /oracle:.* scheme is not known/],
    ["mysql://me:s3cret@host/db", /MySQL is not supported here/],
    ["postgres://me:s3cret@127.0.0.1:1/db", /127\.0\.0\.1:1\/db.* ECONNREFUSED/],
    ["postgres://me:s3cret@127.0.0.1:1/db?pool_size=0", /pool_size must be/],
    [absent.href, /"no_such_database" does not exist/],
  ]) {
    await refused(url, message);
  }
});

test("no piece of a password is told, whatever the URL", async () => {
  const text = readFileSync(new URL("./urls/passwords.json", import.meta.url), "utf8");
  // Without a thread for each.
  const { connect } = await import(pathToFileURL(path.join(installed, "dist/node/connect.js")).href);
  const { known, Told } = await import(pathToFileURL(path.join(installed, "dist/node/database-url.js")).href);
  const { cases, options } = JSON.parse(text);
  assert.deepEqual([...known].sort(), options);
  for (const { url, shown, pieces } of cases) {
    assert.equal(new Told(url).shown, shown);
    if (pieces.length === 0) continue;
    const said = await refused(url, /cannot open the database/, (url) => connect(url, "create"));
    assert.ok(said.includes(`cannot open the database ${shown}: `), `${url}: ${said}`);
    for (const piece of pieces) assert.ok(!said.includes(piece), `${url}: ${said}`);
  }
});

test("an unknown option is refused", async () => {
  await assert.rejects(open({ inventory: "sqlite::memory:", table: "x" }), { message: /no option "table"/ });
  await assert.rejects(open({ query() {}, dialect: "oracle" }), { message: /dialect/ });
});

test("a closed inventory says so", async (context) => {
  const inventory = await opened(context);
  await inventory.close();
  await inventory.close();
  await assert.rejects(inventory.jobs(), ClosedError);
});

test("an inventory shows no secrets", async (context) => {
  const { url } = await postgres(context);
  const secret = new URL(url);
  secret.password ||= "s3cret";
  const inventory = await open({ inventory: secret.href });
  context.after(() => inventory.close());
  assert.ok(!inspect(inventory, { depth: 9, showHidden: true }).includes(secret.password));
});
