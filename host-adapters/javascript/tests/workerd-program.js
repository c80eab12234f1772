// A Worker that answers calls, on D1, in Durable Objects and on PostgreSQL, and serves the API and the
// dashboard on them. The path of a request names the database.
import { DurableObject } from "cloudflare:workers";
import { open } from "batchintory";
import { d1 } from "batchintory/d1";
import { durableObject } from "batchintory/durable-object";
import { ItemReader } from "batchintory/item-reader";
import { postgres } from "batchintory/postgres";
import { service } from "batchintory/service";
import { answer } from "./operations.js";
import { race } from "./race.js";
import { fromJson } from "./values.js";

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

/** An object with a database of its own. */
export class Lake extends DurableObject {
  service = service({ inventory: durableObject(this.ctx.storage) });

  async fetch(request) {
    const asked = served(request);
    if (asked !== undefined) return this.service.fetch(asked.request, this.env);
    return answered(request, durableObject(this.ctx.storage));
  }
}

/** What is asked of the service of a database, by a path such as `/served/d1/7/v1/jobs`. */
function served(request) {
  const { url } = request;
  const [, prefix, kind, name] = url.match(/(\/served\/([\w-]+)\/(\w+))\//) ?? [];
  return prefix && { kind, name, request: new Request(url.replace(prefix, ""), request) };
}

const onD1 = (name) => service((env) => ({ inventory: d1(env[`DB${name}`]) }));
/** Databases whose statements are held, before or after they have taken effect, until the Worker is killed. */
const held = (name, when) =>
  service((env) => {
    const database = d1(env[`DB${name}`]);
    const query = async (statement, parameters) => {
      const rows = when === "after" ? await database.query(statement, parameters) : undefined;
      if (!/^(insert|with)/i.test(statement)) return rows ?? database.query(statement, parameters);
      isHeld = true;
      return new Promise((resolve) => setTimeout(resolve, 600_000));
    };
    return { inventory: { ...database, query } };
  });
let isHeld = false;

/** A database that never answers. */
const silent = service(() => ({
  inventory: { dialect: "sqlite", query: () => new Promise(() => {}), close() {} },
  statementTimeout: 100,
}));

const onPostgres = service((env) => ({ inventory: postgres(env.HYPERDRIVE.connectionString) }));

export default {
  async fetch(request, env, context) {
    const asked = served(request);
    if (asked?.kind === "d1") return onD1(asked.name).fetch(asked.request, env, context);
    if (asked?.kind.startsWith("held-")) {
      return held(asked.name, asked.kind.slice(5)).fetch(asked.request, env, context);
    }
    if (asked?.kind === "silent") return silent.fetch(asked.request, env, context);
    if (request.url.endsWith("/is-held")) return Response.json(isHeld);
    if (asked?.kind === "postgres") return onPostgres.fetch(asked.request, env, context);
    const [, kind, number] = new URL(request.url).pathname.split("/");
    if (kind === "d1") return answered(request, d1(env[`DB${number}`]));
    // As if the meta tables were elsewhere: then a claim is several statements.
    if (kind === "d1-apart") return answered(request, d1(env[`DB${number}`]), d1(env[`DB${number}`]));
    if (kind === "postgres") return answered(request, postgres(env.HYPERDRIVE.connectionString));
    const name = asked?.name ?? (kind === "durable-object" ? number : undefined);
    if (name !== undefined) return env.LAKES.get(env.LAKES.idFromName(name)).fetch(request);
    return onD1(0).fetch(request, env, context);
  },
};
