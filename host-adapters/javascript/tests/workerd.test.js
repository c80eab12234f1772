// The package within workerd: on D1, in Durable Objects, and on PostgreSQL.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { postgres } from "./databases.js";
import { startWorkerd } from "./workerd.js";

const files = "CREATE TABLE files (uid integer PRIMARY KEY AUTOINCREMENT, item text, weight real)";
const series =
  "INSERT INTO files WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 200) " +
  "SELECT n, 'item-' || n, 1.5 FROM s";

const everyItem = Array.from({ length: 200 }, (_, index) => index + 1);

let miniflare;
let number = 0;

before(async () => {
  miniflare = await startWorkerd();
});

after(() => miniflare?.dispose());

/** A new database: what calls something on it, and gives the answer, or the error. */
function database(kind, runtime = miniflare) {
  const address = `http://lake/${kind}/${number++}`;
  return async (name, parameters) => {
    const body = JSON.stringify({ [name]: parameters });
    const answer = await (await runtime.dispatchFetch(address, { method: "POST", body })).json();
    if (answer.error?.name === "test") throw new Error(answer.error.message);
    return answer.ok ?? answer.error;
  };
}

/** Eight requests at once, each with an inventory of its own. */
async function raced(call) {
  await call("migrate", {});
  const requests = Array.from({ length: 8 }, () => call("race", { job: "j", maxCount: 3 }));
  return (await Promise.all(requests)).flat();
}

for (const [kind, name] of [
  ["d1", "D1"],
  ["d1-apart", "D1, by claims of several statements"],
  ["durable-object", "a Durable Object"],
]) {
  test(`${name}: requests at once get every item exactly once`, async () => {
    const call = database(kind);
    await call("sql", [files, []]);
    await call("sql", [series, []]);
    const uids = await raced(call);
    assert.deepEqual(
      uids.sort((one, other) => one - other),
      everyItem,
    );
    const [job] = await call("jobs", { query: {} });
    assert.deepEqual([job.succeeded, job.failed, job.items], [67, 0, 200]);
  });
}

for (const [kind, name] of [
  ["d1", "D1"],
  ["durable-object", "a Durable Object"],
]) {
  test(`${name}: values are what they are, or refused`, async () => {
    const call = database(kind);
    const select = async (expression, parameters = []) => {
      const answer = await call("query", [`SELECT ${expression}`, parameters]);
      return answer.rows?.[0] ?? answer.message;
    };
    assert.deepEqual(await select("1 AS same, 2 AS same, 0.5, NULL"), [
      "bigint 1",
      "bigint 2",
      "number 0.5",
      "object null",
    ]);
    assert.deepEqual(await select("CAST('größer' AS blob), 1e300"), ["string größer", "number 1e+300"]);
    const [lowest, exact] = ["-9223372036854775808", "9007199254740991"];
    assert.deepEqual(await select(`${lowest}, ${exact}`), [`bigint ${lowest}`, `bigint ${exact}`]);
    // Parameters are exact in all 64 bits.
    const sum = await select("CAST(? AS bigint) - 9223372036854775800", [{ int64: "9223372036854775807" }]);
    assert.deepEqual(sum, ["bigint 7"]);
    for (const beyond of ["9007199254740992", "-9007199254740993", "9223372036854775807"]) {
      assert.match(await select(beyond), /not exact beyond 2\^53/);
    }
    assert.match(await select("CAST(x'ff' AS blob)"), /neither a number nor UTF-8 text/);
  });

  test(`${name}: what it cannot do is told at once`, async () => {
    const call = database(kind);
    await call("sql", [files, []]);
    await call("sql", [series, []]);
    await call("migrate", {});
    const request = { meta_table: "files", job: "j", max_count: 1 };
    assert.equal((await call("acquire-many", { request, batches: 4 })).length, 4);
    const many = await call("acquire-many", { request, batches: 5 });
    assert.match(`${many.name}: ${many.message}`, /^database: .*too many SQL variables/);
    const filter = { column: "item", op: "like", value: `${"x".repeat(60)}%` };
    const like = await call("acquire", { request: { ...request, job: "l", filter } });
    assert.match(`${like.name}: ${like.message}`, /^database: .*pattern too complex/);
  });

  test(`${name}: rows that were written are counted, not those of indexes`, async () => {
    const call = database(kind);
    const affected = async (statement) => (await call("query", [statement, []])).affected;
    await call("sql", [files, []]);
    await call("sql", ["CREATE INDEX by_item ON files (item, weight)", []]);
    assert.equal(await affected("INSERT INTO files (item) VALUES ('a'), ('b'), ('c')"), 3);
    assert.equal(await affected("UPDATE files SET weight = 1 WHERE item >= 'b'"), 2);
    assert.equal(await affected("UPDATE files SET weight = 2 WHERE item = 'z'"), 0);
    assert.equal(await affected("UPDATE files SET weight = 3 WHERE item <= 'b' RETURNING uid"), 2);
    assert.equal(await affected("SELECT count(*) FROM files"), 0);
  });
}

test("PostgreSQL: requests at once get every item exactly once, and leave no connection", async (context) => {
  const lake = await postgres(context, 200);
  const runtime = await startWorkerd({ hyperdrives: { HYPERDRIVE: lake.url } });
  context.after(() => runtime.dispose());
  const call = database("postgres", runtime);
  const uids = await raced(call);
  assert.deepEqual(
    uids.sort((one, other) => one - other),
    everyItem,
  );
  const others = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()";
  // Those that have ended may be seen for a moment.
  let left = 2;
  while (left > 1) [{ n: left }] = await lake.run(others);
});

test("PostgreSQL: a database that cannot be reached is told, without its password", async (context) => {
  const runtime = await startWorkerd({
    bindings: { HYPERDRIVE: { connectionString: "postgres://user:secret@127.0.0.1:9/lake" } },
  });
  context.after(() => runtime.dispose());
  const { name, message } = await database("postgres", runtime)("jobs", { query: {} });
  assert.equal(name, "unavailable");
  assert.doesNotMatch(message, /secret/);
});
