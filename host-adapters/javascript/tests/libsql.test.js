// libSQL: what its driver makes of the server's answers.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { open } from "batchintory";
import { libsql } from "batchintory/libsql";
import { folder, startLibsql } from "./libsql-server.js";
import { race } from "./race.js";

const unavailable = folder === undefined && "libSQL's server is not to be had on this system";
const server = unavailable ? undefined : await startLibsql();
after(() => server?.stop());

const table = "CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)";

/** An inventory by a client of its own. */
async function opened(context, client = server.client()) {
  const inventory = await open({ inventory: libsql(client) });
  context.after(async () => {
    await inventory.close();
    client.close();
  });
  return inventory;
}

test("workers that race share a job", { skip: unavailable }, async (context) => {
  const client = server.client();
  await client.execute("DROP TABLE IF EXISTS files");
  await client.execute(table);
  await client.execute(
    "INSERT INTO files WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 200) " +
      "SELECT n, 'item-' || n, 1 FROM s",
  );
  await (await opened(context, client)).migrate();
  const workers = await Promise.all(Array.from({ length: 8 }, () => opened(context)));
  const uids = await Promise.all(workers.map((inventory) => race(inventory, { job: "race", maxCount: 3 })));
  const expected = Array.from({ length: 200 }, (_, index) => BigInt(index + 1));
  assert.deepEqual(
    uids.flat().sort((one, other) => Number(one - other)),
    expected,
  );
});

test("a client whose integers may be rounded is refused", { skip: unavailable }, async (context) => {
  const inventory = await opened(context, server.client({ intMode: "number" }));
  await assert.rejects(inventory.migrate(), { message: /intMode: "bigint"/ });
});

test("a server that is away is told as unavailable", { skip: unavailable }, async (context) => {
  const away = await startLibsql();
  const inventory = await opened(context, away.client());
  await inventory.migrate();
  await away.stop();
  await assert.rejects(inventory.jobs(), { code: "unavailable" });
});

test("who is not let in is told so", { skip: unavailable }, async (context) => {
  const locked = await startLibsql(["--http-auth", "basic:bWU6c2VjcmV0"]);
  context.after(() => locked.stop());
  const inventory = await opened(context, locked.client());
  await assert.rejects(inventory.migrate(), { code: "database" });
});
