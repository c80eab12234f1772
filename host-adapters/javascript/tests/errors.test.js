// Bad input and databases that are not there: errors with names, and without passwords.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { BatchintoryError, ClosedError, ConnectError, InvalidRequestError, open } from "batchintory";
import { folder, postgres, sqlite } from "./databases.js";

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

test("databases that cannot be opened are told by their URL, without its password", async (context) => {
  const file = path.join(folder(context), "no-database");
  writeFileSync(file, "this is no database, whatever its name says, and long enough to be looked at as one");
  const server = new URL(process.env.BATCHINTORY_TEST_POSTGRES ?? "postgres://nobody@localhost");
  const absent = `postgres://me:se@cr3t@${server.host}/no_such_database`;
  for (const [url, message] of [
    [`sqlite:${file}`, /not a database/],
    ["sqlite:", /path of the file is missing/],
    ["sqlite:/no/such/folder/lake.sqlite", /folder|open/],
    ["lake.sqlite", /a URL such as/],
    ["oracle://me:s3cret@host/db", /the scheme "oracle" is not known/],
    ["postgres://me:s3cret@127.0.0.1:1/db", /ECONNREFUSED/],
    ["postgres://me:s3cret@127.0.0.1:1/db?pool_size=0", /pool_size must be/],
    ["postgres://me@127.0.0.1:1/db?password=s3cret", /ECONNREFUSED/],
    [absent, /no_such_database/],
  ]) {
    const refused = (error) => {
      assert.ok(error instanceof ConnectError, inspect(error));
      assert.match(error.message, message);
      assert.doesNotMatch(inspect(error), /s3cret|cr3t/);
      return true;
    };
    await assert.rejects(open({ inventory: url }), refused);
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
