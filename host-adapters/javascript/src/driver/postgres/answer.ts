// What a statement answered, and what becomes of its connection, whoever holds that.

import type { QueryArrayResult } from "pg";
import { type Rows, StatementError } from "../../database.js";
import { messageOf } from "../../errors.js";
import { check } from "./values.js";

/** What the driver says of a statement that was not answered in time. */
const timedOut = "Query read timeout";

/** How long a statement may take, in milliseconds, unless said otherwise: most take some, and few a minute. */
export const statementTimeout = 300_000;

/** The rows of a result. */
export function rowsOf(result: QueryArrayResult): Rows {
  check(result.fields);
  return { rows: result.rows, affected: result.command === "SELECT" ? 0 : (result.rowCount ?? 0) };
}

/** Whether the connection goes on after this error: it does after what the server says, but for its farewell. */
export function goesOn(error: unknown): boolean {
  return error instanceof Error && "severity" in error && error.severity === "ERROR";
}

/** Whether a statement was not answered in time; the server still runs it. */
export function isLate(error: unknown): boolean {
  return messageOf(error) === timedOut;
}

/** Why a statement is not run that was given up before its connection was there. */
export function unwanted(): StatementError {
  return new StatementError("unavailable", "nobody waits for the answer any more");
}

/** The error, or one that says what to do where a statement was not answered within so many milliseconds. */
export function explained(error: unknown, limit: number, where: string): unknown {
  if (!isLate(error)) return error;
  const message = `no answer within ${limit} ms; where statements may take longer, say so by ${where}`;
  return new StatementError("outcome-unknown", message);
}
