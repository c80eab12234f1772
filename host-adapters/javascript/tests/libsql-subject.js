// The package on libSQL's server as a subject of the scenarios, as `subject.js` is on databases by their URLs. Each
// `open` gives an empty database. `sql` runs a statement on it.
import { createInterface } from "node:readline";
import { open } from "batchintory";
import { libsql } from "batchintory/libsql";
import { startLibsql } from "./libsql-server.js";
import { answer } from "./operations.js";
import { fromJson } from "./values.js";

// No part of what users see.
const { ItemReader } = await import(new URL("./item-reader.js", import.meta.resolve("batchintory")).href);

const server = await startLibsql();
const client = server.client();
const place = { ItemReader, inventory: undefined };

async function openAnew() {
  await place.inventory?.close();
  const { rows } = await client.execute(
    "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'",
  );
  for (const { type, name } of rows) {
    await client.execute(`DROP ${type} IF EXISTS "${name.replaceAll('"', '""')}"`);
  }
  place.inventory = await open({ inventory: libsql(client) });
}

async function sql([statement, parameters]) {
  await client.execute({ sql: statement, args: parameters.map(fromJson) });
}

async function close() {
  await place.inventory?.close();
  client.close();
  await server.stop();
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await answer(line, place, { open: openAnew, sql, close })}\n`);
}
