// The hook for a database.

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
  /**
   * Runs one statement by itself, in autocommit. The signal is aborted when nobody waits for its answer any more: then the
   * statement may be ended, where the database can do that.
   */
  query(statement: string, parameters: Value[], signal?: AbortSignal): Promise<Rows> | Rows;
  /**
   * Listens to a channel, by a connection of its own until it is closed: calls `told` whenever it is notified, and `lost`
   * once, when the connection is. Missing where the database has no such thing.
   */
  listen?(channel: string, told: () => void, lost: () => void): Promise<void>;
  close(): Promise<void> | void;
}
