// What `open` takes, in Node and elsewhere.

import type { Database, Dialect, Rows, Source, Value } from "./database.js";
import { type DatabaseOptions, Databases } from "./databases.js";
import { errorOf } from "./errors.js";

/**
 * Runs one statement by itself, in autocommit, and gives all its rows. Parameters stand in the statement as `$1`, `$2`, …
 * (PostgreSQL) or `?` (SQLite, MySQL), in order. What it throws is explained by the database's own code, as
 * drivers tell it; a `StatementError` says by itself what became of the statement.
 */
export type Query = (source: Source, statement: string, parameters: Value[]) => Promise<Rows> | Rows;

/** Where the planner comes from. */
export interface ModuleOptions {
  /** The planner's core modules, for engines that cannot fetch files: `planner.core.wasm`, … */
  module?: (name: string) => WebAssembly.Module | Promise<WebAssembly.Module>;
}

/** Databases that the caller's own function asks. */
export interface QueryOptions extends DatabaseOptions, ModuleOptions {
  /** Runs a statement. */
  query: Query;
  /** The SQL of both databases, or of each. */
  dialect: Dialect | { inventory: Dialect; meta: Dialect };
  /**
   * Whether the function asks one database, whatever the source: a statement for `inventory` may then read the meta tables,
   * too, which spares round trips. By default not, which is always right.
   */
  oneDatabase?: boolean;
}

/** Databases by drivers, such as `d1(env.DB)` of `batchintory/d1`. */
export interface DriverOptions extends DatabaseOptions, ModuleOptions {
  /** The inventory's database. */
  inventory: Database;
  /** The meta tables' database; by default the inventory's. */
  meta?: Database;
}

/** Databases by their URLs. */
export interface UrlOptions extends DatabaseOptions {
  /** The inventory's database: `sqlite:PATH`, `postgres://user:password@host:port/database?option=…`. */
  inventory: string;
  /** The meta tables' database; by default the inventory's. */
  meta?: string;
}

const names = [
  "inventory",
  "meta",
  "query",
  "dialect",
  "oneDatabase",
  "module",
  "inventoryTable",
  "metaSchema",
  "metaName",
  "statusLabels",
];

/** Refuses options that nobody reads. */
export function check(options: object): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw errorOf("invalid-request", `open has no option "${unknown}"; its options are ${names.join(", ")}`);
}

/** Whether these options name databases by their URLs. */
export function areUrls(options: UrlOptions | DriverOptions | QueryOptions): options is UrlOptions {
  return !("query" in options) && typeof options.inventory === "string";
}

/** The databases behind drivers, or behind the caller's own function. */
export function databasesOf(options: DriverOptions | QueryOptions): Databases {
  if ("query" in options) return queried(options);
  const { inventory, meta = inventory } = options;
  for (const database of [inventory, meta]) {
    if (typeof database?.query === "function") continue;
    const isUrl = typeof database === "string";
    throw errorOf(
      isUrl ? "unsupported" : "invalid-request",
      `${isUrl ? "a database by its URL needs Node" : "a database is missing"}; give a driver, such as d1(env.DB) of ` +
        "batchintory/d1, or a query function and its dialect",
    );
  }
  return new Databases(inventory, meta, options);
}

/** The databases behind the caller's own function. */
function queried({ query, dialect, oneDatabase, ...options }: QueryOptions): Databases {
  const dialects = typeof dialect === "string" ? { inventory: dialect, meta: dialect } : dialect;
  const database = (source: Source): Database => {
    if (!["postgresql", "sqlite", "mysql"].includes(dialects?.[source])) {
      const message = `the dialect of a query function must be named: postgresql, sqlite or mysql, for ${source}`;
      throw errorOf("invalid-request", message);
    }
    return {
      dialect: dialects[source],
      query: (statement, parameters) => query(source, statement, parameters),
      close() {},
    };
  };
  const [inventory, meta] = [database("inventory"), database("meta")];
  if (!oneDatabase) return new Databases(inventory, meta, options);
  if (inventory.dialect !== meta.dialect) {
    throw errorOf("invalid-request", "oneDatabase contradicts two dialects; name one");
  }
  return new Databases(inventory, inventory, options);
}
