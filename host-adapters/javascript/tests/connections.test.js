// Connections that are lost: nothing is handed out twice, nothing is forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "batchintory";
import { postgres } from "./databases.js";

const files = { metaTable: "files", job: "j" };
const others =
  "FROM pg_stat_activity WHERE application_name = 'batchintory' AND datname = current_database()";
const terminate = `SELECT pg_terminate_backend(pid) ${others}`;

async function opened(context) {
  const database = await postgres(context);
  const inventory = await open({ inventory: database.url });
  context.after(() => inventory.close());
  await inventory.migrate();
  return { inventory, ...database };
}

test("idle connections that were lost are replaced", async (context) => {
  const { inventory, run } = await opened(context);
  /** A statement may meet the end of its connection, which is told; the next one gets another. */
  const insist = async (call) => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (error.code !== "unavailable") throw error;
      }
    }
  };
  for (let turn = 0; turn < 5; turn += 1) {
    await run(terminate);
    const { batch } = await insist(() =>
      inventory.acquire({ ...files, maxCount: 2 }, { claimToken: `token-${turn}` }),
    );
    assert.deepEqual([batch.idEnd, batch.attempt], [BigInt(2 * turn + 2), 1]);
    await run(terminate);
    await insist(() => batch.succeed());
  }
  const attempts = await insist(() => inventory.history());
  assert.deepEqual(
    attempts.map(({ status }) => status),
    Array(5).fill("succeeded"),
  );
});

test("a claim whose connection is lost under way is made once", async (context) => {
  const { inventory, run } = await opened(context);
  await run("BEGIN");
  await run("LOCK TABLE inventory IN SHARE ROW EXCLUSIVE MODE");
  const claim = inventory.acquire({ ...files, maxCount: 2 });
  while ((await run("SELECT FROM pg_locks WHERE NOT granted")).length === 0) await sleep(2);
  await run(terminate);
  await run("COMMIT");
  const { batch } = await claim;
  assert.deepEqual([batch.idStart, batch.idEnd], [1n, 2n]);
  assert.equal((await inventory.history()).length, 1);
});

test("a server that is away is told as unavailable, and found again", async (context) => {
  const { inventory, run, name, administrate } = await opened(context);
  await administrate(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`);
  await run(terminate);
  while ((await run(`SELECT ${others}`)).length > 0) await sleep(2);
  await assert.rejects(inventory.acquire(files), { name: "UnavailableError", code: "unavailable" });
  await administrate(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
  assert.equal((await inventory.acquire(files)).batch.count, 10);
});
