// SQLite's errors as those of the boundary.

import { type Refusal, StatementError } from "../../database.js";

/** Result codes, extended ones where they say more. */
const busy = 5;
const locked = 6;
const readOnly = 8;
const cannotOpen = 14;
const mismatch = 20;
const constraintPrimaryKey = 1555;
const constraintUnique = 2067;

/** The codes by their names, as better-sqlite3 gives them. */
const codes: Record<string, number> = {
  SQLITE_BUSY: busy,
  SQLITE_LOCKED: locked,
  SQLITE_READONLY: readOnly,
  SQLITE_CANTOPEN: cannotOpen,
  SQLITE_MISMATCH: mismatch,
  SQLITE_CONSTRAINT_PRIMARYKEY: constraintPrimaryKey,
  SQLITE_CONSTRAINT_UNIQUE: constraintUnique,
};

/**
 * Explains an error of better-sqlite3, of node:sqlite, or of another driver as far as its message tells; of these
 * it is known that a statement with an error had no effect. `undefined` for what is no error of SQLite.
 */
export function explain(error: unknown): StatementError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message } = error;
  const code = codeOf(error, message);
  if (code === undefined) return undefined;
  const shown = String(code);
  switch (typeof code === "number" ? code & 0xff : code) {
    case busy:
    case locked:
      return new StatementError("retryable", message, "other", shown);
    case cannotOpen:
      return new StatementError("unavailable", message, "other", shown);
  }
  if (code === constraintPrimaryKey || code === constraintUnique) {
    return new StatementError("conflict", message, "other", shown);
  }
  return new StatementError("failed", message, refusal(code, message), shown);
}

function codeOf(error: Error, message: string): number | string | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (typeof errcode === "number") return errcode;
  if (typeof code === "string" && code.startsWith("SQLITE_")) {
    const basic = code.split("_").slice(0, 2).join("_");
    return codes[code] ?? codes[basic] ?? code;
  }
  if (message.startsWith("UNIQUE constraint failed")) return constraintUnique;
  if (/^(no such|unknown database|near |database is locked)/.test(message)) {
    return message.startsWith("database is locked") ? busy : "SQLITE_ERROR";
  }
  return undefined;
}

function refusal(code: number | string, message: string): Refusal {
  if (code === readOnly || (typeof code === "number" && (code & 0xff) === readOnly)) return "read-only";
  if (code === mismatch) return "wrong-type";
  // SQLite has one code for all that is wrong with a statement.
  if (/^(no such table|unknown database)/.test(message)) return "no-such-table";
  if (/^no such column|has no column named/.test(message)) return "no-such-column";
  return "other";
}
