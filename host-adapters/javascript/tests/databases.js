// Throw-away databases with a meta table.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import pg from "pg";

/** A folder that is gone after the test. */
export function folder(context) {
  const made = mkdtempSync(path.join(tmpdir(), "batchintory-"));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const table = "CREATE TABLE files (uid bigint PRIMARY KEY, item text, weight double precision)";
const series = (items) =>
  `INSERT INTO files WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${items}) ` +
  "SELECT n, 'item-' || n, 1.5 FROM s";

/** An SQLite file with so many items. */
export async function sqlite(context, items = 10) {
  const file = path.join(folder(context), "lake.sqlite");
  const connection = new Database(file, { timeout: 5000 });
  context.after(() => connection.close());
  connection.exec(table);
  if (items > 0) connection.exec(series(items));
  return { url: `sqlite:${file}`, run: async (sql) => connection.exec(sql) };
}

/** A PostgreSQL database with so many items. */
export async function postgres(context, items = 10) {
  const server = process.env.BATCHINTORY_TEST_POSTGRES;
  if (!server) {
    throw new Error(
      "BATCHINTORY_TEST_POSTGRES is not set: set it to a URL such as postgres://user:password@host:port/database of a " +
        "server on which databases may be created, or run `cargo xtask test`",
    );
  }
  const name = `js_${randomBytes(6).toString("hex")}`;
  const administrator = new pg.Client(server);
  await administrator.connect();
  await administrator.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const client = new pg.Client(url.href);
  client.on("error", () => {});
  await client.connect();
  const run = async (sql) => (await client.query(sql)).rows;
  await run(table);
  if (items > 0) await run(series(items));
  context.after(async () => {
    await client.end();
    await administrator.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await administrator.end();
  });
  return { url: url.href, name, run, administrate: (sql) => administrator.query(sql) };
}

const waiting =
  "SELECT FROM pg_locks WHERE NOT granted " +
  "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/** Waits until a statement on this database waits for a lock. A server has other databases, on which others wait. */
export async function untilOneWaits(run) {
  while ((await run(waiting)).length === 0) await sleep(2);
}

/** Waits until none does any more. */
export async function untilNoneWaits(run) {
  while ((await run(waiting)).length > 0) await sleep(2);
}

/** Both, by name. */
export const databases = { SQLite: sqlite, PostgreSQL: postgres };
