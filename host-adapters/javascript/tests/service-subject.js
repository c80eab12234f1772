// The package's service in Node, Deno or Bun as a subject of the scenarios: reads `open` with the URLs of the inventory's and
// the meta tables' database, and `address`, which is answered by where the service is.
import { createInterface } from "node:readline";
import { service } from "batchintory/service";
import { listen } from "./listen.js";

let served;
const address = await listen((request) => served.fetch(request));

for await (const line of createInterface({ input: process.stdin })) {
  const { open } = JSON.parse(line);
  if (open !== undefined) {
    await served?.close();
    const [inventory, meta] = open;
    served = service({ inventory, meta });
  }
  process.stdout.write(`${JSON.stringify({ ok: address })}\n`);
}
process.exit();
