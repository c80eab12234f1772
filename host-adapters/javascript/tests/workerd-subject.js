// The package within workerd as a subject of the scenarios, as `subject.js` is in Node; its
// argument is `d1` or `durable-object`. Each `open` gives a new database. `sql` runs a statement on
// it, `address` says where the service over it is.
import { createInterface } from "node:readline";
import { startWorkerd } from "./workerd.js";

const [kind] = process.argv.slice(2);
const miniflare = await startWorkerd();
let number = -1;

async function answer(line) {
  const call = JSON.parse(line);
  if ("close" in call) {
    await miniflare.dispose();
    return JSON.stringify({ ok: null });
  }
  if ("open" in call) {
    number += 1;
    return JSON.stringify({ ok: null });
  }
  if ("address" in call) {
    const { origin } = await miniflare.ready;
    return JSON.stringify({ ok: `${origin}/served/${kind}/${number}` });
  }
  const response = await miniflare.dispatchFetch(`http://lake/${kind}/${number}`, {
    method: "POST",
    body: line,
  });
  return response.text();
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await answer(line)}\n`);
}
