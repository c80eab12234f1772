// PostgreSQL's errors as those of the boundary.

import { type Refusal, StatementError, type StatementOutcome } from "../../database.js";

/** Codes of PostgreSQL's appendix that say more than "refused". */
const outcomes: Record<string, StatementOutcome> = {
  "23505": "conflict", // unique_violation
  "40001": "retryable", // serialization_failure
  "40P01": "retryable", // deadlock_detected
  "55P03": "retryable", // lock_not_available
  // The server goes down, or ends the session. What it did before that is rolled back, but for a commit that
  // was under way.
  "57P01": "outcome-unknown", // admin_shutdown
  "57P02": "outcome-unknown", // crash_shutdown
  "57P03": "unavailable", // cannot_connect_now
  "53300": "unavailable", // too_many_connections
};

const refusals: Record<string, Refusal> = {
  "42P01": "no-such-table", // undefined_table
  "3F000": "no-such-table", // invalid_schema_name
  "42703": "no-such-column", // undefined_column
  "42883": "wrong-type", // undefined_function
  "42804": "wrong-type", // datatype_mismatch
  "42846": "wrong-type", // cannot_coerce
  "22P02": "wrong-type", // invalid_text_representation
  "22007": "wrong-type", // invalid_datetime_format
  "22003": "wrong-type", // numeric_value_out_of_range
  "25006": "read-only", // read_only_sql_transaction
  "42501": "not-permitted", // insufficient_privilege
};

/** Explains an error that the server answered with; `undefined` for any other. */
export function explain(error: unknown): StatementError | undefined {
  // Errors of the system have codes such as EPIPE, but no severity.
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  const { code, message } = error;
  if (typeof code !== "string" || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const outcome = outcomes[code] ?? (code.startsWith("08") ? "outcome-unknown" : "failed");
  return new StatementError(outcome, message, refusals[code] ?? "other", code);
}
