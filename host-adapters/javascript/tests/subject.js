// The package as a subject of the scenarios: reads a call on each line of its standard input, writes its answer as a
// line. The call `open` comes first, and again for each scenario: the URLs of the inventory's and the meta tables'
// database.
import { createInterface } from "node:readline";
import { open } from "batchintory";
import { answer } from "./operations.js";

// No part of what users see.
const { ItemReader } = await import(new URL("./item-reader.js", import.meta.resolve("batchintory")).href);

const place = { ItemReader, inventory: undefined };

async function openAnew([inventory, meta]) {
  await place.inventory?.close();
  place.inventory = await open({ inventory, meta });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await answer(line, place, { open: openAnew })}\n`);
}
await place.inventory?.close();
