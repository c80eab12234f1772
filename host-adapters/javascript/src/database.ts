// The hook for a database, and both databases together as the planner sees them.

import { explain } from "./driver/errors.js";
import { messageOf } from "./errors.js";
import type { Database as WitDatabase } from "./planner/wit.js";
import { repeat } from "./retry.js";

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

/** Why the database refused a statement. */
export type Refusal =
  | "no-such-table"
  | "no-such-column"
  | "wrong-type"
  | "read-only"
  | "not-permitted"
  | "other";

/**
 * What became of a statement that has no rows: it certainly had no effect, but for `outcome-unknown`, where
 * nobody knows. `retryable` ones are repeated.
 */
export type StatementOutcome = "unavailable" | "outcome-unknown" | "conflict" | "retryable" | "failed";

/** A statement without rows: what a query function throws to say more than its driver's error does. */
export class StatementError extends Error {
  /** What became of the statement. */
  readonly outcome: StatementOutcome;
  /** Why it was refused, where it `failed`. */
  readonly refusal: Refusal;
  /** The database's own code: an SQLSTATE, or SQLite's result code. */
  readonly code: string | undefined;

  constructor(outcome: StatementOutcome, message: string, refusal: Refusal = "other", code?: string) {
    super(message);
    this.name = "StatementError";
    this.outcome = outcome;
    this.refusal = refusal;
    this.code = code;
  }
}

/** One database. */
export interface Database {
  readonly dialect: Dialect;
  /** Runs one statement by itself, in autocommit. */
  query(statement: string, parameters: Value[]): Promise<Rows> | Rows;
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

  constructor(inventory: Database, meta: Database, options: DatabaseOptions) {
    this.#databases = { inventory, meta };
    const { inventoryTable = "inventory", metaSchema, metaName, statusLabels } = options;
    this.settings = {
      inventoryDialect: inventory.dialect,
      metaDialect: meta.dialect,
      inventoryTable,
      ...(metaSchema === undefined ? {} : { metaSchema }),
      ...(metaName === undefined ? {} : { metaName }),
      oneDatabase: inventory === meta,
      statusLabels: { running: "running", succeeded: "succeeded", failed: "failed", ...statusLabels },
    };
  }

  /** Runs a statement; one that met a passing conflict is repeated. Never throws. */
  async query(source: Source, statement: string, parameters: Value[]): Promise<Answer> {
    const database = this.#databases[source];
    try {
      const rows = await repeat(async () => {
        try {
          return await database.query(statement, parameters);
        } catch (error) {
          throw explain(database.dialect, error);
        }
      });
      return { ok: checked(rows) };
    } catch (error) {
      return { error: witError(error) };
    }
  }

  /** Closes both. */
  async close(): Promise<void> {
    const { inventory, meta } = this.#databases;
    await inventory.close();
    if (meta !== inventory) await meta.close();
  }
}

/** The rows, if a query function of the caller's gave any. */
function checked(rows: Rows): Rows {
  const isValue = (value: unknown) =>
    value === null || ["boolean", "bigint", "number", "string"].includes(typeof value);
  const isRow = (row: unknown) => Array.isArray(row) && row.every(isValue);
  if (!Array.isArray(rows?.rows) || !rows.rows.every(isRow) || !Number.isSafeInteger(rows.affected)) {
    throw new StatementError(
      "failed",
      "the query function must give { rows, affected }: each row an array of null, boolean, bigint (for " +
        "integers), number (for double precision) or string, affected a whole number",
      "wrong-type",
    );
  }
  return rows;
}

function witError(error: unknown): WitDatabase.Error {
  if (!(error instanceof StatementError)) return { tag: "outcome-unknown", val: messageOf(error) };
  const { outcome, refusal, code, message } = error;
  if (outcome !== "failed") return { tag: outcome, val: message };
  return { tag: "failed", val: { refusal, message, ...(code === undefined ? {} : { code }) } };
}
