// Both databases together, as the planner sees them.

import { type Database, type Dialect, type Rows, type Source, unreadable, type Value } from "./database.js";
import { explain } from "./driver/errors.js";
import { News } from "./news.js";
import type { Database as WitDatabase } from "./planner/wit.js";

/** The words of the inventory's `status` column; all three differ. */
export interface StatusLabels {
  /** Handed out and not ended yet; by default `running`. */
  running?: string;
  /** Processed; by default `succeeded`. */
  succeeded?: string;
  /** Given up; by default `failed`. */
  failed?: string;
}

/** What the planner is told about the databases. */
export interface DatabaseOptions {
  /** The inventory table, as `table` or `schema.table`; by default `inventory`. In MySQL with its schema. */
  inventoryTable?: string;
  /** The schema meant by a meta table's name that has none; by default PostgreSQL's `public`, SQLite's `main`. */
  metaSchema?: string;
  /**
   * The name of the source that the meta tables' database is, where several share the inventory: it keeps tables of
   * one name apart.
   */
  metaName?: string;
  /** The words of the inventory's `status` column. */
  statusLabels?: StatusLabels;
}

/** A statement's rows, or why there are none; can be sent between threads. */
export type Answer = { ok: Rows } | { error: WitDatabase.Error };

/** The inventory's and the meta tables' database; they may be the same. */
export class Databases {
  readonly settings: WitDatabase.DatabaseSettings;
  readonly #databases: Record<Source, Database>;
  /** What the meta tables' database tells. */
  readonly news: News;

  constructor(inventory: Database, meta: Database, options: DatabaseOptions) {
    this.#databases = { inventory, meta };
    this.news = new News(meta);
    const { inventoryTable = "inventory", metaSchema, metaName, statusLabels } = options;
    this.settings = {
      inventoryDialect: inventory.dialect,
      metaDialect: meta.dialect,
      inventoryTable,
      ...(metaSchema === undefined ? {} : { metaSchema }),
      ...(metaName === undefined ? {} : { metaName }),
      oneDatabase: inventory === meta,
      mayRepeat: true,
      statusLabels: { running: "running", succeeded: "succeeded", failed: "failed", ...statusLabels },
    };
  }

  /** Whether both answer at once, so that `queryNow` may be called. */
  get answerAtOnce(): boolean {
    return Object.values(this.#databases).every((database) => database.answersAtOnce === true);
  }

  /** Runs a statement. Never throws. */
  async query(source: Source, statement: string, parameters: Value[], signal?: AbortSignal): Promise<Answer> {
    const database = this.#databases[source];
    try {
      return { ok: checked(database.dialect, await database.query(statement, parameters, signal)) };
    } catch (error) {
      return failed(database.dialect, error);
    }
  }

  /** Runs a statement on a database that answers at once. Never throws. */
  queryNow(source: Source, statement: string, parameters: Value[]): Answer {
    const database = this.#databases[source];
    try {
      return { ok: checked(database.dialect, database.query(statement, parameters) as Rows) };
    } catch (error) {
      return failed(database.dialect, error);
    }
  }

  /** Closes both. */
  async close(): Promise<void> {
    const { inventory, meta } = this.#databases;
    await inventory.close();
    if (meta !== inventory) await meta.close();
  }
}

/** Why a statement has no rows. */
function failed(dialect: Dialect, error: unknown): Answer {
  const { outcome, code, message } = explain(dialect, error);
  return {
    error: outcome === "refused" ? { tag: outcome, val: { code, message } } : { tag: outcome, val: message },
  };
}

/** The rows, if a query function of the caller's gave any. */
function checked(dialect: Dialect, rows: Rows): Rows {
  const isValue = (value: unknown) =>
    value === null || ["boolean", "bigint", "number", "string"].includes(typeof value);
  const isRow = (row: unknown) => Array.isArray(row) && row.every(isValue);
  if (!Array.isArray(rows?.rows) || !rows.rows.every(isRow) || !Number.isSafeInteger(rows.affected)) {
    throw unreadable(
      dialect,
      "the query function must give { rows, affected }: each row an array of null, boolean, bigint (for " +
        "integers), number (for double precision) or string, affected a whole number",
    );
  }
  return rows;
}
