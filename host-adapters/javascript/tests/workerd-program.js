// A Worker that answers calls, on D1, in Durable Objects and on PostgreSQL. The path of a request
// names the database.
import { DurableObject } from "cloudflare:workers";
import { open } from "batchintory";
import { d1 } from "batchintory/d1";
import { durableObject } from "batchintory/durable-object";
import { ItemReader } from "batchintory/item-reader";
import { postgres } from "batchintory/postgres";
import { answer } from "./operations.js";
import { race } from "./race.js";

/** Answers a call on a database, by an inventory of its own. */
async function answered(request, database, meta = database) {
  const inventory = await open({ inventory: database, meta });
  try {
    const sql = async ([statement, parameters]) => {
      const values = parameters.map(fromJson);
      await (values.length > mostParameters
        ? database.query(inlined(statement, values), [])
        : database.query(statement, values));
    };
    const query = async ([statement, parameters]) => {
      const { rows, affected } = await database.query(statement, parameters.map(fromJson));
      return { rows: rows.map((row) => row.map((value) => `${typeof value} ${value}`)), affected };
    };
    const others = { sql, query, race: (parameters) => race(inventory, parameters) };
    return new Response(await answer(await request.text(), { inventory, ItemReader }, others));
  } finally {
    await inventory.close();
  }
}

/** More do not come with a statement here; the planner's have fewer. */
const mostParameters = 100;

/** A statement that fills a table, with its values in it. */
function inlined(statement, values) {
  const rest = values.values();
  const literal = (value) => (typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value));
  return statement.replace(/\?/g, () => literal(rest.next().value));
}

/** A value as the tests write it: `null`, or its type and itself. */
function fromJson(value) {
  if (value === "null") return null;
  const [[type, itself]] = Object.entries(value);
  return type === "int64" ? BigInt(itself) : itself;
}

/** An object with a database of its own. */
export class Lake extends DurableObject {
  async fetch(request) {
    return answered(request, durableObject(this.ctx.storage));
  }
}

export default {
  async fetch(request, env) {
    const [, kind, name] = new URL(request.url).pathname.split("/");
    if (kind === "d1") return answered(request, d1(env[`DB${name}`]));
    // As if the meta tables were elsewhere: then a claim is several statements.
    if (kind === "d1-apart") return answered(request, d1(env[`DB${name}`]), d1(env[`DB${name}`]));
    if (kind === "postgres") return answered(request, postgres(env.HYPERDRIVE.connectionString));
    return env.LAKES.get(env.LAKES.idFromName(name)).fetch(request);
  },
};
