// Connections that are lost: nothing is handed out twice, nothing is forgotten.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "batchintory";
import { postgres, untilNoneWaits, untilOneWaits } from "./databases.js";

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

/** Between clients and the server of a URL, whose connections it may cut as a server or a pooler does. */
async function proxyBefore(context, { hostname, port }) {
  const clients = new Set();
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    clients.add(client);
    client.on("close", () => clients.delete(client));
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  context.after(() => proxy.close());
  return {
    port: proxy.address().port,
    async cut() {
      const closed = [...clients].map((client) => once(client, "close"));
      for (const client of clients) client.destroy();
      await Promise.all(closed);
    },
  };
}

test("connections that were closed while idle are not used", async (context) => {
  const { url } = await opened(context);
  const address = new URL(url);
  const proxy = await proxyBefore(context, address);
  address.host = `127.0.0.1:${proxy.port}`;
  const inventory = await open({ inventory: address.href });
  context.after(() => inventory.close());
  for (let turn = 0; turn < 20; turn += 1) {
    await proxy.cut();
    await inventory.jobs();
    await Promise.all([inventory.history(), inventory.jobs(), inventory.history()]);
  }
});

test("a claim whose connection is lost under way is made once", async (context) => {
  const { inventory, run } = await opened(context);
  await run("BEGIN");
  await run("LOCK TABLE inventory IN SHARE ROW EXCLUSIVE MODE");
  const claim = inventory.acquire({ ...files, maxCount: 2 });
  await untilOneWaits(run);
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

test("a statement has a time limit", async (context) => {
  const { url, run, inventory } = await opened(context);
  const limited = await open({ inventory: `${url}?statement_timeout=500` });
  context.after(() => limited.close());
  await run("BEGIN");
  await run("LOCK TABLE files");
  await assert.rejects(limited.plan(files), { code: "unavailable", message: /no answer within 500 ms/ });
  // The server does not work on for nobody.
  await untilNoneWaits(run);
  await run("COMMIT");
  // What comes after it does not suffer.
  const { batch } = await limited.acquire(files);
  assert.equal((await inventory.history())[0].id, batch.id);
});

test("nothing is asked of a connection that nobody waits for any more once it is made", async (context) => {
  const { url, run } = await postgres(context);
  const module = new URL("client.js", import.meta.resolve("batchintory/postgres"));
  const database = (await import(module)).postgres(url);
  context.after(() => database.close());
  const aborting = new AbortController();
  const asked = database.query("DELETE FROM files WHERE uid > $1", [0n], aborting.signal);
  aborting.abort(new Error("stop"));
  await assert.rejects(asked, { outcome: "unavailable" });
  assert.equal((await run("SELECT uid FROM files")).length, 10);
});
