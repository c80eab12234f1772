// The hook for a database, and both databases together as the planner sees them.

import { explain } from "./driver/errors.js";
import { News } from "./news.js";
import type { Database as WitDatabase } from "./planner/wit.js";

/** Which of the two databases a statement is for. */
export type Source = "inventory" | "meta";

/** The SQL that a database understands. */
export type Dialect = "postgresql" | "sqlite" | "mysql";

/**
 * A parameter or a selected value. A `bigint` is an integer and a `number` is a double precision number,
 * whatever its value: `7` would be selected as `7.0`.
 */
export type Value = null | boolean | bigint | number | string;

/** What a statement gave back. */
export interface Rows {
  /** A list for each row, with a value for each selected column, in order. */
  rows: Value[][];
  /** How many rows were inserted or updated; 0 for a plain SELECT or DDL. */
  affected: number;
}

/**
 * What became of a statement that has no rows: it certainly had no effect, but for `outcome-unknown`, where
 * nobody knows.
 */
export type StatementOutcome = "unavailable" | "outcome-unknown" | "refused";

/** A statement without rows: what a query function throws to say more than its driver's error does. */
export class StatementError extends Error {
  /** What became of the statement. */
  readonly outcome: StatementOutcome;
  /**
   * The database's own code, where it was `refused`: an SQLSTATE, SQLite's extended result code or MySQL's error
   * number. The planner knows what each means. Empty where the driver tells none.
   */
  readonly code: string;

  constructor(outcome: StatementOutcome, message: string, code = "") {
    super(message);
    this.name = "StatementError";
    this.outcome = outcome;
    this.code = code;
  }
}

/** What databases say of a value of a type that is none of theirs. */
const mismatch: Record<Dialect, string> = { postgresql: "42804", sqlite: "20", mysql: "1366" };

/** A selected value that is none of the boundary's. */
export function unreadable(dialect: Dialect, message: string): StatementError {
  return new StatementError("refused", message, mismatch[dialect]);
}

/** One database. */
export interface Database {
  readonly dialect: Dialect;
  /** Whether `query` gives its rows at once, and never a promise. */
  readonly answersAtOnce?: boolean;
  /** Runs one statement by itself, in autocommit. */
  query(statement: string, parameters: Value[]): Promise<Rows> | Rows;
  /**
   * Listens to a channel, by a connection of its own until it is closed: calls `told` whenever it is notified, and `lost`
   * once, when the connection is. Missing where the database has no such thing.
   */
  listen?(channel: string, told: () => void, lost: () => void): Promise<void>;
  close(): Promise<void> | void;
}

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
  async query(source: Source, statement: string, parameters: Value[]): Promise<Answer> {
    const database = this.#databases[source];
    try {
      return { ok: checked(database.dialect, await database.query(statement, parameters)) };
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
