// Errors of drivers as those of the boundary. What a database's code means the planner alone knows.

import { type Dialect, StatementError } from "../database.js";
import { messageOf } from "../errors.js";
import { codeInWords } from "./sqlite/codes.js";

/** Explains what a query threw. Without a code of the database it is not known whether the statement took effect. */
export function explain(dialect: Dialect, error: unknown): StatementError {
  if (error instanceof StatementError) return error;
  const code = error instanceof Error ? codeOf(dialect, error as Error & Record<string, unknown>) : undefined;
  return code === undefined
    ? new StatementError("outcome-unknown", messageOf(error))
    : new StatementError("refused", messageOf(error), code);
}

/** The database's own code, as its drivers tell it. */
function codeOf(dialect: Dialect, error: Record<string, unknown>): string | undefined {
  const { code, errno, errcode, rawCode, severity, sqlState } = error;
  switch (dialect) {
    case "postgresql":
      // Errors of the system have codes such as EPIPE, but no severity.
      return severity !== undefined && /^[0-9A-Z]{5}$/.test(String(code)) ? String(code) : undefined;
    case "sqlite":
      if (typeof errcode === "number") return String(errcode);
      // better-sqlite3 gives the code's name alone: SQLITE_ERROR stands for all, and the words tell.
      if (/^SQLITE_/.test(String(code))) return String(rawCode ?? errno ?? 1);
      // Words alone, of SQLite or of what is between.
      return codeInWords(messageOf(error));
    case "mysql":
      return typeof errno === "number" && sqlState !== undefined ? String(errno) : undefined;
  }
}
