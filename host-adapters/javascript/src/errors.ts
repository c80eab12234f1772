// Why a call failed: one class for each case, so that a program can branch on it.

/** The name of an error: those of the interface, and those that only a host has. */
export type ErrorCode =
  | "invalid-request"
  | "no-such-table"
  | "no-such-column"
  | "no-such-batch"
  | "superseded"
  | "configuration-changed"
  | "exhausted-retries"
  | "unavailable"
  | "database"
  | "connect"
  | "unsupported"
  | "limit-reached"
  | "trap"
  | "lease-over"
  | "result"
  | "closed";

/** What an error is about, as far as that applies. */
export interface Facts {
  /** The member of the request, or the argument, that is not allowed, as the interface spells it: `max-count`. */
  field?: string;
  /** The most that is allowed there; a `bigint` where a number would not be exact. */
  limit?: number | bigint;
  /** The table that is meant. */
  table?: string;
  /** Its column, where it is known which. */
  column?: string;
  /** The id of the row that is not as it must be. */
  uid?: bigint;
  /** The database that did not do what was asked. */
  database?: "inventory" | "meta";
  /** Its own code: an SQLSTATE, SQLite's result code, MySQL's error number. */
  databaseCode?: string;
}

/** Why a call failed. The message says what was wrong, where, and what to do; it never holds a password. */
export class BatchintoryError extends Error implements Facts {
  /** The error's name as the interface spells it, to branch on. */
  readonly code: ErrorCode;
  declare readonly field?: string;
  declare readonly limit?: number | bigint;
  declare readonly table?: string;
  declare readonly column?: string;
  declare readonly uid?: bigint;
  declare readonly database?: "inventory" | "meta";
  declare readonly databaseCode?: string;

  constructor(code: ErrorCode, message: string, facts: Facts = {}) {
    super(message);
    this.code = code;
    this.name = new.target.name;
    // In Safari's and Bun's engine an error has a column already, that of its place in the source,
    // and a hidden one.
    Reflect.deleteProperty(this, "column");
    Object.assign(this, facts);
  }
}

/** The request, or what it finds in the meta table, is not allowed. Mend it and call again. */
export class InvalidRequestError extends BatchintoryError {}
/** The meta table or the inventory does not exist. For the inventory: `migrate`. */
export class NoSuchTableError extends BatchintoryError {}
/** A column does not exist. */
export class NoSuchColumnError extends BatchintoryError {}
/** No batch has this claim token: it is a wrong one, or the database has lost the batch, as in a failover. */
export class NoSuchBatchError extends BatchintoryError {}
/** The batch has ended in another way already, or was taken from its owner. Nothing was changed. */
export class SupersededError extends BatchintoryError {}
/** The job's configuration differs from that of its latest range, and `onChange` is `refuse`. */
export class ConfigurationChangedError extends BatchintoryError {}
/** Other workers won every time. Call again later. */
export class ExhaustedRetriesError extends BatchintoryError {}
/** The database cannot be reached, or went away. Call again later. */
export class UnavailableError extends BatchintoryError {}
/** The database refused a statement for another reason. */
export class DatabaseError extends BatchintoryError {}
/** A database cannot be opened, or its driver is not installed. */
export class ConnectError extends BatchintoryError {}
/** This engine lacks what the planner needs to wait for an asynchronous database. */
export class UnsupportedError extends BatchintoryError {}
/**
 * The planner computed for longer than it may, or an answer of the database was larger than it may be. What was claimed
 * meanwhile is in the history.
 */
export class LimitReachedError extends BatchintoryError {}
/** The planner broke down, which is a bug. Its instance is not used again. */
export class TrapError extends BatchintoryError {}
/** No sign of life got through for as long as the batch's lease, by the owner's own clock: somebody else may have it. */
export class LeaseOverError extends BatchintoryError {}
/** A result cannot be written as JSON. */
export class ResultError extends BatchintoryError {}
/** The inventory was closed. */
export class ClosedError extends BatchintoryError {}

/** A batch is not its owner's any more: it was taken from it, the database has lost it, or its lease is over. */
export type LossError = SupersededError | NoSuchBatchError | LeaseOverError;

/** Whether work on a batch is in vain. */
export function isLoss(error: unknown): error is LossError {
  return (
    error instanceof SupersededError || error instanceof NoSuchBatchError || error instanceof LeaseOverError
  );
}

/** What is said when a lease of so many seconds is over. */
export function leaseOver(leaseSeconds: number): LeaseOverError {
  const lease = `the batch's lease of ${leaseSeconds} seconds`;
  const message = `no sign of life got through for as long as ${lease}: somebody else may have it now`;
  return new LeaseOverError("lease-over", message);
}

const classes: Record<ErrorCode, typeof BatchintoryError> = {
  "invalid-request": InvalidRequestError,
  "no-such-table": NoSuchTableError,
  "no-such-column": NoSuchColumnError,
  "no-such-batch": NoSuchBatchError,
  superseded: SupersededError,
  "configuration-changed": ConfigurationChangedError,
  "exhausted-retries": ExhaustedRetriesError,
  unavailable: UnavailableError,
  database: DatabaseError,
  connect: ConnectError,
  unsupported: UnsupportedError,
  "limit-reached": LimitReachedError,
  trap: TrapError,
  "lease-over": LeaseOverError,
  result: ResultError,
  closed: ClosedError,
};

/** The error of this name. */
export function errorOf(code: ErrorCode, message: string, facts?: Facts): BatchintoryError {
  return new classes[code](code, message, facts);
}

/** An error as it is told from one thread to another. */
export interface Failure {
  code: ErrorCode;
  message: string;
  facts: Facts;
}

/** Tells an error. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof BatchintoryError)) return { code: "trap", message: messageOf(error), facts: {} };
  const { code, message, name: _name, ...facts } = error;
  return { code, message, facts };
}

/** What anything that was thrown says. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
