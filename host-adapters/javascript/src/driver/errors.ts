// Errors of drivers as those of the boundary: by the dialect, whatever the driver.

import { type Dialect, StatementError } from "../database.js";
import { messageOf } from "../errors.js";
import { explain as explainPostgres } from "./postgres/errors.js";
import { explain as explainSqlite } from "./sqlite/errors.js";

/** Explains what a query threw. What is not understood leaves open whether the statement took effect. */
export function explain(dialect: Dialect, error: unknown): StatementError {
  if (error instanceof StatementError) return error;
  const explained =
    dialect === "postgresql"
      ? explainPostgres(error)
      : dialect === "sqlite"
        ? explainSqlite(error)
        : undefined;
  return explained ?? new StatementError("outcome-unknown", messageOf(error));
}
